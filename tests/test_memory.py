"""Freed memory goes back to the system."""

import os
from pathlib import Path

import pytest

from smserve import memory
from smserve.memory import memory_given_back


def resident_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


@pytest.mark.skipif(memory._TRIM is None, reason="the C library gives memory back by itself, or never")
def test_the_process_shrinks() -> None:
    blocks = [bytes(60_000) for _ in range(1000)]
    last = bytes(60_000)  # above the others: while it is there, they stay
    used = resident_bytes()
    with memory_given_back():
        del blocks
    assert used - resident_bytes() > 40_000_000
    assert len(last) == 60_000
