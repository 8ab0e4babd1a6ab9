import threading
import time
from collections.abc import Iterator

import pytest
import torch

from training.neighbours.parallel import in_order


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def where(number: int) -> tuple[int, int, int]:
    """The number, torch's threads here, and this thread."""
    time.sleep(0.002 * (number % 3))  # later ones are done first
    return number, torch.get_num_threads(), threading.get_ident()


@pytest.mark.usefixtures("three_threads")
def test_each_piece_has_one_thread_and_pieces_come_in_order() -> None:
    found = list(in_order(where, range(30)))
    assert [number for number, _, _ in found] == list(range(30))
    assert {threads for _, threads, _ in found} == {1}
    assert 1 < len({ident for _, _, ident in found}) <= 3
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_few_pieces_run_here_on_all_threads() -> None:
    assert list(in_order(where, [7, 8])) == [(7, 3, threading.get_ident()), (8, 3, threading.get_ident())]


@pytest.mark.usefixtures("three_threads")
def test_torchs_threads_are_put_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda number: 1 // number, list(range(9, -1, -1))))
    assert torch.get_num_threads() == 3
