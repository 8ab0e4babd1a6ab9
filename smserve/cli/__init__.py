"""The command line, `smserve`: parse, call, print; one file a command."""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the console script's entry.

    FAISS and ONNX Runtime read OpenMP's settings once, when they are first imported: one thread a request, which
    does not spin while it waits; parallelism comes from requests. A user's own settings win.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from smserve.cli.root import smserve

    sys.exit(smserve.main(prog_name="smserve"))
