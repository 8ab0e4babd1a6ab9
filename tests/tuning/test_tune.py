"""A tiny model is measured for an instant: what is measured and left out, not how fast it is."""

import os
from pathlib import Path

import pytest

from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InvalidInput, ModelDamaged
from smserve.tuning import Limits, tune
from smserve.tuning.candidates import candidates_of
from smserve.tuning.measuring import measure
from tests.support.pictures import COLORS, draw, encode
from tests.support.tiny_model import write_tiny_model

CPU = InferenceSettings()
OPENVINO = InferenceSettings(provider="openvino")
CUDA = InferenceSettings(provider="cuda")
PICTURES = [encode(draw(color)) for color in COLORS]
ANY = Limits(latency_ms=60_000)


def test_every_candidate_is_measured_and_the_fastest_comes_first(tiny_model: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = tune(
        tiny_model,
        PICTURES,
        limits=ANY,
        seconds=0.03,
        kinds=[CPU, OPENVINO],
        progress=lambda done, total, what: seen.append((done, total)),  # noqa: ARG005 - for people
    )
    cores = os.cpu_count() or 1
    assert {trial.candidate for trial in report.trials} == {*candidates_of(CPU, cores), *candidates_of(OPENVINO, cores)}
    rates = [trial.pictures_per_s for trial in report.trials]
    assert rates == sorted(rates, reverse=True)
    assert min(rates) > 0
    assert all(trial.latency_ms > 0 and trial.cosine == pytest.approx(1, abs=1e-5) for trial in report.trials)
    assert report.chosen in report.trials
    assert report.pictures == len(PICTURES)
    assert seen == [(done, 3 * len(rates)) for done in range(3 * len(rates) + 1)]


def test_the_model_brings_pictures_of_its_own(tiny_model: Path) -> None:
    assert tune(tiny_model, limits=ANY, seconds=0.01, kinds=[CPU]).pictures == 2


def test_what_the_machine_lacks_is_listed_with_the_reason(tiny_model: Path) -> None:
    from smserve.ort import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    report = tune(tiny_model, PICTURES, limits=ANY, seconds=0.01, kinds=[CPU, CUDA])
    assert [(each.provider, each.precision) for each in report.refused] == [("cuda", "float32")]
    assert "onnxruntime-gpu" in report.refused[0].reason
    with pytest.raises(InvalidInput, match=r"nothing can be measured: .*onnxruntime-gpu"):
        tune(tiny_model, PICTURES, kinds=[CUDA])


def test_pictures_that_cannot_be_read_are_left_out(tiny_model: Path) -> None:
    assert tune(tiny_model, [b"no picture", PICTURES[0]], limits=ANY, seconds=0.01, kinds=[CPU]).pictures == 1
    with pytest.raises(InvalidInput, match="none of 1 pictures can be read"):
        tune(tiny_model, [b"no picture"])


def test_a_model_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="self-check"):
        tune(write_tiny_model(tmp_path / "wrong.onnx", wrong_self_check=True))


@pytest.mark.parametrize(
    ("limits", "seconds"), [(Limits(latency_ms=0), 1.0), (Limits(latency_factor=1), 1.0), (Limits(), 0.0)]
)
def test_limits_out_of_range(tiny_model: Path, limits: Limits, seconds: float) -> None:
    with pytest.raises(InvalidInput, match="wanted more than"):
        tune(tiny_model, limits=limits, seconds=seconds)


def test_every_caller_calls_once_at_least(tiny_model: Path) -> None:
    calls = measure(Embedder(tiny_model), PICTURES, callers=5, seconds=0.0)
    assert len(calls.durations_s) == 5
    assert calls.elapsed_s >= max(calls.durations_s)
    assert calls.p95_ms <= max(calls.durations_s) * 1000
    assert calls.per_second == 5 / calls.elapsed_s
