"""`smserve embed`, `compare` and `info`."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run, document


def test_embed_as_json_is_exact(run: Run, address: str, pictures: Path) -> None:
    (found,) = document(run("embed", pictures / "red" / "0.png", "--server", address, "--json"))
    assert found["error"] is None
    assert np.linalg.norm(found["vector"]) == pytest.approx(1.0, abs=1e-5)
    assert len(found["vector"]) == 8


def test_embed_as_a_table_with_a_bad_picture(run: Run, address: str, pictures: Path) -> None:
    result = run("embed", pictures / "red" / "0.png", "nowhere.png", "--server", address)
    assert result.exit_code == 3
    good, bad = (line.split("\t") for line in result.stdout.splitlines()[1:])
    assert good[1] == "8"
    assert bad[2].startswith("error: there is no file 'nowhere.png'")
    assert "1 of 2 pictures could not be embedded." in result.stderr


def test_embed_without_a_good_picture_fails(run: Run, address: str) -> None:
    assert run("embed", "nowhere.png", "--server", address).exit_code == 1


def test_compare(run: Run, address: str, pictures: Path) -> None:
    red = pictures / "red" / "0.png"
    assert run("compare", red, red, "--server", address).stdout == "cosine 1.0000\n"
    found = document(run("compare", red, pictures / "blue" / "0.png", "--server", address, "--json"))
    assert found["comparison"]["score"] < 1
    assert found["first"] == str(red)


def test_info(run: Run, address: str) -> None:
    result = run("info", "--server", address)
    assert result.exit_code == 0
    assert "tiny-0, D=8, input 16 x 16" in result.stdout
    assert "drawn\t24\t" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("memory")]
    assert re.search(r"\d+ MiB resident$", line), "nothing was predicted for this server"
    found = document(run("info", "--server", address, "--json"))
    assert found["galleries"][0]["item_count"] == 24
    assert found["max_top_k"] == 1000
