"""A gallery as kill -9 leaves it: its last writes are in the write-ahead log alone."""

import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["killed_gallery"]

_SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.gallery.conftest import numbered
from tests.gallery.test_local import writer_of
writer = writer_of(Path(sys.argv[1]))
writer.upsert(numbered(range(20), seed=0))
writer.publish()
for start in range(20, 40, 4):
    writer.upsert(numbered(range(start, start + 4), seed=start))
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_gallery(path: Path) -> bytes:
    """Make a gallery of 40 items, 20 of them in a generation; returns the log that its killed writer left."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    return (path / "gallery.sqlite-wal").read_bytes()
