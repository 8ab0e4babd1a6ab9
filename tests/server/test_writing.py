"""A served gallery that is written to: nothing fails, every answer is of one state, and it survives the server."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from smserve.client import Client
from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.errors import GalleryLocked
from smserve.gallery import CompactionPolicy, LiveGallery, LocalGallery, LocalGalleryWriter, NewItem
from smserve.server import open_engine
from smserve.types import UpsertItem
from tests.gallery.brute_force import unit_vectors
from tests.support.running import running_server

SMSERVE = Path(sys.executable).with_name("smserve")
QUERY = np.eye(8, dtype=np.float32)[0]


@pytest.fixture
def place(drawn_gallery: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn_gallery, tmp_path / "drawn")


def items(label: str, count: int = 20) -> list[UpsertItem]:
    return [
        UpsertItem(item_id=f"i{number}", vector=vector, label=label)
        for number, vector in enumerate(unit_vectors(count, 8, seed=1))
    ]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_swaps_under_clients_fail_no_call(tiny_model: Path, place: Path) -> None:
    """Each write replaces all 20 items at once; no answer mixes two writes or misses an item, whatever is swapped."""
    embedder = Embedder(tiny_model)
    LiveGallery.create(place.with_name("g"), model_fingerprint=embedder.fingerprint, dimension=8)
    gallery = LiveGallery.open(place.with_name("g"), compaction=CompactionPolicy(share=0.1, least=50))
    stop, generations = threading.Event(), set()

    def search(address: str) -> int:
        calls, latest = 0, 0
        with Client(address) as client:
            while not stop.is_set():
                result = client.search(QUERY, top_k=100)
                (label,) = {hit.label for hit in result.hits}
                assert len(result.hits) == 20
                assert int(label) >= latest
                generations.add(result.generation)
                latest, calls = int(label), calls + 1
        return calls

    with running_server(Engine(embedder, {"g": gallery})) as server, Client(server.address) as client:
        client.upsert(items("0"))
        with ThreadPoolExecutor(4) as pool:
            searches = [pool.submit(search, server.address) for _ in range(4)]
            try:
                for number in range(1, 31):
                    client.upsert(items(str(number)))
                    assert {hit.label for hit in client.search(QUERY, top_k=100).hits} == {str(number)}
                    if number % 10 == 0:
                        client.compact()
                        client.roll_back()
                        client.compact()
            finally:
                stop.set()
            assert all(call.result(timeout=30) > 0 for call in searches)
        assert len(generations) > 2
        assert client.count(by_label=True).by_label == {"30": 20}


def test_a_compaction_starts_by_itself(tiny_model: Path, place: Path) -> None:
    embedder = Embedder(tiny_model)
    gallery = LiveGallery.open(place, compaction=CompactionPolicy(share=0.1, least=10))
    with running_server(Engine(embedder, {"g": gallery})) as server, Client(server.address) as client:
        client.upsert(items("new"))
        wait_until(lambda: client.search(QUERY).generation == 2)
        assert client.count().total == 44
        assert [each.item_count for each in client.generations()] == [44, 24]


def test_a_server_for_reading_follows_another_writer(tiny_model: Path, place: Path) -> None:
    embedder = Embedder(tiny_model)
    with (
        running_server(open_engine(tiny_model, [("g", place)])) as server,
        Client(server.address) as client,
        LiveGallery.open(place, model_fingerprint=embedder.fingerprint) as writer,
    ):
        writer.upsert([NewItem(item_id="new", vector=QUERY)])
        wait_until(lambda: client.search(QUERY, top_k=1).hits[0].item_id == "new")
        writer.compact()
        wait_until(lambda: client.search(QUERY).generation == 2)
        writer.delete(["new"])
        wait_until(lambda: client.search(QUERY, top_k=1).hits[0].item_id != "new")
        assert client.count().total == 24


def test_a_second_writer_is_refused_with_the_pid_of_the_first(tiny_model: Path, place: Path) -> None:
    first = open_engine(tiny_model, [("g", place)], writable=True)
    with pytest.raises(GalleryLocked, match=r"is being written to by process \d+"):
        open_engine(tiny_model, [("g", place)], writable=True)
    open_engine(tiny_model, [("g", place)]).close()  # readers are welcome
    first.close()
    open_engine(tiny_model, [("g", place)], writable=True).close()


def test_a_killed_server_has_what_it_acknowledged(tiny_model: Path, place: Path) -> None:
    command = [str(SMSERVE), "serve", "--model", str(tiny_model), "--gallery", f"g={place}", "--port", "0"]
    acknowledged = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            with Client(address, timeout_s=20) as client:
                for number in range(15):
                    client.upsert([UpsertItem(item_id=f"n{number}", vector=QUERY)], request_id=f"r{number}")
                    acknowledged.append(f"n{number}")
        finally:
            process.send_signal(signal.SIGKILL)
    reader = LocalGallery.open(place)
    assert reader.info().item_count == 24 + len(acknowledged)
    reader.close()
    with (
        running_server(open_engine(tiny_model, [("g", place)], writable=True)) as server,
        Client(server.address) as client,
    ):
        assert client.upsert([UpsertItem(item_id="n3", vector=QUERY)], request_id="r3").repeated
        assert client.count().total == 24 + len(acknowledged)


def test_what_a_client_sends_again_is_done_once(tiny_model: Path, place: Path) -> None:
    """A retry after a lost answer: the same content under the same id."""
    with LocalGalleryWriter(place, model_fingerprint=Embedder(tiny_model).fingerprint, dimension=8) as writer:
        before = writer.upsert([NewItem(item_id="a", vector=QUERY)], request_id="r").sequence
    with (
        running_server(open_engine(tiny_model, [("g", place)], writable=True)) as server,
        Client(server.address) as client,
    ):
        again = client.upsert([UpsertItem(item_id="a", vector=QUERY * 2)], request_id="r")
        assert (again.sequence, again.repeated) == (before, True)
