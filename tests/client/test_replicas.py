"""Servers of one gallery behind one client: calls by turns, none to one that stops, none lost to one that dies."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smserve.client import Client
from smserve.errors import GalleryReadOnly, Unavailable
from smserve.gallery.milvus import MilvusAddress, MilvusWriter
from smserve.gallery.milvus.embedded import embedded_engine, release_engine
from smserve.gallery.values import NewItem
from smserve.model_file import fingerprint
from smserve.server import Server, open_engine
from smserve.types import UpsertItem
from tests.server.asking import wait_for
from tests.support.running import running_server, serving
from tests.support.scraping import scrape

QUERY = np.eye(8, dtype=np.float32)[0]


@pytest.fixture
def replicas(tiny_model: Path, drawn_gallery: Path) -> Iterator[list[Server]]:
    """Two readers of one gallery, of which one takes 3 s to stop."""

    def engine() -> Any:
        return open_engine(tiny_model, [("drawn", drawn_gallery)])

    with (
        running_server(engine(), metrics_port=0, drain_delay_s=3) as one,
        running_server(engine(), metrics_port=0) as other,
    ):
        yield [one, other]


def address_of(servers: list[Server]) -> str:
    return ",".join(server.address for server in servers)


def searches(server: Server) -> int:
    return int(scrape(server).value("smserve_rpc_requests_total", method="Search", code="OK") or 0)


def test_calls_go_to_them_by_turns(connect: Callable[..., Any], replicas: list[Server]) -> None:
    client = connect(address_of(replicas))

    def both_answer() -> bool:  # the second connection may take a moment longer than the first
        client.search(QUERY)
        return min(map(searches, replicas)) > 0

    wait_for(both_answer)
    before = [searches(each) for each in replicas]
    for _ in range(20):
        client.search(QUERY)
    assert [searches(each) - count for each, count in zip(replicas, before, strict=True)] == [10, 10]


def test_one_that_is_told_to_stop_gets_no_new_calls(connect: Callable[..., Any], replicas: list[Server]) -> None:
    client = connect(address_of(replicas))
    wait_for(lambda: bool(client.search(QUERY)) and min(map(searches, replicas)) > 0)
    stopping = threading.Thread(target=replicas[0].stop)
    stopping.start()
    time.sleep(0.5)  # health has said so by now
    before = [searches(each) for each in replicas]
    for _ in range(20):
        client.search(QUERY)
    assert [searches(each) - count for each, count in zip(replicas, before, strict=True)] == [0, 20]
    assert stopping.is_alive(), "it still answered whom it was asked by"
    stopping.join()


def test_where_none_is_left_that_is_said(connect: Callable[..., Any], replicas: list[Server]) -> None:
    address = address_of(replicas)
    client = connect(address, timeout_s=5)
    client.search(QUERY)
    for each in replicas:
        each.hurry()
        each.stop()
    with pytest.raises(Unavailable, match=f"no server answers at {address}"):
        client.search(QUERY)


def test_one_that_dies_loses_no_call_that_may_be_tried_again(tiny_model: Path, drawn_gallery: Path) -> None:
    """Eight at a time over one client, so that several are under way to it when it is killed."""
    options = ("--model", tiny_model, "--gallery", f"g={drawn_gallery}", "--read-only", "--log-level", "warning")
    with serving(*options) as (one, first), serving(*options) as (_, second):
        answers: list[int] = []
        asking = True
        with Client(f"{first},{second}", timeout_s=20) as client, ThreadPoolExecutor(8) as pool:

            def ask() -> None:
                while asking:
                    answers.append(len(client.search(QUERY, top_k=3).hits))

            running = [pool.submit(ask) for _ in range(8)]
            try:
                wait_for(lambda: len(answers) > 200, timeout_s=30)
                one.kill()
                count = len(answers)
                wait_for(lambda: len(answers) > count + 200, timeout_s=30)
            finally:
                asking = False
            for each in running:
                each.result(timeout=30)
        assert set(answers) == {3}


@pytest.fixture
def milvus(tmp_path: Path, tiny_model: Path) -> Iterator[str]:
    """An address of Milvus's gRPC, which the embedded engine answers in this process, for others to ask."""
    place = MilvusAddress(name="shared", file=tmp_path / "m.db")
    uri = embedded_engine(tmp_path / "m.db")
    writer = MilvusWriter.open(place, model_fingerprint=fingerprint(tiny_model.read_bytes()), dimension=8)
    writer.upsert([NewItem(item_id="first", vector=QUERY)])
    writer.publish()
    writer.close()
    yield str(MilvusAddress(name=place.name, server=uri.removeprefix("http://")))
    release_engine(tmp_path / "m.db")


def test_replicas_of_a_gallery_in_milvus_and_the_one_that_writes(tiny_model: Path, milvus: str) -> None:
    """Three processes: what the writer acknowledged is found by the next search of each replica, and one may die."""
    options = ("--model", tiny_model, "--gallery", f"g={milvus}", "--log-level", "warning")
    with (
        serving(*options) as (_, write),
        serving(*options, "--read-only") as (one, first),
        serving(*options, "--read-only") as (_, second),
        Client(write, timeout_s=20) as writer,
        Client(f"{first},{second}", timeout_s=20) as readers,
    ):
        with pytest.raises(GalleryReadOnly):
            readers.upsert([UpsertItem(item_id="new", vector=QUERY)])
        for number in range(1, 7):
            vector = np.eye(8, dtype=np.float32)[number]
            writer.upsert([UpsertItem(item_id=f"new-{number}", vector=vector)])
            for _ in range(2):  # one of each replica
                assert readers.search(vector, top_k=1).hits[0].item_id == f"new-{number}"
            if number == 3:
                one.kill()
        assert readers.count().total == 7
