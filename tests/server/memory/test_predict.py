"""What is predicted, beside what a server really takes."""

import re
import shutil
from pathlib import Path

import pytest

from benchmarks.server_process import ServerProcess, resident_bytes
from smserve.client import Client
from smserve.embedder import InferenceSettings
from smserve.engine import pictures
from smserve.errors import SmserveError
from smserve.gallery import LiveGallery, NewItem
from smserve.model_file import fingerprint
from smserve.server import ServerSettings
from smserve.server.memory import MemoryLimit, MemoryPrediction, check_memory, model, predict_memory
from tests.gallery.brute_force import unit_vectors

MIB = 2**20


def predicted(model: Path, *galleries: tuple[str, Path], **more: object) -> MemoryPrediction:
    settings = ServerSettings(max_in_flight=3, max_waiting=61)
    return predict_memory(settings, model, galleries, decoded_bytes_in_flight=MIB, **more)  # type: ignore[arg-type]


def at_most(prediction: MemoryPrediction) -> dict[str, int]:
    return {part.name: part.at_most for part in prediction.parts}


@pytest.fixture(scope="module")
def large_gallery(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 items, D=8, of which 1,000 came after the last compaction."""
    path = tmp_path_factory.mktemp("galleries") / "large"
    LiveGallery.create(path, model_fingerprint=fingerprint(tiny_model.read_bytes()), dimension=8)
    with LiveGallery.open(path, compaction=None) as gallery:
        vectors = unit_vectors(20_000, 8, seed=0)
        gallery.upsert([NewItem(item_id=str(row), vector=vector) for row, vector in enumerate(vectors[:19_000])])
        gallery.compact()
        gallery.upsert([NewItem(item_id=f"n{row}", vector=vector) for row, vector in enumerate(vectors[19_000:])])
    return path


@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_a_server_takes_what_was_predicted(tiny_model: Path, large_gallery: Path, provider: str) -> None:
    inference = InferenceSettings(provider=provider)  # type: ignore[arg-type]  # one of them
    expected = predicted(tiny_model, ("g", large_gallery), inference=inference).at_rest
    with (
        ServerProcess(tiny_model, "--gallery", f"g={large_gallery}", "--provider", provider, "--read-only") as server,
        Client(server.address) as client,
    ):
        for vector in unit_vectors(200, 8, seed=1):
            client.search(vector)
        assert resident_bytes(server.pid) == pytest.approx(expected, rel=0.25)


def test_its_parts(tiny_model: Path, large_gallery: Path) -> None:
    parts = at_most(predicted(tiny_model, ("g", large_gallery)))
    assert list(parts) == ["process", "model", "gallery g", "pictures being decoded", "messages of calls"]
    assert parts["pictures being decoded"] == MIB
    assert parts["messages of calls"] == 64 * 16 * MIB
    index, cache, fresh = 19_000 * 32, 64 * MIB, 2 * 10_000 * 40
    assert parts["gallery g"] == pytest.approx(cache + fresh + index + 3 * 8 * 19_000 + 64 * 19_000 / 8, rel=0.01)


def test_a_folder_of_galleries_and_the_models_that_they_want(
    tiny_model: Path, other_model: Path, drawn_gallery: Path, large_gallery: Path, tmp_path: Path
) -> None:
    folder, models = tmp_path / "galleries", tmp_path / "models"
    shutil.copytree(drawn_gallery, folder / "mine")
    (folder / ".new-hidden").mkdir()
    (folder / "no gallery").mkdir()
    models.mkdir()
    shutil.copy(other_model, models / "other.onnx")
    shutil.copy(tiny_model, models / "copy.onnx")
    found = at_most(predicted(other_model, ("g", large_gallery), folder=folder, models=models))
    assert list(found)[:5] == ["process", "model", "model copy", "gallery g", "gallery mine"]


def test_what_can_t_be_read_counts_for_nothing(tmp_path: Path, drawn_gallery: Path) -> None:
    shutil.copytree(drawn_gallery, tmp_path / "g")
    (tmp_path / "g" / "CURRENT").write_text("{}")
    assert [part.name for part in predicted(tmp_path / "none.onnx", ("g", tmp_path / "g")).parts][1:] == [
        "pictures being decoded",
        "messages of calls",
    ]
    (tmp_path / "junk.onnx").write_bytes(b"junk" * MIB)
    assert at_most(predicted(tmp_path / "junk.onnx"))["model"] > 12 * MIB


def test_a_run_is_of_as_many_pictures_as_the_engine_s() -> None:
    assert model._BATCH == pictures._BATCH


def test_more_pixels_and_more_calls_take_more(tiny_model: Path) -> None:
    one, many = (
        predict_memory(ServerSettings(max_in_flight=calls), tiny_model, [], decoded_bytes_in_flight=0).parts[1]
        for calls in (1, 9)
    )
    assert one.at_most == one.at_rest == many.at_rest
    run = 16 * 16 * 175 * 16
    assert many.at_most - one.at_most == 8 * run


def test_what_can_t_fit_is_refused_with_the_numbers(tiny_model: Path) -> None:
    prediction = predicted(tiny_model)
    check_memory(prediction, MemoryLimit(prediction.at_most, "just enough"))
    with pytest.raises(SmserveError) as caught:
        check_memory(prediction, MemoryLimit(1024 * MIB, "memory.max"))
    message = caught.value.message
    assert "1,024 MiB (memory.max)" in message
    assert re.search(
        r"at most 1,1\d\d MiB \(process 115, model 2, pictures being decoded 1, messages of calls 1,024\)", message
    )
    for option in ("--max-decoded-mib", "--max-waiting", "--max-in-flight", "--memory-limit"):
        assert option in message


def test_workers_take_it_each_and_share_the_mapped_files(tiny_model: Path, large_gallery: Path) -> None:
    one = predicted(tiny_model, ("g", large_gallery))
    three = one.of_workers(3)
    supervisor = three.parts[0]
    assert supervisor.name == "supervisor"
    assert three.at_rest == 3 * one.at_rest + supervisor.at_rest
    assert three.at_most == 3 * one.at_most + supervisor.at_most
    assert three.mapped == one.mapped
    assert str(three).startswith("3 workers: ")
    with pytest.raises(SmserveError, match="--workers, serve fewer galleries"):
        check_memory(three, MemoryLimit(2 * one.at_most, "the machine's memory"))


def test_a_supervisor_takes_what_was_predicted(tiny_model: Path) -> None:
    supervisor = predicted(tiny_model).of_workers(2).parts[0]
    with ServerProcess(tiny_model, "--workers", "2") as server:
        assert resident_bytes(server.pid) == pytest.approx(supervisor.at_rest, rel=0.25)
