"""Whether an item that is to be written is stored already, so that what was interrupted can go on."""

from collections.abc import Callable
from enum import Enum

from smserve.gallery.row import Row, row_of
from smserve.gallery.values import NewItem

__all__ = ["Presence", "presence_of"]


class Presence(Enum):
    """How an item is stored."""

    ABSENT = "absent"
    DIFFERENT = "different"
    SAME = "same"


def presence_of(item: NewItem, stored: Row | None, thumbnail: Callable[[int], bytes | None]) -> Presence:
    """Compare an item with the row of its id, byte for byte; a thumbnail counts where the item has one.

    Args:
        item: To be written.
        stored: The row of that id, where there is one.
        thumbnail: Reads that of the row with a key.
    """
    if stored is None:
        return Presence.ABSENT
    if row_of(item, stored.key, stored.sequence) != stored:
        return Presence.DIFFERENT
    same = item.thumbnail is None or thumbnail(stored.key) == item.thumbnail
    return Presence.SAME if same else Presence.DIFFERENT
