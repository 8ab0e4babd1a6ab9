from pathlib import Path

import pytest

from smserve.errors import InvalidInput
from training.datasets import load_dataset


@pytest.mark.parametrize("name", ["", "birds", "folder:", "csv", "emoji:x", "FOLDER:x"])
def test_an_unknown_name_gets_the_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="wanted one of emoji, cub, cub:DIR, folder:DIR, csv:FILE") as caught:
        load_dataset(name, tmp_path)
    assert repr(name) in caught.value.message
