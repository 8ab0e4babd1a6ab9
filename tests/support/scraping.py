"""A scrape of a running server, read by Prometheus' own parsers."""

import http.client
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from smserve.client import Client
from smserve.server import Server, ServerSettings, open_engine
from smserve.types import UpsertItem
from tests.server.asking import wait_for
from tests.support.pictures import draw, encode

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


class Scrape:
    """What one scrape read."""

    def __init__(self, url: str, accept: str = "") -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request("GET", parts.path, headers={"Accept": accept} if accept else {})
            answer = connection.getresponse()
            self.text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200
        is_open = answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert is_open == (accept == OPEN_METRICS)
        parse = open_metrics if is_open else text_format
        self.families: dict[str, Metric] = {family.name: family for family in parse(self.text)}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series; None where there is none."""
        return self._values.get((name, frozenset(labels.items())))

    def series(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the values of all series of a name, by the values of their labels in the labels' order."""
        return {
            tuple(value for _, value in sorted(labels)): value
            for (series, labels), value in self._values.items()
            if series == name
        }


def scrape(server: Server, accept: str = "") -> Scrape:
    """Scrape a server that exposes metrics."""
    assert server.metrics_url is not None
    return Scrape(server.metrics_url, accept)


def everything(model: Path, gallery: Path, place: Path) -> Scrape:
    """Scrape a server of which every metric has a value: it was searched, written to and compacted.

    Args:
        model: Its model file.
        gallery: Of that model; it is copied.
        place: Where to.
    """
    shutil.copytree(gallery, place)
    engine = open_engine(model, [("mine", place)], writable=True, check_every=1)
    with Server(ServerSettings(port=0, metrics_port=0)) as server:
        server.start(engine)
        with Client(server.address) as client:
            client.search(encode(draw("red")))
            client.upsert([UpsertItem(item_id="new", vector=np.eye(8, dtype=np.float32)[0])])
            client.compact()

            def is_compared() -> bool:  # a search is not, while another one is
                client.search(np.eye(8, dtype=np.float32)[0])
                return engine.list_galleries()[0].live_recall is not None

            wait_for(is_compared)
        return scrape(server)
