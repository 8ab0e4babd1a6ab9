"""Addresses of Ray clusters that are none, that nobody answers at, and a machine without Ray."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smserve.errors import InvalidInput, Unavailable
from smserve.indexing import build_gallery, pictures_in
from smserve.indexing.cluster.connection import Cluster, summary


@pytest.mark.parametrize("address", ["", "head", "head:0", "head:66000", "http://head:6379", "a b:1", "[::1]"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="wanted HOST:PORT, auto, or local"):
        Cluster(address)


def test_rays_client_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidInput, match=r"Ray Data can't work.*ray start --address.*--ray auto"):
        Cluster("ray://head:10001")


def test_where_nothing_answers_nothing_is_made(tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=rf"nothing answers at {address}.*ray start --head"):
            build_gallery(model=tiny_model, sources=pictures_in(pictures), gallery=tmp_path / "g", ray=address)
    assert not (tmp_path / "g").exists()


def build(tiny_model: Path, pictures: Path, tmp_path: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Run the command with `--ray auto` in an interpreter of its own, after some code."""
    arguments = ["--model", tiny_model, "--images", pictures, "--gallery", tmp_path / "g", "--ray", "auto"]
    code = f"import sys\n{before}\nfrom smserve.cli import main\nmain()"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", code, "index", "build", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=110,
        env=kept | {"RAY_TMPDIR": str(tmp_path)},
        check=False,
    )


def test_a_machine_that_is_part_of_no_cluster(tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    run = build(tiny_model, pictures, tmp_path, "")
    assert run.returncode == 1
    assert "this machine is part of none; `ray start --address HOST:6379` makes it so" in run.stderr
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("module", ["ray", "pyarrow"])
def test_without_ray_the_way_to_install_it_is_told(
    module: str, tiny_model: Path, pictures: Path, tmp_path: Path
) -> None:
    run = build(tiny_model, pictures, tmp_path, f"sys.modules[{module!r}] = None")
    assert run.returncode == 1
    assert "pip install 'smserve[ray]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_an_error_of_ray_is_told_by_its_last_line() -> None:
    error = RuntimeError(
        "\x1b[36mray::read()\x1b[39m (pid=1)\n  File\nModuleNotFoundError: No module named 'smserve'\n\n"
    )
    assert summary(error) == "ModuleNotFoundError: No module named 'smserve'"
    assert summary(KeyError()) == "KeyError"
