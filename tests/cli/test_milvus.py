"""A gallery in Milvus by the commands: built, added to, served, searched, written to, and what it is not for."""

from pathlib import Path

import pytest

from smserve.client import Client
from smserve.errors import GalleryFixed
from smserve.gallery.milvus import MilvusAddress
from smserve.server import open_engine
from tests.cli.conftest import Run, document
from tests.support.pictures import draw, encode
from tests.support.running import running_server


@pytest.fixture
def built(run: Run, tiny_model: Path, pictures: Path, tmp_path: Path) -> str:
    place = f"milvus+lite://{tmp_path}/m.db#drawn"
    result = run("index", "build", "--model", tiny_model, "--images", pictures, "--gallery", place)
    assert result.exit_code == 0, result.output
    assert f"gallery {place}: 24 items, generation 1, in " in result.stderr
    return place


def test_a_finished_gallery_is_not_overwritten(run: Run, built: str, tiny_model: Path, pictures: Path) -> None:
    again = run("index", "build", "--model", tiny_model, "--images", pictures, "--gallery", built)
    assert again.exit_code == 1
    assert "holds a finished gallery" in again.stderr


def test_pictures_are_added_and_removed(run: Run, built: str, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "new.png").write_bytes(encode(draw("red")))
    (folder / "bad.png").write_bytes(b"no picture")
    added = run("index", "add", "--model", tiny_model, "--images", folder, "--gallery", built)
    assert added.exit_code == 3
    assert "1 added, 0 unchanged, 25 items in all" in added.stderr
    assert document(run("index", "remove", "new.png", "nothing", "--gallery", built, "--json")) == {"removed": 1}
    removed = run("index", "remove", "--filter", "exists(nothing)", "--gallery", built, "--json")
    assert document(removed) == {"removed": 0}


def test_a_server_finds_there_what_it_finds_in_a_folder(
    run: Run, built: str, tiny_model: Path, pictures: Path, drawn_gallery: Path
) -> None:
    places: list[tuple[str, Path | MilvusAddress]] = [("drawn", MilvusAddress.parse(built)), ("folder", drawn_gallery)]
    with (
        running_server(open_engine(tiny_model, places, writable=True)) as server,
        Client(server.address) as client,
    ):
        picture = (pictures / "red" / "0.png").read_bytes()
        found = [client.search(picture, gallery=name, top_k=10).hits for name in ("drawn", "folder")]
        assert [hit.score for hit in found[0]] == pytest.approx([hit.score for hit in found[1]], abs=1e-6)
        assert found[0][0].item_id == "red/0.png"
        assert client.count(gallery="drawn").total == 24
        with pytest.raises(GalleryFixed, match="keeps no generations"):
            client.compact(gallery="drawn")
        with pytest.raises(GalleryFixed, match="lies in no folder"):
            client.verify(gallery="drawn")
        assert client.delete(["red/0.png"], gallery="drawn").item_count == 1
        assert client.search(picture, gallery="drawn").hits[0].item_id != "red/0.png"
        shown = run("info", "--server", server.address)
        assert "Milvus FLAT" in shown.stdout


def test_what_is_not_for_milvus_says_so(run: Run, built: str, tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    for command in (
        ("index", "verify", "--gallery", built),
        ("index", "repair", "--gallery", built),
        ("index", "tune", "--gallery", built),
        ("gallery", "snapshot", built, tmp_path / "s.tar"),
        ("gallery", "export", built, tmp_path / "s.parquet"),
        ("gallery", "duplicates", built),
        ("gallery", "models", built),
    ):
        result = run(*command)
        assert result.exit_code == 2, command
        assert "works on a gallery in a folder, not on milvus+lite://" in " ".join(result.stderr.split()), command
    for words in (("generations",), ("compact",), ("rollback",)):
        result = run("index", *words, "--gallery", built)
        assert (result.exit_code, "keeps no generations" in result.stderr) == (2, True)
    other = f"milvus+lite://{tmp_path}/m.db#other"
    result = run("index", "build", "--model", tiny_model, "--images", pictures, "--gallery", other, "--recall", "0.9")
    assert (result.exit_code, "Milvus searches exactly" in result.stderr) == (2, True)


def test_an_address_that_is_none(run: Run, tiny_model: Path) -> None:
    for command in (("serve",), ("index", "add", "--images", ".")):
        result = run(*command, "--model", tiny_model, "--gallery", "milvus://root:secret@db/x")
        assert (result.exit_code, "wanted milvus://HOST" in " ".join(result.stderr.split())) == (2, True)
        assert "secret" not in result.stderr


def test_a_gallery_is_copied(run: Run, built: str, tmp_path: Path) -> None:
    report = document(run("gallery", "copy", built, tmp_path / "folder", "--json"))
    assert (report["item_count"], report["copied"], report["compared"], report["recall"]) == (24, 24, 24, 1.0)
    again = run("gallery", "copy", tmp_path / "folder", f"milvus+lite://{tmp_path}/m.db#again")
    assert again.exit_code == 0, again.output
    assert "24 items, 24 copied now" in again.stderr
    assert "24 compared, all the same, recall@10 1.000" in again.stderr
    assert run("gallery", "copy", tmp_path / "folder", built).exit_code == 1


def test_a_gallery_is_copied_to_a_file_and_from_it(
    run: Run, built: str, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "items.parquet"
    report = document(run("gallery", "copy", built, file, "--json"))
    assert (report["item_count"], report["copied"], report["generation"], report["recall"]) == (24, 24, 0, 1.0)
    assert run("gallery", "copy", file, tmp_path / "new", "--model", other_model).exit_code == 1
    back = run("gallery", "copy", file, tmp_path / "new", "--model", tiny_model)
    assert f"{tmp_path / 'new'}: 24 items, 24 copied now" in back.stderr
    again = run("gallery", "copy", built, file)
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    folder = run("gallery", "copy", built, tmp_path)
    assert (folder.exit_code, "holds other things" in folder.stderr) == (1, True)
    (tmp_path / "folder.parquet").mkdir()
    assert run("gallery", "copy", built, tmp_path / "folder.parquet").exit_code == 2
