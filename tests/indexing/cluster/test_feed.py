"""Builds on a real Ray: as in one process, though a worker dies; going on; what is said when it can't be.

Everything listens on loopback alone, and is ended by the process that started it.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from smserve.gallery import LocalGallery
from smserve.indexing import BuildReport, build_gallery, items_from_csv
from smserve.types import FieldMask
from tests.support.pictures import draw, encode

ROOT = Path(__file__).parents[3]
SMSERVE = str(Path(sys.executable).with_name("smserve"))
EVERYTHING = FieldMask(payload=True, vector=True, thumbnail=True)
LIMIT_S = 500  # a Ray is started in 10 s, and in minutes where others keep the machine busy


def write_catalogue(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Write a CSV of `count` items of three pictures, and of two that can't be read."""
    colors = ("red", "green", "blue")
    for number, color in enumerate(colors):
        (folder / f"{color}.png").write_bytes(encode(draw(color, number, size), compress_level=1))
    (folder / "text.png").write_text("hello")
    rows = [f"{colors[number % 3]}.png,item {number},{colors[number % 3]},{number}" for number in range(count)]
    rows[10:10] = ["nothing.png,gone,red,7", "text.png,text,,8"]
    file = folder / "catalogue.csv"
    file.write_text("\n".join(["path,id,label,price", *rows]) + "\n", encoding="utf-8")
    return file


def environment(**more: str) -> dict[str, str]:
    """Return ours, without what leads to a Ray that runs on this machine already."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)} | more


def build(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [SMSERVE, "index", "build", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, env=environment(**environ), check=False
    )


def assert_alike(one: Path, other: Path, ids: list[str]) -> None:
    left, right = LocalGallery.open(one), LocalGallery.open(other)
    assert left.info().item_count == right.info().item_count == len(ids)
    for item_id in ids:
        got, wanted = left.get(item_id, EVERYTHING), right.get(item_id, EVERYTHING)
        assert got.vector is not None
        assert wanted.vector is not None
        np.testing.assert_allclose(got.vector, wanted.vector, rtol=0, atol=1e-6)
        assert (got.label, got.payload, got.thumbnail, got.source_uri) == (
            wanted.label,
            wanted.payload,
            wanted.thumbnail,
            wanted.source_uri,
        )
    left.close()
    right.close()


def in_one_process(model: Path, catalogue: Path, gallery: Path) -> BuildReport:
    return build_gallery(model=model, sources=items_from_csv(catalogue), gallery=gallery)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
def test_a_worker_that_is_killed_changes_nothing(tiny_model: Path, tmp_path: Path) -> None:
    count = 400  # of 15 ms each, so that there are batches in hand all the time
    catalogue = write_catalogue(tmp_path, count, (900, 700))
    report = in_one_process(tiny_model, catalogue, tmp_path / "one")
    arguments = map(str, (tiny_model, catalogue, tmp_path / "ray"))
    command = [sys.executable, "-m", "tests.support.dying_worker", *arguments]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, env=environment(), check=False
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert len(told["before"]) == 2
    assert told["killed"] in told["before"], "it was killed with a batch in hand"
    assert told["killed"] not in told["after"]
    assert set(told["after"]) - set(told["before"]), "another worker took its place"
    assert (told["items"], told["embedded"], told["duplicates"]) == (count, count, report.duplicates)
    assert [(each["item_id"], each["path"], each["reason"]) for each in told["unreadable"]] == [
        (each.item_id, each.path, each.reason) for each in report.unreadable
    ]
    ids = [f"item {number}" for number in range(count)]
    assert_alike(tmp_path / "ray", tmp_path / "one", ids)
    gallery = LocalGallery.open(tmp_path / "ray")
    assert [item.item_id for item in gallery.page(1000, "", FieldMask()).items] == ids, "in the order of the sources"
    gallery.close()


@contextmanager
def cluster(starting: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Run `ray start --head` with two CPUs, and yield its address and what a process needs to be let in."""
    folder = Path(tempfile.mkdtemp(prefix="smserve-", dir="/tmp"))  # sockets have short paths
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = environment(
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # listens on loopback
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN="0123456789abcdef" * 4,
        RAY_worker_niceness="0",
        RAY_TMPDIR=str(folder),
    )
    command = [sys.executable, "-c", f"import ray\n{starting}\nfrom ray.scripts.scripts import main\nmain()", "start"]
    command += ["--head", "--block", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
    command += ["--node-ip-address=127.0.0.1", "--disable-usage-stats", f"--temp-dir={folder}"]
    with (folder / "output").open("w+", encoding="utf-8") as output:
        head = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + 100
            while "Ray runtime started" not in (text := (folder / "output").read_text(encoding="utf-8")):
                assert head.poll() is None, text
                assert time.monotonic() < until, text
                time.sleep(0.2)
            yield f"127.0.0.1:{port}", environ
        finally:
            head.terminate()  # it ends what it started
            head.wait(timeout=60)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
def test_an_interrupted_build_goes_on_on_a_cluster_that_runs(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smserve.indexing.sink._STORED", 8)
    monkeypatch.setattr("smserve.indexing.sink._EMBEDDED", 2)
    catalogue = write_catalogue(tmp_path, 60, (48, 40))

    def interrupt(done: int, total: int) -> None:
        if done == 52:
            raise KeyboardInterrupt

    sources = items_from_csv(catalogue)
    with pytest.raises(KeyboardInterrupt):
        build_gallery(model=tiny_model, sources=sources, gallery=tmp_path / "ray", progress=interrupt)
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace("item 5,blue,5\n", "item 5,navy,5\n", 1), encoding="utf-8")
    in_one_process(tiny_model, catalogue, tmp_path / "one")
    with cluster("") as (address, environ):
        arguments = ["--model", tiny_model, "--csv", catalogue, "--gallery", tmp_path / "ray", "--ray", address]
        run = build(*arguments, "--workers", 1, "--json", **environ)
    assert run.returncode == 3, run.stderr
    report = json.loads(run.stdout)  # nothing of Ray's on standard output
    assert (report["items"], report["resumed"], report["embedded"]) == (60, 47, 13)
    assert "left out, since they could not be read: 2" in run.stderr
    assert_alike(tmp_path / "ray", tmp_path / "one", [f"item {number}" for number in range(60)])


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
def test_a_cluster_of_another_version_is_refused(tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    arguments = ["--model", tiny_model, "--images", pictures, "--gallery", tmp_path / "g"]
    with cluster("ray.__version__ = '2.1.0'") as (address, environ):
        run = build(*arguments, "--ray", address, **environ)
    assert run.returncode == 1
    assert "Ray: 2.1.0" in run.stderr
    assert "Install what the cluster has" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "g").exists()
