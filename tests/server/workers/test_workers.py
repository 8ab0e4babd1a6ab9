"""`smserve serve --workers`: several processes on one port, as one server to who asks, starts and stops it."""

import itertools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

from smserve.client import Client, Tls
from smserve.errors import GalleryReadOnly, Unauthenticated
from smserve.gallery import LiveGallery, NewItem
from smserve.server.security.key_file import create_key
from smserve.server.security.scopes import Scope
from smserve.server.workers.cores import share_of
from smserve.types import UpsertItem
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import SERVICES, health_of, query_vector, wait_for
from tests.support.certificates import Authority
from tests.support.running import serving
from tests.support.scraping import Scrape

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers want Linux")

SMSERVE = Path(sys.executable).with_name("smserve")
OWN = [("grpc.use_local_subchannel_pool", 1)]  # else all channels of a process share one connection
SEARCH = retrieval_pb2.SearchRequest(vector=query_vector(), top_k=1)


class Served:
    """A supervisor with two workers; its log is read as it comes, since a full pipe would hold the workers up."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._log = ""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with suppress(ValueError):  # closed, where a test has failed
            for line in self.process.stderr:
                self._log += line
                self._lines.put(line)
        self._lines.put("")

    def line(self, pattern: str) -> re.Match[str]:
        """Go on in the log to the next line that matches."""
        while line := self._lines.get(timeout=60):
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the log has ended without {pattern!r}")

    def ended(self, timeout_s: float = 30) -> str:
        """Wait for its end and the workers', and return the whole log."""
        self.process.wait(timeout_s)
        self._reading.join(timeout_s)
        return self._log

    def pids(self) -> list[int]:
        """Those of the workers, as the log has them; to be asked once."""
        return [int(pid) for pid in self.line(r"2 workers serve, processes (.+)").group(1).split(", ")]

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


@contextmanager
def served(model: Path, gallery: Path | str, *options: object) -> Iterator[Served]:
    with serving("--model", model, "--gallery", f"g={gallery}", "--workers", 2, *options) as (process, address):
        yield Served(process, address)


@contextmanager
def connections(address: str, count: int) -> Iterator[list[retrieval_pb2_grpc.RetrievalServiceStub]]:
    """Stubs, each on a connection of its own; of 16 it is a matter of 1 in 32,768 that all go to one of two."""
    with ExitStack() as stack:
        channels = [stack.enter_context(grpc.insecure_channel(address, options=OWN)) for _ in range(count)]
        yield [retrieval_pb2_grpc.RetrievalServiceStub(channel) for channel in channels]


def is_there(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    return False


def test_both_answer_on_one_port_and_are_scraped_each(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery, "--metrics-port", 0, "--health-port", 0) as server:
        assert server.process.stdout is not None
        urls = [server.process.stdout.readline().split()[-1] for _ in range(2)]
        health = server.line(r"health alone is answered on (\S+),").group(1)
        assert {health_of(health, service) for service in ("", *SERVICES)} == {1}
        with connections(server.address, 16) as stubs:
            for stub in stubs:
                assert len(stub.Search(SEARCH, timeout=10).hits) == 1
        counts = [Scrape(url).value("smserve_rpc_requests_total", method="Search", code="OK") or 0 for url in urls]
        assert sum(counts) == 16
        assert min(counts) > 0, "the kernel gave each of them some connections"
        log = server.stop()
    assert server.process.returncode == 0
    assert log.rstrip().endswith("stopped")
    assert "Traceback" not in log


def test_none_writes_and_all_follow_the_one_that_does(tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    """A gallery has one writer, whichever process that is."""
    own = tmp_path / "own"
    shutil.copytree(drawn_gallery, own)
    (tmp_path / "galleries").mkdir()
    with (
        served(tiny_model, own, "--galleries", tmp_path / "galleries") as server,
        Client(server.address) as client,
    ):
        info = client.info()
        assert not info.galleries[0].writable
        with pytest.raises(GalleryReadOnly, match="without --read-only, and with one worker"):
            client.upsert([UpsertItem(item_id="new", vector=np.eye(8, dtype=np.float32)[0])])
        with pytest.raises(GalleryReadOnly):
            client.delete(["red/0.png"])
        with pytest.raises(GalleryReadOnly):
            client.compact()
        with pytest.raises(GalleryReadOnly, match="with one worker"):
            client.create_gallery("another")
        with (
            LiveGallery.open(own) as writer,  # nobody else holds the lock
            connections(server.address, 16) as stubs,
        ):
            writer.upsert([NewItem(item_id="new", vector=np.eye(8, dtype=np.float32)[0])])

            def is_found_by_all() -> bool:
                found = [stub.Search(SEARCH, timeout=10).hits[0].item_id for stub in stubs]
                return found == ["new"] * len(stubs)

            wait_for(is_found_by_all)
            generation = writer.compact().number
            wait_for(lambda: all(each.Search(SEARCH, timeout=10).origin.generation == generation for each in stubs))


def test_one_that_is_killed_comes_back_and_no_call_is_lost(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery, "--log-level", "info") as server:
        pids = server.pids()
        asking = True
        answers: list[int] = []

        def ask() -> None:
            with Client(server.address, timeout_s=20) as client:  # tries what only reads again
                while asking:
                    answers.append(len(client.search(np.eye(8, dtype=np.float32)[1], top_k=3).hits))

        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(ask) for _ in range(2)]
            try:
                for pid in pids:
                    wait_for(lambda: len(answers) > 50, timeout_s=30)
                    os.kill(pid, signal.SIGKILL)
                    died = server.line(r"worker \d \(process (\d+)\) died: killed by signal SIGKILL; .* in 0\.5 s")
                    assert int(died.group(1)) == pid
                    assert int(server.line(r"worker \d serves again, process (\d+)").group(1)) not in pids
                    answers.clear()
            finally:
                asking = False
            for each in running:
                each.result(timeout=30)
        assert set(answers) <= {3}
        server.stop()
    assert server.process.returncode == 0


def test_they_end_with_their_supervisor(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery) as server:
        pids = server.pids()
        server.process.kill()
        wait_for(lambda: not any(map(is_there, pids)), timeout_s=30)


def test_a_signal_to_all_of_them_is_one_signal(tiny_model: Path, drawn_gallery: Path) -> None:
    """As systemd sends it, and Ctrl-C; it drains, and only a second one to the supervisor stops at once."""
    with served(tiny_model, drawn_gallery, "--drain-delay", 600) as server:
        pids = server.pids()
        for number in (signal.SIGINT, signal.SIGTERM):
            for pid in pids:
                os.kill(pid, number)
        server.process.send_signal(signal.SIGTERM)
        server.line("stopping all workers$")
        time.sleep(0.5)
        assert all(map(is_there, pids)), "they drain"
        began = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        server.ended()
    assert time.monotonic() - began < 10
    assert server.process.returncode == 0
    assert not any(map(is_there, pids))


@pytest.mark.parametrize("attempt", range(3))
def test_a_storm_of_signals_stops_them_at_once(tiny_model: Path, drawn_gallery: Path, attempt: int) -> None:
    """Each may interrupt what a former one set off, in the midst of a lock."""
    with served(tiny_model, drawn_gallery, "--drain-delay", 600) as server:
        for number in itertools.islice(itertools.cycle((signal.SIGTERM, signal.SIGINT)), 300):
            with suppress(ProcessLookupError):
                os.killpg(server.process.pid, number)
            time.sleep(0.0002)
        server.ended()
    assert server.process.returncode in {0, -signal.SIGTERM, -signal.SIGINT}, "one may come when all is over"


def test_the_supervisor_has_one_thread_and_can_fork(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery, "--metrics-port", 0) as server:
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
        server.stop()
    assert server.process.returncode == 0


def test_pinned_each_keeps_to_cores_of_its_own(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery, "--pin-workers") as server:
        shares = [os.sched_getaffinity(pid) for pid in server.pids()]
        assert set().union(*shares) <= os.sched_getaffinity(0)
        assert all(shares)
        if len(os.sched_getaffinity(0)) > 1:
            assert not shares[0] & shares[1]
        threads = Path(f"/proc/{server.process.pid}/task")
        assert {frozenset(os.sched_getaffinity(int(each.name))) for each in threads.iterdir()} == {
            frozenset(os.sched_getaffinity(0))
        }, "the supervisor goes anywhere"


@pytest.mark.parametrize(
    ("cores", "workers", "shares"),
    [
        ([0, 1, 2, 3, 4], 2, [{0, 2, 4}, {1, 3}]),
        ([4, 7], 2, [{4}, {7}]),
        ([3], 2, [{3}, {3}]),
        ([0, 1], 3, [{0}, {1}, {0}]),
    ],
)
def test_shares_of_cores(cores: list[int], workers: int, shares: list[set[int]]) -> None:
    assert [share_of(cores, number, workers) for number in range(workers)] == shares


def test_one_process_has_no_share(tiny_model: Path) -> None:
    refused = subprocess.run(
        [SMSERVE, "serve", "--model", tiny_model, "--port", "0", "--pin-workers"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "--pin-workers is about several processes; give --workers 2 or more" in refused.stderr


def test_tls_and_keys_are_those_of_each(tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    authority = Authority()
    files = authority.issue(tmp_path / "server")
    _, secret = create_key(tmp_path / "keys.json", "me", Scope.READ)
    options = ("--tls-certificate", files.certificate, "--tls-key", files.key, "--keys", tmp_path / "keys.json")
    tls = Tls(ca=authority.write(tmp_path / "ca.pem"), server_name="localhost")
    with served(tiny_model, drawn_gallery, *options) as server:
        with Client(server.address, tls=tls, api_key=secret) as client:
            assert client.search(np.eye(8, dtype=np.float32)[0], top_k=1).hits
        with Client(server.address, tls=tls) as nobody, pytest.raises(Unauthenticated):
            nobody.info()
        server.stop()
    assert server.process.returncode == 0


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SMSERVE, "serve", "--workers", "2", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_in_use_is_an_error_whoever_has_it(tiny_model: Path, drawn_gallery: Path) -> None:
    with served(tiny_model, drawn_gallery) as server:
        port = server.address.rpartition(":")[2]
        for workers in (1, 2):
            second = run("--model", tiny_model, "--port", port, "--workers", workers)
            assert second.returncode == 1
            assert f"Error: can't listen on {server.address}" in second.stderr
            assert "choose another with --port" in second.stderr


def test_what_no_worker_can_load_is_said_once(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(tiny_model.read_bytes()[:500])
    failed = run("--model", cut, "--port", 0)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.count("can't be loaded") == 1
    assert "Traceback" not in failed.stderr
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    failed = run("--model", cut, "--port", 0, "--tls-certificate", junk, "--tls-key", junk)
    assert failed.stderr.count(f"the TLS certificate {junk} holds no certificate in PEM") == 1


def test_one_that_dies_again_and_again_is_given_up(tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(tiny_model.read_bytes())
    with served(model, drawn_gallery) as server:
        pids = server.pids()
        model.write_bytes(b"junk")
        os.kill(pids[0], signal.SIGKILL)
        log = server.ended(60)
    assert server.process.returncode == 1
    assert log.count("is started again in") == 4
    assert re.search(r"Error: worker 1 died 5 times in a row, the last time after 0 s: .*can't be loaded", log)
    assert not any(map(is_there, pids))


def test_sigterm_while_they_load_ends_all_at_once(tmp_path: Path) -> None:
    """Their model is a pipe, which nobody writes to."""
    os.mkfifo(tmp_path / "model.onnx")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [str(SMSERVE), "serve", "--workers", "2", "--model", str(tmp_path / "model.onnx"), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: is_taken(port), timeout_s=30)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in log


def is_taken(port: int) -> bool:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def test_an_embedded_database_is_of_one_process(tiny_model: Path, tmp_path: Path) -> None:
    failed = run("--model", tiny_model, "--gallery", f"milvus+lite://{tmp_path}/m.db#photos", "--port", 0)
    assert failed.returncode == 1
    assert "m.db#photos is opened by one process at a time, and --workers is 2; serve it with" in failed.stderr
