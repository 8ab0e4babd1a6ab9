"""Observing: what a search of a picture costs to be told to the log, the metrics and the trace.

    make bench BENCH=observing

A call is told of as a server tells of it, with its five steps, and nothing else is done. The figures are microseconds
of the processor for one call, so that other processes don't count, over the faster half of the rounds; the sides take
turns.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from benchmarks.evidence import describe_machine, print_measure
from smserve.engine.interest import always_wanted
from smserve.engine.stages import Stage, StageListener, Stages
from smserve.server.events import CallBegun, CallEnded, CallObserver
from smserve.server.observing import LogFormat, configure_logs
from smserve.server.observing.call_log import log_call
from smserve.server.observing.metrics import Metrics
from smserve.server.observing.traces import Traces

CALLS = 1000
METADATA = (("user-agent", "grpc-python/1.80"), ("x-request-id", "0123456789ab"))


def main(arguments: Sequence[str]) -> None:
    """Measure, and print one line a side."""
    parser = argparse.ArgumentParser(prog="benchmarks observing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 rounds of 1,000 calls a side instead of 25")
    quick = parser.parse_args(arguments).quick
    print(f"A search of one picture, told of and not done, {CALLS} times a round; {describe_machine()}")
    metrics = Metrics()
    traces = Traces(BatchSpanProcessor(InMemorySpanExporter()))
    sides: dict[str, Callable[[], None]] = {
        "nobody": told(()),
        "log": told((log_call,)),
        "metrics": told((metrics.observe,), metrics),
        "log_and_metrics": told((log_call, metrics.observe), metrics),
        "traces": told((traces.observe,), traces),
    }
    costs: dict[str, list[float]] = {}
    for log_format in LogFormat:
        with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
            sys.stderr = nowhere
            configure_logs("info", log_format)
            for _ in range(5 if quick else 25):
                for side, call in sides.items():
                    name = f"{side}_{log_format}" if "log" in side else side
                    costs.setdefault(name, []).append(microseconds(call))
            sys.stderr = sys.__stderr__
    logging.getLogger().handlers.clear()
    traces.close()
    for name, values in costs.items():
        print_measure(f"observing.{name}_us", sorted(values)[: len(values) // 2], better="lower")


def told(observers: Sequence[CallObserver], *listeners: StageListener) -> Callable[[], None]:
    """Return what tells observers of a call, and listeners of its steps."""
    stages = Stages()
    for listener in listeners:
        stages.listen(listener)

    def call() -> None:
        begun = CallBegun(method="/smserve.v1.RetrievalService/Search", request_id="0123456789ab", metadata=METADATA)
        endings = [observe(begun) for observe in observers]
        stages.passed(Stage.QUEUE, 0.0)
        for stage in (Stage.DECODE, Stage.INFERENCE, Stage.SEARCH):
            with stages.step(stage, always_wanted):
                pass
        stages.passed(Stage.PAYLOAD, 0.001)
        ended = CallEnded(name="Search", request_id="0123456789ab", code="OK", seconds=0.01)
        while endings:
            endings.pop()(ended)

    return call


def microseconds(call: Callable[[], None]) -> float:
    """Return the CPU time of a call."""
    began = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - began) / CALLS * 1e6
