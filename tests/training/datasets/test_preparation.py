from pathlib import Path

import numpy as np

from smserve.images import ResizeRule
from tests.training.datasets.trees import write_inshop
from training.datasets import decode_set, load_dataset, prepare_dataset

RULE = ResizeRule(size=12, height=12, width=12)


def test_every_split_is_decoded_and_found_again(tmp_path: Path) -> None:
    write_inshop(tmp_path / "tree")
    dataset = load_dataset(f"inshop:{tmp_path / 'tree'}", tmp_path, allow_subset=True)
    prepared = prepare_dataset(dataset, RULE, tmp_path / "cache")
    assert [(split.name, split.pictures, split.size) for split in prepared] == [
        ("train", 12, 12 * 432),
        ("test", 6, 6 * 432),
        ("gallery", 6, 6 * 432),
    ]
    assert {split.file for split in prepared} == set((tmp_path / "cache").iterdir())
    assert prepared[0].to_dict()["file"] == str(prepared[0].file)

    def refuse(step: str, done: int, total: int) -> None:
        raise AssertionError("decoded again")

    assert prepare_dataset(dataset, RULE, tmp_path / "cache", refuse) == prepared
    np.testing.assert_array_equal(decode_set(dataset.test, RULE, tmp_path / "cache", refuse), np.load(prepared[1].file))
