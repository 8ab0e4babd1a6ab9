"""The library pyarrow, of the extra `parquet`, loaded when it is needed; no other module of the gallery touches it."""

from types import ModuleType

from smserve.errors import SmserveError

__all__ = ["load_arrow", "load_parquet"]


def load_arrow() -> ModuleType:
    """Return the module `pyarrow`.

    Raises:
        SmserveError: The extra is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise SmserveError(
            "Parquet files need pyarrow, which is not installed; run: pip install 'smserve[parquet]'"
        ) from None
    return pyarrow  # type: ignore[no-any-return]  # it ships no types


def load_parquet() -> ModuleType:
    """Return the module `pyarrow.parquet`; after `load_arrow`."""
    import pyarrow.parquet

    return pyarrow.parquet  # type: ignore[no-any-return]  # it ships no types
