"""`buf breaking` sees what would break a client of the last release, and finds nothing of the kind in the contract."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def breaking(folder: Path) -> "subprocess.CompletedProcess[str]":
    buf = str(Path(sys.executable).parent / "buf")
    command = [buf, "breaking", "--against", str(ROOT / "proto" / "released.binpb")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_breaks() -> None:
    result = breaking(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("float score = 2;", "double score = 2;"),
        ("string item_id = 1;", "string id = 1;"),
        ("rpc Search(SearchRequest)", "rpc Find(SearchRequest)"),
    ],
)
def test_what_breaks_is_named(tmp_path: Path, old: str, new: str) -> None:
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    file = tmp_path / "proto" / "smserve" / "v1" / "retrieval.proto"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = breaking(tmp_path)
    assert result.returncode != 0
    assert "retrieval.proto" in result.stdout
