"""What strace saw of a writer: whether each acknowledgement followed the syncing of all that it promises."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["Order", "trace_writer"]

_CALLS = "trace=pwrite64,write,fsync,fdatasync,rename,renameat2"
_LINE = re.compile(r"^\d+ +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_PATH = re.compile(r"^(?P<number>\d+)<(?P<path>[^>]*)>")


class Order:
    """Follows the calls of a writer to a gallery.

    An acknowledgement promises that the commit is in the write-ahead log, which was synced after its last change; and
    that COMMITTED was synced under its hidden name after its last change, renamed, and its folder synced, after that.

    Attributes:
        acknowledged: How many acknowledgements there were.
        early: The numbers of those that came too early.
    """

    def __init__(self, gallery: Path) -> None:
        self.acknowledged = 0
        self.early: list[int] = []
        self._folder = str(gallery)
        self._log = f"{gallery}/gallery.sqlite-wal"
        self._partial = f"{gallery}/.COMMITTED.partial"
        # 1 the log is written, 2 synced; 3 COMMITTED is written, 4 synced, 5 renamed, 6 its folder synced.
        self._reached = 0

    def see(self, line: str) -> None:
        """Take in a line of strace's output; calls that failed change nothing."""
        found = _LINE.match(line)
        if found is None or int(found["result"]) < 0:
            return
        call, arguments = found["call"], found["arguments"]
        if call.startswith("rename"):
            if f'"{self._partial}"' in arguments:
                self._step(4, 5)
            return
        place = _PATH.match(arguments)
        if place is None:
            return
        if call in {"write", "pwrite64"}:
            if place["path"] == self._log:
                self._reached = 1
            elif place["path"] == self._partial:
                self._step(2, 3) if self._reached != 3 else None
            elif place["number"] == "1":
                self._acknowledge()
        else:
            synced = {self._log: (1, 2), self._partial: (3, 4), self._folder: (5, 6)}
            self._step(*synced.get(place["path"], (-1, -1)))

    def _step(self, before: int, after: int) -> None:
        if self._reached == before:
            self._reached = after

    def _acknowledge(self) -> None:
        self.acknowledged += 1
        if self._reached != 6:
            self.early.append(self.acknowledged)
        self._reached = 0


def trace_writer(gallery: Path, writes: int) -> Order | None:
    """Run a writer under strace; None where that can't be done, which is said."""
    if shutil.which("strace") is None:
        print("There is no strace: install it (`apt install strace`, `dnf install strace`), and run this again.")
        return None
    output = gallery.with_name("strace.txt")
    writer = [sys.executable, "-m", "benchmarks.crashing.writes", str(gallery), "0", str(writes), "--alone"]
    command = ["strace", "-f", "-y", "-s", "0", "-e", _CALLS, "-o", str(output), *writer]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or not output.exists():
        print(f"strace failed: {done.stderr.strip()[-300:]}")
        return None
    order = Order(gallery)
    for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
        order.see(line)
    return order if order.acknowledged == writes else None
