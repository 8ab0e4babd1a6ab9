"""A gallery as one checksummed file: made while others write to it, restored on any machine."""

from smserve.gallery.snapshot.document import SnapshotInfo
from smserve.gallery.snapshot.restoring import restore_snapshot
from smserve.gallery.snapshot.writing import write_snapshot

__all__ = ["SnapshotInfo", "restore_snapshot", "write_snapshot"]
