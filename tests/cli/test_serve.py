"""`smserve serve` as a process of its own: it comes up, answers, and goes away as it should."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from benchmarks.server_process import resident_bytes
from smserve.client import Client
from tests.cli.conftest import Run, document
from tests.support.running import serving

SMSERVE = Path(sys.executable).with_name("smserve")


def test_it_serves_and_stops_on_sigterm(tiny_model: Path, drawn_gallery: Path, pictures: Path) -> None:
    with serving("--model", tiny_model, "--gallery", f"mine={drawn_gallery}") as (process, address):
        with grpc.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(service="smserve.v1.RetrievalService"), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with Client(address) as client:
            result = client.search(pictures / "red" / "0.png", top_k=2)
            assert (result.gallery, result.hits[0].item_id) == ("mine", "red/0.png")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Search OK " in log
    assert log.rstrip().endswith("stopped")
    assert "Traceback" not in log


def test_it_serves_on_openvino(tiny_model: Path, drawn_gallery: Path, pictures: Path) -> None:
    options = ("--provider", "openvino", "--inference-threads", 2, "--max-batch", 4, "--max-batch-delay", 1)
    with serving("--model", tiny_model, "--gallery", f"mine={drawn_gallery}", *options) as (process, address):
        with Client(address) as client:
            assert client.info().provider == "OpenVINO CPU float32"
            assert client.search(pictures / "red" / "0.png", top_k=1).hits[0].item_id == "red/0.png"
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in log


def test_a_precision_that_the_provider_lacks_is_refused(run: Run, tiny_model: Path) -> None:
    result = run("serve", "--model", tiny_model, "--precision", "bfloat16")
    assert result.exit_code == 1
    assert "use --provider openvino, or --precision float32" in result.stderr


def test_a_second_signal_stops_at_once(tiny_model: Path) -> None:
    with serving("--model", tiny_model, "--drain-delay", 600) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "draining" not in process.stderr.readline():
            pass
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert time.monotonic() - start < 10
    assert process.returncode == 0


def test_a_port_in_use(run: Run, address: str, tiny_model: Path) -> None:
    result = run("serve", "--model", tiny_model, "--port", address.rpartition(":")[2])
    assert result.exit_code == 1
    assert f"Error: can't listen on {address}; the port is in use" in result.stderr


def test_a_foreign_model(run: Run, other_model: Path, drawn_gallery: Path) -> None:
    result = run("serve", "--model", other_model, "--gallery", drawn_gallery, "--port", 0)
    assert result.exit_code == 1
    assert "Error: gallery 'drawn' was built with model" in result.stderr


def test_a_truncated_model(run: Run, tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(tiny_model.read_bytes()[:500])
    result = run("serve", "--model", cut, "--gallery", drawn_gallery, "--port", 0)
    assert result.exit_code == 1
    assert f"Error: model file {cut} (500 bytes) can't be loaded" in result.stderr


def test_a_folder_that_is_no_gallery(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    result = run("serve", "--model", tiny_model, "--gallery", tmp_path, "--port", 0)
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr


@pytest.mark.parametrize("value", ["nowhere", "name=nowhere"])
def test_a_folder_that_is_not_there(run: Run, tiny_model: Path, value: str) -> None:
    result = run("serve", "--model", tiny_model, "--gallery", value)
    assert result.exit_code == 2
    assert "there is no folder 'nowhere'" in result.stderr


def test_two_galleries_of_one_name(run: Run, tiny_model: Path, drawn_gallery: Path) -> None:
    options = ["--gallery", f"a={drawn_gallery}"] * 2
    result = run("serve", "--model", tiny_model, *options, "--port", 0)
    assert result.exit_code == 1
    assert "two galleries are named 'a'" in result.stderr


def test_other_machines_are_let_in_only_where_they_are_known(run: Run, tmp_path: Path) -> None:
    """Said before the model is looked at: there is none."""
    result = run("serve", "--model", tmp_path / "none.onnx", "--host", "0.0.0.0", "--port", 0)  # noqa: S104 - refused
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: other machines reach 0.0.0.0, so the server wants TLS (--tls-certificate")
    assert "--insecure" in result.stderr


def test_a_wrong_certificate_is_said_before_the_model_is_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    options = ["--tls-certificate", tmp_path / "junk.pem", "--tls-key", tmp_path / "junk.pem"]
    result = run("serve", "--model", tmp_path / "none.onnx", "--port", 0, *options)
    assert result.exit_code == 1
    assert f"the TLS certificate {tmp_path / 'junk.pem'} holds no certificate in PEM" in result.stderr


def test_insecure_is_warned_of(tiny_model: Path) -> None:
    arguments = ["--host", "0.0.0.0", "--insecure", "--drain-delay", "0"]  # noqa: S104 - for a moment
    command = [str(SMSERVE), "serve", "--port", "0", "--model", str(tiny_model), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on 0.0.0.0:")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert "WARNING smserve.server.process: 0.0.0.0:" in log
    assert "--insecure" in log


def test_no_file_of_keys(run: Run, tmp_path: Path) -> None:
    result = run("serve", "--model", tmp_path / "none.onnx", "--port", 0, "--keys", tmp_path / "keys.json")
    assert result.exit_code == 1
    assert f"make one with `smserve keys create NAME --scope read --keys {tmp_path / 'keys.json'}`" in result.stderr


def test_what_can_t_fit_into_memory_is_refused_before_anything_is_loaded(run: Run, tmp_path: Path) -> None:
    options = ["--port", 0, "--memory-limit", 1000, "--max-waiting", 0, "--max-in-flight", 1]
    result = run("serve", "--model", tmp_path / "none.onnx", *options)
    assert result.exit_code == 1
    assert "more memory than there is, 1,000 MiB (--memory-limit)" in result.stderr
    fits = run("serve", "--model", tmp_path / "none.onnx", *options, "--max-decoded-mib", 512)
    assert "none.onnx can't be read" in fits.stderr


def test_the_memory_is_predicted_in_the_log_and_told(run: Run, tiny_model: Path, drawn_gallery: Path) -> None:
    command = ["--model", tiny_model, "--gallery", f"mine={drawn_gallery}", "--memory-limit", "9999"]
    with serving(*command) as (process, address):
        told = document(run("info", "--server", address, "--json"))["memory"]
        assert told["resident_bytes"] == pytest.approx(resident_bytes(process.pid), rel=0.02)
        (shown,) = [line for line in run("info", "--server", address).stdout.splitlines() if line[:6] == "memory"]
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    (line,) = [line for line in log.splitlines() if " smserve.server.memory." in line]
    assert "MiB at rest, at most " in line
    assert "gallery mine 6" in line
    rest, most, mapped = (
        f"{round(told[f'predicted_{name}_bytes'] / 2**20):,} MiB" for name in ("rest", "max", "mapped")
    )
    assert f"{rest} at rest, at most {most} (" in line
    assert f"and {mapped} of mapped files; there is 9,999 MiB (--memory-limit)" in line
    assert shown.endswith(
        f" MiB resident; predicted {rest} at rest, at most {most} and {mapped} of mapped files; there is 9,999 MiB"
    )
