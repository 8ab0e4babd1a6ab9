from pathlib import Path

import pytest

from smserve.errors import DataLoss, NotFound
from training.checkpoint import load_checkpoint
from training.trainer.checkpoints import Checkpoints


def fill(path: Path, *places: tuple[int, int | None], keep: int = 10) -> Checkpoints:
    checkpoints = Checkpoints(path)
    for epoch, step in places:
        checkpoints.save({"epoch": epoch, "step": step}, epoch=epoch, step=step, keep=keep)
    return checkpoints


def places(checkpoints: Checkpoints) -> list[tuple[int, int | None]]:
    return [(state["epoch"], state["step"]) for state in map(load_checkpoint, checkpoints.kept())]


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def test_the_end_of_an_epoch_comes_after_its_steps(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, (1, 20), (1, None), (2, 3), (2, 1000), (10, 1), (2, None))
    assert places(checkpoints) == [(1, 20), (1, None), (2, 3), (2, 1000), (2, None), (10, 1)]
    assert checkpoints.load() == {"epoch": 10, "step": 1}


def test_the_last_few_are_kept_and_what_a_kill_left_is_removed(tmp_path: Path) -> None:
    tmp_path.joinpath(".epoch-0001-0123456789abcdef.pt.partial").write_bytes(b"cut off")
    checkpoints = fill(tmp_path, (1, 5), (1, None), (2, 5), (2, None), keep=2)
    assert places(checkpoints) == [(2, 5), (2, None)]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_best_one_is_kept_beside_them(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.best() is None
    for epoch in range(1, 6):
        path = checkpoints.save({"epoch": epoch}, epoch=epoch, step=None, keep=1)
        if epoch in (1, 3):
            checkpoints.keep_as_best(path)
    best = checkpoints.best()
    assert best is not None
    assert load_checkpoint(best) == {"epoch": 3}
    assert checkpoints.load() == {"epoch": 5}
    assert len(list(tmp_path.iterdir())) == 2


def test_of_a_damaged_one_the_last_sound_one_before_it_is_offered(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, (1, 5), (1, None), (2, 5), (2, None))
    first, second, third, fourth = checkpoints.kept()
    damage(third)
    damage(fourth)
    with pytest.raises(DataLoss, match=f"checkpoint {fourth} is damaged .*: train again with --resume-from {second}$"):
        checkpoints.load()
    with pytest.raises(DataLoss, match=f"checkpoint {third} is damaged .*: train again with --resume-from {second}$"):
        checkpoints.load(third)
    assert checkpoints.load(second) == {"epoch": 1, "step": None}
    damage(first)
    damage(second)
    with pytest.raises(DataLoss, match="no sound one is left from before it, so remove the run and train again"):
        checkpoints.load()


def test_going_back_drops_what_is_newer(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path / "run", (1, None), (2, 5), (2, None))
    checkpoints.drop_after(checkpoints.kept()[1])
    assert places(checkpoints) == [(1, None), (2, 5)]
    (elsewhere,) = fill(tmp_path / "other", (1, 3)).kept()
    with pytest.raises(NotFound, match=f"{elsewhere} is no checkpoint of {tmp_path}/run; wanted one of .*epoch-0002-"):
        checkpoints.drop_after(elsewhere)


def test_none_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no checkpoint in"):
        Checkpoints(tmp_path / "checkpoints").load()
    with pytest.raises(NotFound, match=r"there is no checkpoint .*; check the path"):
        fill(tmp_path, (1, None)).load(tmp_path / "epoch-0009-0123456789abcdef.pt")
