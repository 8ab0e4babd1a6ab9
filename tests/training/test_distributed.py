"""One process; two are in trainer/test_shared.py."""

import pytest
import torch

from smserve.errors import SmserveError
from training.distributed import (
    first_on_its_machine,
    gather_rows,
    is_first,
    joined_processes,
    once_for_all,
    process_count,
    process_rank,
)


def test_alone() -> None:
    with joined_processes():
        assert (process_count(), process_rank(), is_first()) == (1, 0, True)
        assert once_for_all(lambda: 3) == 3
        with first_on_its_machine():
            pass
        rows = torch.ones((2, 3), requires_grad=True)
        assert gather_rows(rows).shape == (1, 2, 3)
        assert not gather_rows(rows).requires_grad


def test_processes_that_torchrun_did_not_start_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK"):
        monkeypatch.delenv(name, raising=False)
    says = r"the 2 processes can't be joined .*RANK.* start them with torchrun"
    with pytest.raises(SmserveError, match=says), joined_processes():
        pass
