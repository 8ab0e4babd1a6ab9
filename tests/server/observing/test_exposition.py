"""The endpoint that is scraped: on loopback unless told otherwise, there from start to end, gone with the server."""

import http.client
import socket

import pytest

from smserve.engine import Engine
from smserve.errors import Unavailable
from smserve.server import Server, ServerSettings
from tests.support.running import running_server
from tests.support.scraping import OPEN_METRICS, Scrape, scrape


def test_there_is_none_unless_asked_for(engine: Engine) -> None:
    with running_server(engine) as server:
        assert server.metrics_url is None


def test_both_formats_say_the_same(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server:
        assert server.metrics_url is not None
        assert server.metrics_url.startswith("http://127.0.0.1:")
        plain, open_metrics = scrape(server), scrape(server, OPEN_METRICS)
    for name in ("smserve_generation_info", "smserve_gallery_items", "smserve_shed_total", "smserve_build_info"):
        assert plain.series(name) == open_metrics.series(name) != {}


def test_it_answers_before_the_server_does_and_not_after_it(engine: Engine) -> None:
    server = Server(ServerSettings(port=0, metrics_port=0))
    try:
        url = server.metrics_url or ""
        assert Scrape(url).series("smserve_gallery_items") == {}
        server.start(engine)
        assert Scrape(url).series("smserve_gallery_items") == {("basis", "live"): 8, ("basis", "tombstoned"): 0}
    finally:
        server.stop()
    with pytest.raises(ConnectionRefusedError):
        Scrape(url)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"can't listen for scrapes on 127.0.0.1:{port} .*--metrics-port"):
            Server(ServerSettings(port=0, metrics_port=port))
        with pytest.raises(Unavailable, match=f"can't listen on 127.0.0.1:{port}"):
            Server(ServerSettings(port=port, metrics_port=0))  # lets go of the other port


def test_the_process_is_measured(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server:
        seen = scrape(server)
    for name in ("process_resident_memory_bytes", "process_open_fds", "smserve_threads"):
        value = seen.value(name)
        assert value is not None
        assert value > 1


def test_other_registries_are_left_alone(engine: Engine) -> None:
    """Two servers of one process count for themselves."""
    with running_server(engine, metrics_port=0) as one, Server(ServerSettings(port=0, metrics_port=0)) as other:
        assert scrape(one).series("smserve_gallery_items") != {}
        assert scrape(other).series("smserve_gallery_items") == {}


def test_it_is_read_only(engine: Engine) -> None:
    with running_server(engine, metrics_port=0) as server:
        connection = http.client.HTTPConnection((server.metrics_url or "").split("/")[2], timeout=10)
        connection.request("POST", "/metrics", body=b"x")
        assert connection.getresponse().status == 405
        connection.close()
