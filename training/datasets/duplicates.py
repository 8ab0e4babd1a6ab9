"""Find pictures that are stored twice."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["identical_groups"]


def identical_groups(paths: Sequence[Path]) -> list[list[int]]:
    """Return the groups of two or more positions in `paths` whose files are byte for byte the same.

    Only files of equal size are read. Groups and their members come in the order of `paths`.
    """
    groups = []
    for same_size in _grouped((index, path.stat().st_size) for index, path in enumerate(paths)):
        digests = ((index, hashlib.sha256(paths[index].read_bytes()).digest()) for index in same_size)
        groups.extend(_grouped(digests))
    return sorted(groups)


def _grouped(values: Iterable[tuple[int, object]]) -> list[list[int]]:
    groups: dict[object, list[int]] = defaultdict(list)
    for index, value in values:
        groups[value].append(index)
    return [group for group in groups.values() if len(group) > 1]
