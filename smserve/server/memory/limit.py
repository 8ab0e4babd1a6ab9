"""How much memory there is: the machine's, the control group's or the process's own limit, whichever is least."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["MemoryLimit", "memory_limit"]

_NONE: Final = 1 << 60  # control groups of version 1 write "no limit" as a number near 2**63
_ADDRESSES: Final = 1 << 30
"""Addresses that take no memory, as those of libraries and of threads' stacks: a server has 0.8 to 1.2 GiB of them."""


class MemoryLimit(NamedTuple):
    """A number of bytes, and what sets it, for people."""

    size: int
    source: str

    def __str__(self) -> str:
        return f"{self.size / (1 << 20):,.0f} MiB ({self.source})"


def memory_limit(root: Path = Path("/")) -> MemoryLimit:
    """Return the least of the limits that hold for this process.

    Args:
        root: Where the system's files lie.
    """
    machine = MemoryLimit(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "the machine's memory")
    return min((machine, *_control_groups(root), *_addresses()))


def _control_groups(root: Path) -> Iterator[MemoryLimit]:
    """Yield what the process's control groups allow, and those above them."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):  # in a container the path may be the host's, where only the top is seen
            if not folder.is_relative_to(top):
                break
            yield from _limit_in(folder / name)


def _limit_in(file: Path) -> Iterator[MemoryLimit]:
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return
    if text.isdecimal() and int(text) < _NONE:  # else "max"
        yield MemoryLimit(int(text), str(file))


def _addresses() -> Iterator[MemoryLimit]:
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY:
        yield MemoryLimit(max(0, allowed - _ADDRESSES), "ulimit -v, less 1 GiB of addresses without memory")
