"""The file of settings: between the environment and the defaults, and said clearly where it is wrong."""

from pathlib import Path

import pytest

from smserve.embedder import InferenceSettings
from smserve.tuning import Candidate, Limits, SettingsFile, Trial, TuningReport
from tests.cli.conftest import Run, document


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one may be written; the current folder has none."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "settings.toml"


def shown(run: Run, *options: object) -> dict[tuple[str, str], tuple[object, str]]:
    settings = document(run(*options, "config", "show", "--json"))["settings"]
    return {(each["command"], each["option"]): (each["value"], each["source"]) for each in settings}


def test_the_command_line_wins_over_the_environment_which_wins_over_the_file(
    run: Run, file: Path, address: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f'[client]\nserver = "{address}"\n[search]\ntop-k = 4\n')
    picture = pictures / "red" / "0.png"

    def hits(*options: object) -> int:
        return len(document(run("--config", file, "search", picture, "--json", *options))["hits"])

    assert hits() == 4
    monkeypatch.setenv("SMSERVE_SEARCH_TOP_K", "3")
    assert hits() == 3
    assert hits("--top-k", 2) == 2


def test_what_is_shown_of_it(run: Run, file: Path, small_gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        f'[client]\nserver = "10.0.0.7:1"\n[compare]\nserver = "10.0.0.8:1"\n[serve]\nmax-in-flight = 3\n'
        f'drain-delay = 2\nread-only = true\ngallery = ["a={small_gallery}", "b={small_gallery}"]\nport = 4\n'
        f"[index.build]\nworkers = 4\n"
    )
    monkeypatch.setenv("SMSERVE_SERVE_PORT", "5")
    settings = shown(run, "--config", file)
    assert settings["serve", "--max-in-flight"] == (3, "file")
    assert settings["serve", "--drain-delay"] == (2.0, "file")
    assert settings["serve", "--read-only"] == (True, "file")
    assert settings["serve", "--gallery"] == ([["a", str(small_gallery)], ["b", str(small_gallery)]], "file")
    assert settings["serve", "--port"] == (5, "environment")
    assert settings["serve", "--host"] == ("127.0.0.1", "default")
    assert settings["index build", "--workers"] == (4, "file")
    assert settings["search", "--server"] == ("10.0.0.7:1", "file")
    assert settings["compare", "--server"] == ("10.0.0.8:1", "file"), "a command's own table wins"
    assert settings["index add", "--server"] == (None, "default"), "that says where to write, and has no default"
    table = run("--config", file, "config", "show")
    assert f"file of settings: {file}\n" in table.stderr
    rows = {tuple(row.split("\t")[:2]): row.split("\t")[2:4] for row in table.stdout.splitlines()}
    assert rows["search", "--server"] == ["10.0.0.7:1", "file, [client]"]
    assert rows["index build", "--workers"] == ["4", "file, [index.build]"]
    assert rows["serve", "--gallery"][0] == f"a={small_gallery}, b={small_gallery}"


def test_which_file_is_read(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert document(run("config", "show", "--json"))["file"] is None
    assert "file of settings: none" in run("config", "show").stderr
    Path("smserve.toml").write_text("[search]\ntop-k = 1\n")
    file.write_text("[search]\ntop-k = 2\n")
    assert document(run("config", "show", "--json"))["file"] == "smserve.toml"
    assert shown(run)["search", "--top-k"] == (1, "file")
    monkeypatch.setenv("SMSERVE_CONFIG", str(file))
    assert shown(run)["search", "--top-k"] == (2, "file")
    assert shown(run, "--config", "smserve.toml")["search", "--top-k"] == (1, "file")


def test_it_takes_what_tune_writes(run: Run, file: Path) -> None:
    trial = Trial(
        candidate=Candidate(settings=InferenceSettings(provider="openvino", max_batch=1), max_in_flight=3),
        runs_on="OpenVINO CPU float32",
        pictures_per_s=68.0,
        latency_ms=25.0,
        cosine=1.0,
    )
    SettingsFile(file).write(
        TuningReport(
            model_name="m",
            model_fingerprint="0" * 64,
            cores=2,
            pictures=64,
            limits=Limits(),
            trials=(trial,),
            refused=(),
            chosen=trial,
        )
    )
    settings = shown(run, "--config", file)
    written = {option: value for (command, option), (value, source) in settings.items() if source == "file"}
    assert written == {f"--{name}": value for name, value in trial.candidate.options().items()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[serve\nport = 1", "is no TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
        ("serve = 3", "serve is an integer, 3; wanted a table, [serve]"),
        ('client = "a:1"', "client is a string, 'a:1'; wanted a table, [client]"),
        ("[srve]", "has 'srve', and there is no such command (did you mean 'serve'?)"),
        ("[index]\nworkers = 3", "has 'workers', and there is no such command"),
        ("[index.bild]", "has 'bild', and there is no such command (did you mean 'build'?)"),
        ("[serve]\nmax_in_flight = 3", "'max_in_flight', which is nothing that `smserve serve` takes (did you mean "),
        ("[client]\nport = 3", "'port', which is nothing that every command that asks a server takes"),
        ("[serve]\nport = true", "port is true or false, true; wanted an integer"),
        ("[serve]\nport = 1.5", "port is a number, 1.5; wanted an integer"),
        ('[serve]\nport = "1"', "port is a string, '1'; wanted an integer"),
        ("[serve]\nread-only = 1", "read-only is an integer, 1; wanted true or false"),
        ("[serve]\nhost = 1979-05-27", "host is a date or time, 1979-05-27; wanted a string"),
        ('[serve]\ngallery = "g"', "gallery is a string, 'g'; wanted a list, each of it a string"),
        ("[serve]\ngallery = [1]", "gallery is a list; wanted a list, each of it a string"),
        ("[serve.port]", "port is a table; wanted an integer"),
        ("[serve]\nport = 65536", "port in [serve] of {file}: 65536 is not in the range"),
        ('[serve]\nprovider = "gpu"', "provider in [serve] of {file}: 'gpu' is not one of"),
        ('[serve]\ngallery = ["nowhere"]', "gallery in [serve] of {file}: there is no folder 'nowhere'"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_one_line(run: Run, file: Path, content: str, message: str) -> None:
    file.write_text(content)
    result = run("--config", file, "config", "show")
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert str(file) in line
    assert message.format(file=file) in line


def test_a_value_out_of_range_is_placed_when_the_command_is_run(run: Run, file: Path, tiny_model: Path) -> None:
    file.write_text("[serve]\nport = 65536\n")
    result = run("--config", file, "serve", "--model", tiny_model)
    assert result.exit_code == 2
    assert f"port in [serve] of {file}: 65536" in result.stderr
    assert run("--config", file, "serve", "--model", tiny_model, "--port", "x").stderr.count(str(file)) == 0


def test_a_key_does_not_belong_there(run: Run, file: Path) -> None:
    file.write_text('[client]\napi-key = "smserve_secret"\n')
    result = run("--config", file, "config", "show")
    assert result.exit_code == 2
    assert "an API key does not belong into a file of settings" in result.stderr
    assert "smserve_secret" not in result.output


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[serve]\nhost = '\xe4'"])
def test_what_is_no_utf_8(run: Run, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    result = run("--config", file, "config", "show")
    assert (result.exit_code, "is no UTF-8" in result.stderr) == (2, True)


def test_what_can_t_be_read(run: Run, file: Path) -> None:
    assert run("--config", file, "config", "show").exit_code == 2
    Path("smserve.toml").mkdir()
    result = run("config", "show")
    assert (result.exit_code, "can't be read (Is a directory)" in result.stderr) == (2, True)
