"""Items of a gallery that are nearly the same: often one picture under two names, or under two labels."""

from smserve.gallery.duplicates.report import (
    NearDuplicate,
    NearDuplicateCounts,
    NearDuplicates,
    near_duplicates,
    write_near_duplicates,
)

__all__ = ["NearDuplicate", "NearDuplicateCounts", "NearDuplicates", "near_duplicates", "write_near_duplicates"]
