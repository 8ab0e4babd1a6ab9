"""The library pymilvus, loaded when it is needed, and so that it leaves the process's log alone."""

import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smserve.errors import SmserveError

__all__ = ["load_pymilvus"]


@contextmanager
def _log_left_alone() -> Iterator[None]:
    """Let nobody configure logging inside the block.

    `import pymilvus` does, for loggers of its own; that closes the handlers of all others, and with some of them the
    stream that they write to.
    """
    configure = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None  # noqa: ARG005 - takes what it is given, and drops it
    try:
        yield
    finally:
        logging.config.dictConfig = configure


def load_pymilvus() -> Any:
    """Return the module `pymilvus`.

    Raises:
        SmserveError: The extra is not installed.
    """
    try:
        with _log_left_alone():
            import pymilvus
    except ImportError:
        raise SmserveError("galleries in Milvus need pymilvus; pip install 'smserve[milvus]'") from None
    return pymilvus
