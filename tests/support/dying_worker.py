"""Build a gallery on a Ray of this machine's own, with two workers, and kill one of them amid its work.

`python -m tests.support.dying_worker MODEL CSV GALLERY` prints what happened as JSON. Needs /proc.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from smserve.indexing import build_gallery, items_from_csv

__all__ = ["main"]

_PROC = Path("/proc")


def main(model: Path, csv: Path, gallery: Path) -> None:
    """Kill a worker once a tenth is done; with the report stand the pids of the workers before that and at the end."""
    killed, first, last = 0, 0.0, 0.0
    before: set[int] = set()
    after: set[int] = set()

    def progress(done: int, total: int) -> None:
        nonlocal killed, first, last, before, after
        if done == 0:
            first = time.monotonic()
        if done >= total // 10 and not killed:
            before = _workers()
            killed = next(filter(_killed_amid_its_work, before), 0)
        if done == total - 1:
            last, after = time.monotonic(), _workers()

    report = build_gallery(
        model=model, sources=items_from_csv(csv), gallery=gallery, workers=2, ray="local", progress=progress
    )
    seen = {"killed": killed, "before": sorted(before), "after": sorted(after), "steady_s": last - first}
    json.dump(asdict(report) | seen, sys.stdout)


def _workers() -> set[int]:
    """Return the pids of those of Ray's workers that decode and embed and that this process started."""
    parents: dict[int, int] = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        parents[int(folder.name)] = int(parent)
    return {pid for pid in parents if _title(pid).startswith("ray::MapWorker") and _is_ours(pid, parents)}


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def _title(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "cmdline").read_text(encoding="utf-8", errors="replace").strip("\0 ")
    except OSError:
        return ""


def _killed_amid_its_work(pid: int) -> bool:
    """Kill a worker if it has a batch in hand; Ray names a process after what it is doing."""
    os.kill(pid, signal.SIGSTOP)
    is_busy = _title(pid).endswith(".submit")
    os.kill(pid, signal.SIGKILL if is_busy else signal.SIGCONT)
    return is_busy


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
