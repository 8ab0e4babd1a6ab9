"""The version of smserve, as it is installed."""

from importlib import metadata

__all__ = ["VERSION"]

VERSION = metadata.version("smserve")
