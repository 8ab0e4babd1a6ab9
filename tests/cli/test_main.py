"""The entry of the process: OpenMP is told before anything reads it."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
sys.argv = ["smserve", "--version"]
from smserve.cli import main
assert not {"faiss", "onnxruntime", "numpy"} & set(sys.modules)
try:
    main()
except SystemExit as end:
    print(end.code, os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(("users", "threads"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")])
def test_one_thread_a_request_unless_the_user_says_otherwise(users: dict[str, str], threads: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")} | users
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.splitlines()[-1] == f"0 {threads} PASSIVE"
