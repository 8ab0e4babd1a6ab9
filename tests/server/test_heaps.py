"""A server's threads share one heap of the C library, where each would have its own."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from smserve import memory
from smserve.client import Client
from tests.support.pictures import draw, encode
from tests.support.running import serving

_HEAP_BYTES = 64 << 20
_CALLERS = 8


def heap_count(pid: int) -> int:
    """Return how many heaps there are: but for the main one, each is a room of 64 MiB of which a part is in use."""
    regions = []
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        place, rights = line.split()[:2]
        start, stop = (int(each, 16) for each in place.split("-"))
        regions.append((start, stop, rights))
    return 1 + sum(
        start % _HEAP_BYTES == 0 and (rights, rest, then, end % _HEAP_BYTES) == ("rw-p", "---p", stop, 0)
        for (start, stop, rights), (then, end, rest) in pairwise(regions)
    )


@pytest.mark.skipif(sys.platform != "linux" or memory._TRIM is None, reason="heaps of glibc on Linux")
@pytest.mark.parametrize("workers", [1, 2])
def test_there_is_one_heap(tiny_model: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    picture = encode(draw("red"))
    with serving("--model", tiny_model, "--workers", workers) as (process, address), Client(address) as client:
        with ThreadPoolExecutor(_CALLERS) as callers:
            list(callers.map(lambda _: client.embed([picture]), range(10 * _CALLERS)))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        assert {heap_count(pid) for pid in [process.pid, *map(int, children)]} == {1}
