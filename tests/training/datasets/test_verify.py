import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from tests.training.datasets.archives import in_small, pack_tgz
from tests.training.datasets.trees import write_cub, write_inshop, write_sop
from training.datasets import verify_dataset
from training.datasets.cub import CUB
from training.datasets.emoji import EMOJI
from training.datasets.published import BENCHMARKS
from training.datasets.verify import VerifyReport

NAME = "CUB_200_2011.tgz"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The archive of a small CUB, which `cub` stands for."""
    tree = write_cub(tmp_path / "tree")
    content = pack_tgz({"CUB_200_2011": tree})
    monkeypatch.setitem(BENCHMARKS, "cub", in_small(CUB, tree, {NAME: content}, url="http://127.0.0.1:9/"))
    (tmp_path / "cub").mkdir()
    return content


def break_pictures(root: Path, pattern: str) -> int:
    paths = [path for path in root.rglob(pattern) if not path.name.startswith("._")]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-100])
    return len(paths)


def test_all_right(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "cub" / NAME).write_bytes(archive)
    steps: list[tuple[str, int, int]] = []
    report = verify_dataset("cub", tmp_path, lambda *step: steps.append(step))
    assert report.ok
    assert report.archives == {NAME: "right"}
    assert {name: str(size) for name, size in report.splits.items()} == {
        "train": "3 classes with 12 pictures",
        "validation": "0 classes with 0 pictures",
        "test": "3 classes with 12 pictures",
    }
    assert (report.decoded, report.unreadable, report.problems, report.notes) == (24, 0, [], ())
    assert ("decoding cub/test", 12, 12) in steps
    document = json.loads(json.dumps(report.to_dict()))
    assert document["ok"] is True
    assert document["splits"]["test"] == {"classes": 3, "pictures": 12}


def test_the_archives_own_split_is_right_with_a_note(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "cub" / NAME).write_bytes(archive)
    report = verify_dataset("cub-official", tmp_path)
    assert (report.ok, report.archives) == (True, {NAME: "right"})
    assert "CAN'T be compared" in report.notes[0]


def test_what_is_not_there_is_reported_and_nothing_is_downloaded(archive: bytes, tmp_path: Path) -> None:
    for name in ("cub", "cars196"):
        (problem,) = verify_dataset(name, tmp_path).problems
        assert problem.startswith(f"data set {name} is not there: put ")
    assert list((tmp_path / "cub").iterdir()) == []


def test_a_wrong_archive_is_reported_and_not_unpacked(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "cub" / NAME).write_bytes(archive[:-1])
    report = verify_dataset("cub", tmp_path)
    (problem,) = report.problems
    assert f"has {len(archive) - 1:,} bytes, wanted {NAME} ({len(archive):,} bytes" in problem
    assert report.archives == {NAME: problem}
    assert (report.splits, report.decoded) == ({}, 0)
    # Unpacked files beside it are looked at all the same.
    write_cub(tmp_path / "cub" / "CUB_200_2011")
    report = verify_dataset("cub", tmp_path)
    assert (report.problems, report.decoded) == ([problem], 24)


def test_wrong_counts_and_unreadable_pictures_are_reported_together(tmp_path: Path) -> None:
    write_sop(tmp_path, per_class=6)
    assert break_pictures(tmp_path, "*_[01].JPG") == 12
    (tmp_path / "bicycle_final" / "1000002_5.JPG").unlink()
    report = verify_dataset(f"sop:{tmp_path}", tmp_path)
    assert (report.decoded, report.unreadable, len(report.unreadable_first)) == (23, 12, 10)
    missing, unreadable = report.problems
    assert missing.startswith("1 pictures are missing from ")
    assert unreadable == "12 of 35 pictures can't be read"
    assert report.unreadable_first[0].startswith(f"{tmp_path}/coffee_maker_final/1000001_0.JPG: the picture is damaged")
    assert not report.ok


def test_an_accepted_part_is_all_right(tmp_path: Path) -> None:
    write_inshop(tmp_path)
    report = verify_dataset(f"inshop:{tmp_path}", tmp_path, allow_subset=True)
    assert (report.ok, report.decoded, len(report.notes)) == (True, 24, 2)
    assert list(report.splits) == ["train", "validation", "test", "gallery"]


def test_a_class_in_two_splits_is_reported(pictures: Path, tmp_path: Path) -> None:
    lines = ["path,label,split"]
    for color, split in (("red", "train"), ("green", "train"), ("blue", "test"), ("yellow", "test")):
        lines += [f"{pictures / color / name},{color},{split}" for name in ("0.png", "1.jpg")]
    lines.append(f"{pictures / 'red' / '2.png'},red,test")
    (tmp_path / "all.csv").write_text("\n".join(lines))
    report = verify_dataset(f"csv:{tmp_path / 'all.csv'}", tmp_path)
    (problem,) = report.problems
    assert "share 1 classes (red)" in problem
    assert report.decoded == 9
    assert verify_dataset(f"csv:{tmp_path / 'all.csv'}", tmp_path, allow_shared_classes=True).ok


def test_one_s_own_pictures(pictures: Path, tmp_path: Path) -> None:
    report = verify_dataset(f"folder:{pictures}", tmp_path)
    assert (report.ok, report.decoded) == (True, 24)
    (problem,) = verify_dataset(f"folder:{tmp_path / 'none'}", tmp_path).problems
    assert "does not exist" in problem


def test_a_name_that_is_none_is_no_state_of_a_data_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="data set is 'birds'; wanted one of"):
        verify_dataset("birds", tmp_path)


def emoji(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> VerifyReport:
    """Verify `emoji` where it has one package, whose archive should be `b"right"`."""
    package = replace(EMOJI.packages[0], sha512=hashlib.sha512(b"right").hexdigest())
    monkeypatch.setattr("training.datasets.verify.EMOJI", replace(EMOJI, packages=(package,)))
    archives = tmp_path / "emoji" / "archives"
    archives.mkdir(parents=True)
    if content is not None:
        (archives / package.archive).write_bytes(content)
    return verify_dataset("emoji", tmp_path)


def test_emoji_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = emoji(tmp_path, monkeypatch, None).problems
    assert "data set emoji is not there: emoji-datasource-google-16.0.0.tgz is missing; put it into" in problem


def test_an_emoji_archive_of_other_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = emoji(tmp_path, monkeypatch, b"wrong")
    (problem,) = report.problems
    assert "another sha512" in problem
    assert list(report.archives.values()) == ["another sha512 than the one committed"]
