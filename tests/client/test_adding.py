"""Picture files into a served gallery, in calls that fit."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.client import Client, PictureFile, add_pictures
from smserve.client import adding as adding_module
from smserve.errors import RequestIdReused
from smserve.server import open_engine
from smserve.types import UpsertItem, WriteResult
from tests.support.hostile import corrupt_png
from tests.support.pictures import draw, encode
from tests.support.running import running_server


@pytest.fixture
def client(tiny_model: Path, drawn_gallery: Path, tmp_path: Path) -> Iterator[Client]:
    place = shutil.copytree(drawn_gallery, tmp_path / "g")
    engine = open_engine(tiny_model, [("g", place)], writable=True)
    with running_server(engine) as server, Client(server.address) as client:
        yield client


def write(folder: Path, count: int) -> list[PictureFile]:
    folder.mkdir()
    files = []
    for number in range(count):
        path = folder / f"{number}.png"
        path.write_bytes(encode(draw("red", 100 + number)))
        files.append(PictureFile(item_id=path.name, path=path, label="red", payload={"n": number}))
    return files


def test_many_pictures_take_several_calls(client: Client, tmp_path: Path) -> None:
    files, done = write(tmp_path / "new", 150), list[int]()
    outcome = add_pictures(client, files, progress=done.append)
    assert (outcome.added, outcome.unchanged, outcome.failures) == (150, 0, ())
    assert done == [64, 128, 150]
    assert client.count(filter="exists(n)").total == 150
    again = add_pictures(client, files[:3])
    assert (again.added, again.unchanged) == (0, 3)


def test_no_call_carries_too_many_bytes(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write(tmp_path / "new", 5)
    largest = max(file.path.stat().st_size for file in files)
    monkeypatch.setattr(adding_module, "_MAX_BYTES", 2 * largest)  # pictures of 8 MB take seconds to draw
    done = list[int]()
    add_pictures(client, files, progress=done.append)
    assert done == [2, 4, 5]


def test_bad_pictures_are_left_out_and_the_others_of_their_call_stored(client: Client, tmp_path: Path) -> None:
    files = write(tmp_path / "new", 6)
    files[1].path.write_bytes(corrupt_png())
    files[4].path.write_bytes(b"no picture")
    files.append(PictureFile(item_id="gone", path=tmp_path / "gone.png"))
    outcome = add_pictures(client, files)
    assert outcome.added == 4
    assert sorted(failure.item_id for failure in outcome.failures) == ["1.png", "4.png", "gone"]
    assert client.count(filter='label = "red" and exists(n)').total == 4


def test_an_error_of_the_call_itself_ends_it(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(items: list[UpsertItem], *, gallery: str = "", request_id: str = "") -> WriteResult:
        raise RequestIdReused("not yours", field="request_id")

    monkeypatch.setattr(client, "upsert", refused)  # a server that refuses what no picture is to blame for
    with pytest.raises(RequestIdReused):
        add_pictures(client, write(tmp_path / "new", 2))
