"""Freed memory goes back to the system, or stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smserve import memory
from smserve.memory import memory_given_back

GLIBC = pytest.mark.skipif(
    memory._TRIM is None, reason="only glibc can be told: others give back by themselves, or never"
)


def resident_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


@GLIBC
def test_the_process_shrinks() -> None:
    blocks = [bytes(60_000) for _ in range(1000)]
    last = bytes(60_000)  # above the others: while it is there, they stay
    used = resident_bytes()
    with memory_given_back():
        del blocks
    assert used - resident_bytes() > 40_000_000
    assert len(last) == 60_000


@GLIBC
@pytest.mark.parametrize("kept", [True, False])
def test_a_process_may_keep_what_it_freed(kept: bool) -> None:
    code = (
        "from smserve.memory import keep_freed_memory\n"
        "from tests.test_memory import resident_bytes\n"
        f"{'keep_freed_memory()' if kept else ''}\n"
        "block = bytearray(200_000_000)\n"
        "del block\n"
        "print(resident_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert (int(done.stdout) > 200_000_000) == kept
