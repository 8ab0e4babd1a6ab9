"""The points at which a crash is tested: what happens between two of them happens whole or not at all.

Code that changes files takes a hook `at` and calls it with the name of each point that it reaches. In service the hook
does nothing; a test hands in one that kills the process.
"""

from collections.abc import Callable
from typing import Final

__all__ = ["FAILURE_POINTS", "At", "nowhere"]

At = Callable[[str], None]

FAILURE_POINTS: Final = (
    # A new gallery.
    "create.written",  # the database is whole, under a hidden name
    "create.named",
    # An older format version, when a writer opens it.
    "upgrade.begun",
    "upgrade.stored",  # all statements ran, nothing is committed
    "upgrade.committed",
    # A writer that finds writes which were never acknowledged.
    "recover.begun",
    "recover.synced",
    # A write.
    "write.begun",
    "write.removed",  # old rows are out, new ones not yet in
    "write.stored",  # all statements ran, nothing is committed
    "write.committed",
    "write.seen",  # the next search sees it
    "COMMITTED.written",  # under a hidden name, synced
    "COMMITTED.named",  # the folder is not synced yet
    "write.acknowledged",
    # A generation: publication and compaction.
    "generation.begun",
    "generation.folder",
    "generation.vectors",
    "generation.keys",
    "generation.index",
    "generation.manifest",
    "generation.synced",
    "generation.named",
    "generation.whole",  # the folder of generations is synced
    # Swapping to it, forwards or back.
    "swap.verified",
    "CURRENT.written",
    "CURRENT.named",
    "swap.switched",
    "swap.seen",  # the next search uses it
    "swap.dropped",  # folders that nothing needs are gone
    "swap.forgotten",  # so are the notes of removed rows
    # Going back.
    "roll_back.begun",
    "roll_back.read",  # the view on the older generation is made
)
"""Their names, in the order in which they are reached."""


def nowhere(point: str) -> None:
    """Do nothing."""
