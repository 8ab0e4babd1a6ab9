"""A reader follows a writer in another process when it is told to."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from smserve.errors import GalleryDamaged
from smserve.gallery import LiveGallery, LocalGallery
from smserve.gallery.following import caught_up
from tests.gallery.conftest import DIMENSION, Published, numbered
from tests.gallery.test_live import check


def test_it_sees_what_another_process_wrote(published: Published) -> None:
    script = """
import sys
from pathlib import Path
from smserve.gallery import LiveGallery
from tests.gallery.conftest import numbered
with LiveGallery.open(Path(sys.argv[1])) as gallery:
    for line in sys.stdin:
        if line == "write\\n":
            gallery.upsert(numbered(range(30, 50), seed=5))
            gallery.delete(["item-0"])
        elif line == "compact\\n":
            gallery.compact()
        else:
            gallery.roll_back()
        print("done", flush=True)
"""
    command = [sys.executable, "-c", script, str(published.path)]
    reader = published.check()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def tell(what: str) -> None:
            print(what, file=process.stdin, flush=True)
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"

        assert not reader.reload()
        tell("write")
        published.oracle.upsert(numbered(range(30, 50), seed=5))
        published.oracle.delete(["item-0"])
        assert reader.reload()
        check(reader, published.oracle)
        assert not reader.reload()
        for what, number, kept in (("compact", 3, (2, 3)), ("compact", 4, (3, 4)), ("roll back", 3, (3, 4))):
            tell(what)
            check(reader, published.oracle)  # what it has open goes on, also where its folder is gone
            assert reader.reload()
            assert reader.info().generation == number
            listed = [(each.number, each.current, each.previous) for each in reader.generations()]
            assert listed == [(each, each == number, each != number) for each in sorted(kept, reverse=True)]
            check(reader, published.oracle)
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    assert not reader.reload()
    check(reader, published.oracle)
    reader.close()


def test_a_damaged_note_is_noticed(published: Published) -> None:
    reader = published.check()
    with LiveGallery.open(published.path) as gallery:
        gallery.delete(["item-5"])
        with gallery._writer._records.database.transaction() as execute:
            execute("UPDATE removed SET key = 7")
        with pytest.raises(GalleryDamaged, match="row 7 was removed fails its checksum"):
            reader.reload()
        assert reader.info().item_count == 40  # it goes on with what it had
    with pytest.raises(GalleryDamaged, match="fails its checksum"):
        LocalGallery.open(published.path)
    reader.close()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM removed", "UPDATE meta SET value = '9' WHERE name = 'removed_after'"]
)
def test_without_notes_it_is_refused_or_every_key_is_looked_at(published: Published, statement: str) -> None:
    with LiveGallery.open(published.path) as gallery:
        gallery.delete(["item-5"])
        published.oracle.delete(["item-5"])
        with gallery._writer._records.database.transaction() as execute:
            execute(statement)
    if statement.startswith("DELETE"):
        with pytest.raises(GalleryDamaged, match="39 items, 40 of them can be found"):
            LocalGallery.open(published.path)
    else:
        check(published.check(), published.oracle)


def test_a_view_that_is_up_to_date_stays_itself(published: Published) -> None:
    with LiveGallery.open(published.path) as gallery:
        view = gallery._views.current
        assert caught_up(view, gallery._records, DIMENSION) is view


def test_a_reader_that_opens_while_generations_change_falls_back_on_nothing(
    published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    with LiveGallery.open(published.path) as gallery, caplog.at_level(logging.WARNING):
        for _ in range(5):
            gallery.compact()
            check(published.check(), published.oracle)
    assert not caplog.records


def test_a_lost_current_is_no_reason_to_reload(published: Published, tmp_path: Path) -> None:
    reader = published.check()
    (published.path / "CURRENT").write_bytes(b"{}")
    assert not reader.reload()
    check(reader, published.oracle)
    reader.close()
