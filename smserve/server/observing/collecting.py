"""What Prometheus reads when it scrapes: how the server and its galleries stand at that moment."""

import platform
import threading
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from smserve.engine import Engine
from smserve.server.load import Load
from smserve.version import VERSION

__all__ = ["ServerCollector"]


class ServerCollector(Collector):
    """Reads a server; before it has an engine, what is known of the server alone."""

    def __init__(self, load: Callable[[], Load]) -> None:
        """Read how busy the server is from `load`."""
        self._load: Final = load
        self.engine: Engine | None = None

    def collect(self) -> Iterator[Metric]:
        """Return the values."""
        yield InfoMetricFamily(
            "smserve_build",
            "The version that runs.",
            value={"version": VERSION, "python": platform.python_version()},
        )
        yield from self._of_load()
        yield GaugeMetricFamily(
            "smserve_threads", "Threads of the process that Python knows.", threading.active_count()
        )
        engine = self.engine
        if engine is not None:
            yield from _of_models(engine)
            yield from _of_galleries(engine)

    def _of_load(self) -> Iterator[Metric]:
        load = self._load()
        yield GaugeMetricFamily("smserve_queue_depth", "Calls that wait for a place.", load.waiting)
        yield GaugeMetricFamily("smserve_rpc_in_flight", "Calls that have a place, and run.", load.running)
        yield GaugeMetricFamily("smserve_streams_open", "Streams that are open.", load.streams)
        shed = CounterMetricFamily("smserve_shed_total", "Calls that were turned away.", labels=["reason"])
        for refusal, count in load.refusals.items():
            shed.add_metric([refusal.value], count)
        yield shed


def _of_models(engine: Engine) -> Iterator[Metric]:
    budget = engine.budget
    yield GaugeMetricFamily(
        "smserve_queue_decoded_bytes", "Memory held for pictures being decoded.", budget.total - budget.free
    )
    models = InfoMetricFamily("smserve_model", "A model that is loaded.", labels=["provider", "fingerprint"])
    for model in engine.models.loaded():
        models.add_metric([model.embedder.provider, model.fingerprint], {})
    yield models


def _of_galleries(engine: Engine) -> Iterator[Metric]:
    items = GaugeMetricFamily(
        "smserve_gallery_items",
        "Items that can be found, and rows of replaced and deleted ones that are still held.",
        labels=["gallery", "state"],
    )
    generations = InfoMetricFamily(
        "smserve_generation",
        "The generation that a gallery is searched with.",
        labels=["gallery", "generation", "model_fingerprint", "index_type"],
    )
    recalls = GaugeMetricFamily(
        "smserve_recall_estimate_ratio",
        "Share of the true neighbours that live searches found.",
        labels=["gallery"],
    )
    for gallery in engine.list_galleries():
        items.add_metric([gallery.name, "live"], gallery.item_count)
        items.add_metric([gallery.name, "tombstoned"], gallery.tombstone_count)
        generations.add_metric([gallery.name, str(gallery.generation), gallery.model_fingerprint, gallery.index], {})
        if gallery.live_recall is not None:
            recalls.add_metric([gallery.name], gallery.live_recall)
    yield from (items, generations, recalls)
