"""A scrape of a running server, read by Prometheus' own parsers."""

import http.client
from urllib.parse import urlsplit

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from smserve.server import Server

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
