"""Two who begin to stage at the same moment: one does, the other is told who."""

import shutil
import threading
from pathlib import Path

from smserve.errors import GalleryLocked, SmserveError
from smserve.gallery.active import active_folder
from tests.gallery.conftest import Published
from tests.gallery.staging.other_model import open_stage

ROUNDS = 20


def test_one_begins_and_the_others_are_refused(published: Published, tmp_path: Path) -> None:
    for number in range(ROUNDS):
        gallery = tmp_path / f"copy-{number}"
        shutil.copytree(published.path, gallery)
        together, refusals = threading.Barrier(4), list[SmserveError]()

        def begin(gallery: Path = gallery, together: threading.Barrier = together) -> None:
            together.wait(10)
            try:
                with open_stage(gallery):
                    together.wait(10)
            except SmserveError as error:
                refusals.append(error)  # noqa: B023 - read before the next round
                together.wait(10)

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert [type(each) for each in refusals] == [GalleryLocked] * 3, refusals
        assert active_folder(gallery) == gallery
