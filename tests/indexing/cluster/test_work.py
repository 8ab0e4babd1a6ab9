"""What tasks and workers of a cluster do with a batch, without a cluster."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.indexing.cluster.work import Batch, PictureWorker, WorkerSettings, read_files
from smserve.indexing.reading import PictureReader, Prepared, Stored
from smserve.indexing.sources import SourceItem
from tests.support.pictures import draw, encode

LIMITS = ImageLimits(max_bytes=100_000)


def batch(*rows: tuple[Path, str]) -> Batch:
    return {
        "position": np.arange(len(rows)),
        "path": np.array([bytes(path) for path, _ in rows], object),
        "stored_sha256": np.array([sha256 for _, sha256 in rows], object),
    }


def worker(model: Path, **settings: Any) -> PictureWorker:
    wanted: dict[str, Any] = {"inference": InferenceSettings(), "limits": LIMITS, "thumbnails": True}
    return PictureWorker(model.read_bytes, WorkerSettings(model=model, **(wanted | settings)))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two pictures, a file that is none, one that is too large, and one that is not there."""
    for name, color in (("1.png", "red"), ("2.png", "blue")):
        (tmp_path / name).write_bytes(encode(draw(color)))
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "large.png").write_bytes(encode(draw("red")) + bytes(100_000))
    return [tmp_path / name for name in ("1.png", "text.png", "2.png", "large.png", "gone.png")]


def test_a_batch_comes_out_as_reading_and_embedding_here_do(tiny_model: Path, paths: list[Path]) -> None:
    embedder = Embedder(tiny_model)
    here = PictureReader(embedder.manifest.resize, LIMITS, {}, thumbnails=True)
    there = worker(tiny_model)(read_files(batch(*((path, "") for path in paths)), limits=LIMITS))
    assert there["position"].tolist() == [0, 1, 2, 3, 4]
    for number, path in enumerate(paths):
        wanted = here(SourceItem(item_id=path.name, path=path))
        got = {name: column[number] for name, column in there.items()}
        assert not got["is_stored"]
        if isinstance(wanted, Prepared):
            vector = np.frombuffer(got["vector"], np.float32)
            np.testing.assert_allclose(vector, embedder.embed(wanted.pixels[np.newaxis])[0], rtol=0, atol=1e-6)
            assert (got["sha256"], got["thumbnail"], got["reason"]) == (wanted.sha256, wanted.thumbnail, "")
        else:
            assert not isinstance(wanted, Stored)
            assert (got["reason"], got["vector"]) == (wanted.reason, b"")


def test_what_is_stored_is_neither_sent_nor_decoded(tiny_model: Path, paths: list[Path]) -> None:
    sha256 = read_files(batch((paths[0], "")), limits=LIMITS)["sha256"][0]
    read = read_files(batch((paths[0], sha256), (paths[2], sha256)), limits=LIMITS)
    assert read["is_stored"].tolist() == [True, False]
    assert read["data"][0] == b""
    done = worker(tiny_model)(read)
    assert [bool(vector) for vector in done["vector"]] == [False, True]
    assert done["is_stored"].tolist() == [True, False]


def test_a_batch_without_a_picture_embeds_nothing(tiny_model: Path, paths: list[Path]) -> None:
    done = worker(tiny_model)(read_files(batch((paths[1], ""), (paths[4], "")), limits=LIMITS))
    assert done["vector"].tolist() == [b"", b""]


def test_thumbnails_are_left_out(tiny_model: Path, paths: list[Path]) -> None:
    done = worker(tiny_model, thumbnails=False)(read_files(batch((paths[0], "")), limits=LIMITS))
    assert done["thumbnail"].tolist() == [b""]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"version": "0.0.1"}, r"it has smserve \S+, the command 0\.0\.1; install the same"),
        ({"inference": InferenceSettings(provider="cuda")}, "CUDAExecutionProvider is not in this ONNX Runtime"),
    ],
)
def test_a_worker_that_cannot_work_says_why(
    tiny_model: Path, paths: list[Path], settings: dict[str, Any], reason: str
) -> None:
    done = worker(tiny_model, **settings)(read_files(batch((paths[0], ""), (paths[2], "")), limits=LIMITS))
    assert len(done["refusal"]) == 2
    for each in done["refusal"]:
        with pytest.raises(AssertionError, match=reason):
            raise AssertionError(each)
