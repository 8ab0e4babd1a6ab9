import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.datasets.archives import in_small, pack_tgz
from tests.training.datasets.trees import write_cub, write_inshop
from training.datasets import CatalogueEntry, catalogue
from training.datasets.cub import CUB
from training.datasets.emoji import EMOJI
from training.datasets.published import BENCHMARKS, load_benchmark


def entry(name: str, data_dir: Path) -> CatalogueEntry:
    return next(each for each in catalogue(data_dir) if each.name == name)


def test_where_nothing_is_all_are_listed_as_absent(tmp_path: Path) -> None:
    entries = catalogue(tmp_path / "none")
    assert [(each.name, each.state) for each in entries] == [
        (name, "absent") for name in ("emoji", "cub", "cars196", "sop", "inshop")
    ]
    assert all(each.next_step and each.origin and not each.files for each in entries)
    assert not (tmp_path / "none").exists()
    assert json.loads(json.dumps([each.to_dict() for each in entries]))[1]["splits"]["train"] == {
        "classes": 100,
        "pictures": 5864,
    }


def test_the_states_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = write_cub(tmp_path / "CUB_200_2011")
    archive = pack_tgz({"CUB_200_2011": tree})
    monkeypatch.setitem(BENCHMARKS, "cub", in_small(CUB, tree, {"CUB_200_2011.tgz": archive}))
    (tmp_path / "cub").mkdir()
    assert entry("cub", tmp_path).state == "absent"
    (tmp_path / "cub" / "CUB_200_2011.tgz").write_bytes(archive)
    dropped = entry("cub", tmp_path)
    assert (dropped.state, dropped.files) == ("archive dropped", ("CUB_200_2011.tgz",))
    load_benchmark(BENCHMARKS["cub"], data_dir=tmp_path)
    ready = entry("cub", tmp_path)
    assert (ready.state, ready.next_step) == ("ready", "")
    assert list(ready.official) == ["train", "test"]
    monkeypatch.setitem(BENCHMARKS, "cub", replace(BENCHMARKS["cub"], counts=CUB.counts))
    part = entry("cub", tmp_path)
    assert (part.state, "--allow-subset" in part.next_step) == ("unpacked", True)
    (tmp_path / "cub" / "unpacked" / "CUB_200_2011" / "classes.txt").unlink()
    assert entry("cub", tmp_path).state == "unpacked"


def test_unpacked_by_hand(tmp_path: Path) -> None:
    write_inshop(tmp_path / "inshop")
    assert entry("inshop", tmp_path).state == "unpacked"
    assert list(entry("inshop", tmp_path).splits) == ["train", "test", "gallery"]


def test_emoji(tmp_path: Path) -> None:
    for package in EMOJI.packages:
        archive = tmp_path / "emoji" / "archives" / package.archive
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(b"")
    assert entry("emoji", tmp_path).state == "archive dropped"
    for package in EMOJI.packages:
        (tmp_path / "emoji" / "unpacked" / package.folder).mkdir(parents=True)
    assert entry("emoji", tmp_path).state == "ready"
    splits = entry("emoji", tmp_path).splits.values()
    assert sum(size.classes for size in splits) == EMOJI.classes
    assert sum(size.pictures for size in splits) == EMOJI.pictures
