"""`smserve serve` as a process: its JSON log, its metrics and its traces, which tell of the same calls."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from smserve.cli.root import smserve
from smserve.client import Client
from tests.server.observing.collector import collecting
from tests.support.running import serving
from tests.support.scraping import Scrape


def test_log_metrics_and_traces_of_a_process(tiny_model: Path, drawn_gallery: Path, pictures: Path) -> None:
    options = ("--read-only", "--log-format", "json", "--metrics-port", 0, "--traces")
    with collecting() as (collector, url):
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        with serving(
            "--model", tiny_model, "--gallery", f"mine={drawn_gallery}", *options, environment=environment
        ) as (process, address):
            assert process.stdout is not None
            words = process.stdout.readline().split()
            assert words[:2] == ["metrics", "on"]
            with Client(address) as client:
                for _ in range(3):
                    client.search(pictures / "red" / "0.png")
            seen = Scrape(words[2])
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=30)  # what is not yet exported is, at the end
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    calls = [line for line in lines if line["logger"] == "smserve.calls"]
    assert [line["method"] for line in calls] == ["Search"] * 3
    assert seen.series("smserve_rpc_requests_total") == {("OK", "Search"): 3}
    spans = [span for span in collector.spans if span.name == "smserve.v1.RetrievalService/Search"]
    assert {(span.trace_id.hex(), span.span_id.hex()) for span in spans} == {
        (line["trace_id"], line["span_id"]) for line in calls
    }
    assert len(collector.spans) == 3 * 6  # each with five steps


def test_a_collector_that_is_not_there_keeps_neither_calls_nor_a_second_signal_waiting(
    tiny_model: Path, drawn_gallery: Path
) -> None:
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    environment |= {"OTEL_EXPORTER_OTLP_TIMEOUT": "600", "OTEL_BSP_SCHEDULE_DELAY": "600000"}  # at the end alone
    with serving(
        "--model", tiny_model, "--gallery", drawn_gallery, "--read-only", "--traces", environment=environment
    ) as (process, address):
        with Client(address) as client:
            client.search(np.eye(8, dtype=np.float32)[0])
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        while "while exporting traces" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)  # OpenTelemetry alone would wait for 30
    assert process.returncode == 0


def test_traces_without_opentelemetry(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "smserve.server.observing.traces", raising=False)
    result = CliRunner().invoke(smserve, ["serve", "--model", str(tiny_model), "--port", "0", "--traces"])
    assert result.exit_code == 1
    assert "opentelemetry is not installed; install it with pip install 'smserve[otel]'" in result.stderr
