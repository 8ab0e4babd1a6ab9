"""`smserve index add|remove|compact|rollback|generations`, on a folder and through a server, and `search --filter`."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from smserve.gallery import LocalGallery
from smserve.server import open_engine
from smserve.types import FieldMask
from tests.cli.conftest import Run, document
from tests.support.hostile import corrupt_png
from tests.support.pictures import draw, encode
from tests.support.running import running_server


@pytest.fixture
def place(drawn_gallery: Path, tmp_path: Path) -> Path:
    """A copy of the drawn gallery: 24 items, 4 of each of 6 colours."""
    return shutil.copytree(drawn_gallery, tmp_path / "drawn")


@pytest.fixture(params=["folder", "server"])
def where(request: pytest.FixtureRequest, tiny_model: Path, place: Path) -> Iterator[tuple[str, ...]]:
    """Options that name the copy: its folder, or a server that has it."""
    if request.param == "folder":
        yield ("--gallery", str(place))
        return
    with running_server(open_engine(tiny_model, [("drawn", place)], writable=True)) as server:
        yield ("--server", server.address)


@pytest.fixture
def more(pictures: Path, tmp_path: Path) -> Path:
    """The drawn pictures, of which one was replaced and two are new; and one that is none."""
    folder = tmp_path / "more"
    for path in pictures.rglob("*.*"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
    (folder / "red" / "0.png").write_bytes(encode(draw("red", 77)))
    for number in (8, 9):
        (folder / "blue" / f"{number}.png").write_bytes(encode(draw("blue", number)))
    (folder / "blue" / "bad.png").write_bytes(corrupt_png())
    return folder


def model_for(where: tuple[str, ...], model: Path) -> tuple[str, ...]:
    return ("--model", str(model)) if where[0] == "--gallery" else ()


def test_add(run: Run, where: tuple[str, ...], place: Path, more: Path, tiny_model: Path) -> None:
    command = ("index", "add", "--images", more, *where, *model_for(where, tiny_model))
    result = run(*command, "--json")
    assert result.exit_code == 3, result.output
    report = json.loads(result.stdout)
    assert (report["added"], report["unchanged"], report["items"], report["generation"]) == (3, 0, 26, 1)
    (unreadable,) = report["unreadable"]
    assert unreadable["item_id"] == "blue/bad.png"
    assert str(more / "blue" / "bad.png") in result.stderr
    again = json.loads(run(*command, "--json").stdout)
    assert (again["added"], again["unchanged"], again["items"]) == (0, 3, 26)
    (more / "blue" / "8.png").write_bytes(encode(draw("blue", 88)))
    assert json.loads(run(*command, "--json").stdout)["added"] == 1
    reader = LocalGallery.open(place)
    item = reader.get("blue/9.png", FieldMask(thumbnail=True))
    assert (item.label, item.source_uri) == ("blue", str(more / "blue" / "9.png"))
    assert item.thumbnail is not None
    assert reader.info().item_count == 26
    reader.close()


def test_add_from_a_csv(run: Run, where: tuple[str, ...], place: Path, more: Path, tiny_model: Path) -> None:
    rows = more / "rows.csv"
    rows.write_text("path,label,price\nblue/8.png,cold,3\n")
    command = ("index", "add", "--csv", rows, *where, *model_for(where, tiny_model), "--json")
    assert document(run(*command))["added"] == 1
    assert document(run(*command))["unchanged"] == 1
    rows.write_text("path,label,price\nblue/8.png,cold,4\n")  # the payload counts, too
    assert document(run(*command))["added"] == 1
    reader = LocalGallery.open(place)
    assert reader.get("blue/8.png", FieldMask()).payload == {"price": "4"}
    reader.close()


def test_remove(run: Run, where: tuple[str, ...], place: Path) -> None:
    result = run("index", "remove", "red/0.png", "red/1.jpg", "nobody", *where)
    assert (result.exit_code, result.stderr) == (0, "removed 2 items\n")
    removed = document(run("index", "remove", "--filter", 'label in ("red", "blue")', *where, "--json"))
    assert removed == {"removed": 6}
    reader = LocalGallery.open(place)
    assert not {"red", "blue"} & set(reader.count(by_label=True).by_label)
    assert reader.info().item_count == 16
    reader.close()


def test_generations(run: Run, where: tuple[str, ...]) -> None:
    assert document(run("index", "compact", *where, "--json"))["number"] == 2
    listed = run("index", "generations", *where).stdout.splitlines()
    assert listed == [
        "generation\titems\tlast write\tindex\t",
        "2\t24\t1\tFlat\tcurrent",
        "1\t24\t1\tFlat\tprevious",
    ]
    refused = run("index", "rollback", "--expected", 1, *where)
    assert refused.exit_code == 1
    assert "at generation 2, not at 1" in refused.stderr
    result = run("index", "rollback", "--expected", 2, *where)
    assert result.stderr == "generation 1 is in use: 24 items, index Flat\n"
    assert [each["current"] for each in document(run("index", "generations", *where, "--json"))] == [False, True]


def test_a_folder_that_is_served_is_refused_with_the_way_out(run: Run, tiny_model: Path, place: Path) -> None:
    with running_server(open_engine(tiny_model, [("drawn", place)], writable=True)):
        result = run("index", "remove", "red/0.png", "--gallery", place)
    assert result.exit_code == 1
    assert "is being written to by process" in result.stderr
    assert "--server HOST:PORT" in result.stderr


def test_a_server_for_reading_refuses(run: Run, address: str) -> None:
    result = run("index", "remove", "red/0.png", "--server", address)
    assert result.exit_code == 1
    assert "served for reading only" in result.stderr


def test_another_model_adds_nothing(run: Run, other_model: Path, place: Path, more: Path) -> None:
    result = run("index", "add", "--images", more, "--gallery", place, "--model", other_model)
    assert result.exit_code == 1
    assert "was built with model" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "--images", "."),
        ("add", "--images", ".", "--gallery", "g"),
        ("add", "--images", ".", "--server", "127.0.0.1:1", "--model", "m"),
        ("add", "--gallery", "g", "--model", "m"),
        ("add", "--images", ".", "--csv", __file__, "--gallery", "g", "--model", "m"),
        ("remove", "a"),
        ("remove", "a", "--gallery", "g", "--server", "127.0.0.1:1"),
        ("remove", "--gallery", "g"),
        ("remove", "a", "--filter", "a = 1", "--gallery", "g"),
        ("compact",),
        ("rollback", "--gallery", "g", "--server", "127.0.0.1:1"),
        ("generations",),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("index", *arguments).exit_code == 2


@pytest.mark.parametrize("command", [("remove", "a"), ("compact",), ("rollback",), ("generations",)])
def test_a_folder_that_is_no_gallery(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    result = run("index", *command, "--gallery", tmp_path / "nothing")
    assert result.exit_code == 1
    assert "is no gallery" in result.stderr
    assert not (tmp_path / "nothing").exists()


def test_search_with_a_filter(run: Run, address: str, pictures: Path) -> None:
    picture = pictures / "red" / "0.png"
    options = ("--server", address, "--json", "--top-k", 24)
    found = document(run("search", picture, "--filter", 'label = "blue"', *options))
    assert {hit["label"] for hit in found["hits"]} == {"blue"}
    assert len(found["hits"]) == 4
    refused = run("search", picture, "--filter", "label = blue", *options)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: at character 9 of the filter: ")
