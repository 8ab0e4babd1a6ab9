from pathlib import Path

import pytest

from smserve.errors import InvalidInput, NotFound
from tests.training.datasets.trees import write_sop
from training.datasets import load_dataset
from training.datasets.load import parse_name

NAMES = (
    "emoji, cub, cars196, sop, inshop, cub-official, cars196-official, cub:DIR, cars196:DIR, sop:DIR, inshop:DIR, "
    "cub-official:DIR, cars196-official:DIR, folder:DIR, csv:FILE"
)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "birds",
        "cub:",
        "folder",
        "folder:",
        "csv",
        "emoji:x",
        "FOLDER:x",
        "sop-official",
        "inshop-official:x",
        "-official",
    ],
)
def test_an_unknown_name_gets_the_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"wanted one of {NAMES}") as caught:
        load_dataset(name, tmp_path)
    assert repr(name) in caught.value.message


@pytest.mark.parametrize(("name", "kind", "place"), [("cub", "cub", ""), ("csv:a:b.csv", "csv", "a:b.csv")])
def test_the_place_is_all_behind_the_first_colon(name: str, kind: str, place: str) -> None:
    assert parse_name(name) == (kind, place)


@pytest.mark.parametrize("name", ["cars196", "sop", "inshop", "cars196-official"])
def test_what_is_not_there_is_told_with_the_folder_to_put_it_into(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMSERVE_SOP_URL", raising=False)
    with pytest.raises(NotFound, match="is not there: put ") as caught:
        load_dataset(name, tmp_path)
    assert f"into {tmp_path / name.removesuffix('-official')} " in caught.value.message
    assert "\n" not in caught.value.message


def test_a_data_set_knows_the_name_that_loads_it_again(tmp_path: Path) -> None:
    write_sop(tmp_path)
    dataset = load_dataset(f"sop:{tmp_path}", tmp_path / "data", allow_subset=True)
    again = load_dataset(dataset.name, tmp_path / "data", allow_subset=True)
    assert again.test.paths == dataset.test.paths
