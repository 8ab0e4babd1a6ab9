"""smserve.toml keeps what is not ours."""

import tomllib
from pathlib import Path

import pytest

from smserve.embedder import InferenceSettings
from smserve.errors import InvalidInput, SmserveError
from smserve.tuning import Candidate, Limits, SettingsFile, Trial, TuningReport

CHOSEN = {
    "provider": "openvino",
    "precision": "bfloat16",
    "inference-threads": 1,
    "max-batch": 1,
    "max-batch-delay": 0.0,
    "max-in-flight": 3,
}

ANOTHERS = """\
# of the team that runs it
[serve]
port = 50052  # behind the proxy
provider = "cpu"  # for now

[client]
server = "a:1"
"""


def report(*, chosen: bool = True) -> TuningReport:
    settings = InferenceSettings(provider="openvino", precision="bfloat16", threads=1, max_batch=1)
    trial = Trial(
        candidate=Candidate(settings=settings, max_in_flight=3),
        runs_on="OpenVINO CPU bfloat16",
        pictures_per_s=68.04,
        latency_ms=25.71,
        cosine=0.99998,
    )
    return TuningReport(
        model_name="a\n[serve]\nport = 1",
        model_fingerprint="0" * 64,
        cores=2,
        pictures=64,
        limits=Limits(),
        trials=(trial,),
        refused=(),
        chosen=trial if chosen else None,
    )


def test_a_new_file_has_the_options_and_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "smserve.toml"
    SettingsFile(path).write(report())
    text = path.read_text()
    assert tomllib.loads(text) == {"serve": CHOSEN}, "a model's name can't add to it"
    first = next(line for line in text.splitlines() if line.startswith("provider"))
    assert "# chosen by smserve tune, " in first
    assert "68.0 pictures/s, a call alone 25.7 ms (p95), cosine to float32 at least 0.99998" in first


def test_other_keys_tables_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "smserve.toml"
    path.write_text(ANOTHERS)
    SettingsFile(path).write(report())
    SettingsFile(path).write(report())
    text = path.read_text()
    assert tomllib.loads(text) == {"serve": {"port": 50052, **CHOSEN}, "client": {"server": "a:1"}}
    assert text.startswith("# of the team that runs it\n")
    assert "port = 50052  # behind the proxy\n" in text
    assert text.count("chosen by smserve tune") == 1
    assert "for now" not in text
    assert list(tmp_path.iterdir()) == [path], "and nothing beside it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[serve\nport = 1", "is no TOML: .*line 1"),
        (b"serve = 3\n", "serve is no table"),
        (b"[[serve]]\nport = 1\n", "serve is no table"),
        (b"\xff\xfe", "is no TOML"),
    ],
)
def test_nonsense_is_refused_and_stays(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "smserve.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        SettingsFile(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such folder"):
        SettingsFile(tmp_path / "nowhere" / "smserve.toml")


def test_nothing_chosen_is_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(SmserveError, match="nothing was chosen"):
        SettingsFile(tmp_path / "smserve.toml").write(report(chosen=False))
    assert list(tmp_path.iterdir()) == []
