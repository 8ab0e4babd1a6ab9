"""Filters on a gallery: from the language to SQL, to match sets, to the nearest of what matches."""

from smserve.gallery.filtering.condition import FilterCondition
from smserve.gallery.filtering.fields import declare_fields, declared_fields, indexed_fields
from smserve.gallery.filtering.verification import RowVerification

__all__ = ["FilterCondition", "RowVerification", "declare_fields", "declared_fields", "indexed_fields"]
