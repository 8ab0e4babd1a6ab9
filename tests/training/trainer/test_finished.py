import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from smserve.embedder import Embedder
from smserve.errors import DataLoss, NotFound
from tests.training.tiny import classes_config, paper_config
from tests.training.trainer.running import run
from training.datasets import Dataset, decode_set
from training.export import OnnxNetwork
from training.trainer import RunFolder, evaluate_model, evaluate_run, export_run
from training.trainer.calibrating import calibrate
from training.trainer.finished import load_network

pytestmark = pytest.mark.usefixtures("tiny_runs")
CONFIG = replace(classes_config(), epochs=2)


@pytest.fixture(scope="module")
def finished(hues: Dataset, tmp_path_factory: pytest.TempPathFactory, tiny_runs: None) -> RunFolder:
    path = tmp_path_factory.mktemp("runs") / "hues"
    run(CONFIG, hues, path)
    return RunFolder(path)


def judge(folder: RunFolder, data: Dataset, *, untrained: bool = False) -> dict[str, Any]:
    cpu = torch.device("cpu")
    cache = folder.path.parent / "decoded"
    return evaluate_run(folder, data, cache_dir=cache, device=cpu, progress=lambda *_: None, untrained=untrained)


def write_model(folder: RunFolder, data: Dataset, output: Path, *, untrained: bool = False) -> str:
    cache = folder.path.parent / "decoded"
    return export_run(folder, data, output, cache_dir=cache, progress=lambda *_: None, untrained=untrained)


def test_a_finished_run_is_judged_again_alike(finished: RunFolder, hues: Dataset) -> None:
    assert judge(finished, hues) == finished.evaluation()


def test_untrained_is_the_backbone_alone(finished: RunFolder, hues: Dataset) -> None:
    assert load_network(finished, CONFIG, untrained=True)(torch.zeros((1, 20, 20, 3), dtype=torch.uint8)).shape == (
        1,
        24,
    )
    assert judge(finished, hues, untrained=True) != finished.evaluation()


@pytest.fixture(scope="module")
def model_file(finished: RunFolder, hues: Dataset) -> Path:
    write_model(finished, hues, finished.model_file)
    return finished.model_file


def test_the_server_computes_from_the_file_what_the_run_learnt(
    finished: RunFolder, hues: Dataset, model_file: Path
) -> None:
    embedder = Embedder(model_file)
    assert (embedder.dimension, embedder.manifest.name) == (16, "hues")
    figures = finished.evaluation()
    assert figures is not None
    assert dict(embedder.manifest.provenance) == {
        "dataset": "folder:hues",
        "recipe": "tiny-classes",
        "seed": 0,
        "epochs": 2,
        "commit": finished.commit(),
        "recall_at_1": figures["recall_at_1"],
    }
    served = embedder.embed(np.stack([embedder.prepare(path.read_bytes()) for path in hues.test.paths[:20]]))
    pixels = decode_set(hues.test, CONFIG.resize, finished.path.parent / "decoded", lambda *_: None)[:20]
    with torch.inference_mode():
        learnt = load_network(finished, CONFIG)(torch.from_numpy(np.array(pixels)))
    assert served == pytest.approx(learnt.numpy(), abs=1e-4)


def test_the_file_retrieves_what_the_run_retrieved(finished: RunFolder, hues: Dataset, model_file: Path) -> None:
    figures = evaluate_model(
        OnnxNetwork(model_file),
        hues,
        recall_at=CONFIG.recall_at,
        cache_dir=finished.path.parent / "decoded",
        progress=lambda *_: None,
    )
    expected = finished.evaluation()
    assert expected is not None
    recalls = {name: value for name, value in expected.items() if name.startswith("recall_at_")}
    assert {name: figures[name] for name in recalls} == recalls
    assert figures == pytest.approx(expected, abs=1e-3)


@pytest.mark.timeout(300)
def test_the_same_run_in_another_process_gives_the_same_file(hues: Dataset, model_file: Path, tmp_path: Path) -> None:
    pictures = hues.name.removeprefix("folder:")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.training.trainer.exported_run",
        pictures,
        str(tmp_path / "hues"),
    ]
    outcome = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=280, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    assert (tmp_path / "hues" / "model.onnx").read_bytes() == model_file.read_bytes()


def test_the_file_carries_probabilities_of_validation_classes(hues: Dataset, model_file: Path, tmp_path: Path) -> None:
    assert Embedder(model_file).manifest.calibration is None, "two validation classes are too few"
    config = replace(paper_config(), epochs=3)
    folder = RunFolder(tmp_path / "run")
    run(config, hues, folder.path)
    enough = replace(hues, validation=hues.test, test=hues.validation)
    expected = calibrate(
        load_network(folder, config),
        enough,
        config,
        cache_dir=tmp_path / "decoded",
        device=torch.device("cpu"),
        progress=lambda *_: None,
    )
    assert expected is not None
    write_model(folder, enough, tmp_path / "model.onnx")
    assert Embedder(tmp_path / "model.onnx").manifest.calibration == expected.calibration


def test_the_untrained_file_says_so(finished: RunFolder, hues: Dataset, tmp_path: Path) -> None:
    write_model(finished, hues, tmp_path / "untrained.onnx", untrained=True)
    embedder = Embedder(tmp_path / "untrained.onnx")
    assert (embedder.dimension, embedder.manifest.name) == (24, "hues-untrained")
    provenance = embedder.manifest.provenance
    assert (provenance["recipe"], provenance["epochs"], provenance["recall_at_1"]) == ("tiny, untrained", 0, None)


def test_without_a_checkpoint_there_is_nothing_to_export(hues: Dataset, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(NotFound, match=r"has no config\.json"):
        write_model(folder, hues, tmp_path / "model.onnx")
    folder.begin(CONFIG, hues.name, resume=False)
    with pytest.raises(NotFound, match="there is no checkpoint"):
        write_model(folder, hues, tmp_path / "model.onnx")
    path = folder.checkpoints.save({"epoch": 1}, epoch=1, step=None, keep=1)
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataLoss, match="is damaged"):
        write_model(folder, hues, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
