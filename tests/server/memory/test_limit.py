"""The least of the limits that hold: on files as Linux has them, and on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smserve.server.memory import memory_limit

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "size", "file"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{GIB}\n"}, GIB, "memory.max"),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/b/memory.max": "max\n",
                "sys/fs/cgroup/a/memory.max": f"{GIB}\n",
                "sys/fs/cgroup/memory.max": f"{GIB + 1}\n",
            },
            GIB,
            "a/memory.max",
        ),
        (  # the path of the host, in a container that sees its own group at the top
            {"proc/self/cgroup": "0::/docker/0a1b\n", "sys/fs/cgroup/memory.max": f"{GIB}\n"},
            GIB,
            "memory.max",
        ),
        (
            {
                "proc/self/cgroup": "9:cpu,cpuacct:/a\n4:memory:/a\n1:name=systemd:/a\n",
                "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{GIB}\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            GIB,
            "a/memory.limit_in_bytes",
        ),
    ],
    ids=["its own", "one above it", "of the host", "version 1"],
)
def test_control_groups(tmp_path: Path, files: dict[str, str], size: int, file: str) -> None:
    limit = memory_limit(write(tmp_path, files))
    assert limit.size == size
    assert limit.source.endswith(file)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"},
        {
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    ],
)
def test_without_a_limit_it_is_the_machine_s(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_limit(write(tmp_path, files)) == (MACHINE, "the machine's memory")


def test_addresses_of_a_process() -> None:
    code = "from smserve.server.memory import memory_limit; print(memory_limit())"
    command = f"ulimit -v {3 * 2**20}; exec {sys.executable} -c '{code}'"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "2,048 MiB (ulimit -v, less 1 GiB of addresses without memory)\n"
