import pickle
from pathlib import Path

import pytest
import torch

from smserve.errors import DataLoss, NotFound
from training.checkpoint import load_checkpoint, save_checkpoint


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.pt"
    state = {"epoch": 3, "net": {"weight": torch.arange(6.0).view(2, 3)}, "controller": {"pairs": [[0.5, 4.0]]}}
    save_checkpoint({"epoch": 2}, path)
    save_checkpoint(state, path)
    found = load_checkpoint(path)
    assert found.keys() == state.keys()
    assert found["epoch"] == 3
    assert found["controller"] == {"pairs": [[0.5, 4.0]]}
    assert torch.equal(found["net"]["weight"], torch.arange(6.0).view(2, 3))
    assert [each.name for each in path.parent.iterdir()] == ["last.pt"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint({"epoch": 1}, path)
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        save_checkpoint({"epoch": 2, "net": lambda: None}, path)
    assert load_checkpoint(path)["epoch"] == 1


def test_none_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "last.pt")


class _Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("executed",))


def test_damaged_or_foreign_files_are_refused_and_not_executed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.pt"
    save_checkpoint({"net": torch.ones(1000)}, good)
    truncated = tmp_path / "truncated.pt"
    truncated.write_bytes(good.read_bytes()[:-300])
    text = tmp_path / "text.pt"
    text.write_text("no checkpoint")
    empty = tmp_path / "empty.pt"
    empty.touch()
    foreign = tmp_path / "foreign.pt"
    torch.save({"net": _Malicious()}, foreign)
    number = tmp_path / "number.pt"
    torch.save(3, number)
    for path in (truncated, text, empty, foreign, number):
        with pytest.raises(DataLoss, match=f"checkpoint {path} is damaged"):
            load_checkpoint(path)
    assert capsys.readouterr().out == ""
