"""`smserve serve`: the command, and its options, a file for each of the things that they are about."""

from smserve.cli.serving.command import serve

__all__ = ["serve"]
