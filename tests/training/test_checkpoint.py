import hashlib
import pickle
from pathlib import Path

import pytest
import torch

from smserve.errors import DataLoss, NotFound, SmserveError
from training.checkpoint import load_checkpoint, save_checkpoint


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    state = {"epoch": 3, "net": {"weight": torch.arange(6.0).view(2, 3)}, "controller": {"pairs": [[0.5, 4.0]]}}
    path = save_checkpoint(state, folder, "epoch-0003")
    found = load_checkpoint(path)
    assert found.keys() == state.keys()
    assert found["epoch"] == 3
    assert found["controller"] == {"pairs": [[0.5, 4.0]]}
    assert torch.equal(found["net"]["weight"], torch.arange(6.0).view(2, 3))
    assert list(folder.iterdir()) == [path]
    assert torch.load(path, weights_only=True)["epoch"] == 3


def test_the_name_tells_the_files_checksum(tmp_path: Path) -> None:
    path = save_checkpoint({"epoch": 1}, tmp_path, "epoch-0001")
    assert path.name == f"epoch-0001-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.pt"


def test_the_same_state_gives_the_same_file(tmp_path: Path) -> None:
    first, again, other = (
        save_checkpoint({"net": torch.full((3,), value)}, tmp_path, "state") for value in (1.0, 1.0, 2.0)
    )
    assert first == again != other


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        save_checkpoint({"epoch": 2, "net": lambda: None}, tmp_path, "epoch-0002")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cant_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SmserveError, match=r"checkpoint .* can't be written .*; make room .* go on with --resume"):
        save_checkpoint({"epoch": 1}, tmp_path / "file" / "checkpoints", "epoch-0001")


def test_none_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "epoch-0001-0123456789abcdef.pt")


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = save_checkpoint({"net": torch.ones(50)}, tmp_path, "epoch-0001")
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(DataLoss, match=f"checkpoint {path} is damaged .its SHA-256 begins with"):
            load_checkpoint(path)
    path.write_bytes(good)
    assert torch.equal(load_checkpoint(path)["net"], torch.ones(50))


class _Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("executed",))


def named_by_its_checksum(path: Path) -> Path:
    """A file that came from elsewhere, in the name that a checkpoint would have."""
    return path.rename(path.with_name(f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.pt"))


def test_damaged_or_foreign_files_are_refused_and_not_executed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = save_checkpoint({"net": torch.ones(1000)}, tmp_path, "good")
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
    for path in [named_by_its_checksum(each) for each in (truncated, text, empty, foreign, number)]:
        with pytest.raises(DataLoss, match=f"checkpoint {path} is damaged"):
            load_checkpoint(path)
    renamed = good.rename(tmp_path / "last.pt")
    with pytest.raises(DataLoss, match=r"last\.pt is damaged .its name ends in no checksum"):
        load_checkpoint(renamed)
    assert capsys.readouterr().out == ""
