"""The page in a real browser without a network."""

from pathlib import Path

import pytest

from tests.training.report.browser import BROWSER, look_at
from tests.training.report.drawn import drawn_report
from tests.training.report.test_page import HOSTILE, hostile_view
from training.report import render_page

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium here, as `apt-get install chromium` brings it: the report was not looked at"
)


def test_everything_is_drawn_and_the_map_shows_its_pictures(tmp_path: Path) -> None:
    found = look_at(render_page([drawn_report()]), tmp_path)
    assert found["wrong"] == []
    assert found["fetched"] == []
    assert (found["plots"], found["drawn"]) == (8, 8)
    assert found["images"] > 100
    assert (found["broken_images"], found["broken_links"], found["wide"]) == (0, 0, [])
    assert found["pointed"]["picture"], "beside the pointer stands the picture that it points at"
    assert found["pointed"]["text"].startswith(found["pointed"]["wanted"])


def test_a_run_fits_a_telephone(tmp_path: Path) -> None:
    found = look_at(render_page([drawn_report()]), tmp_path, width=390)
    assert (found["wrong"], found["fetched"]) == ([], [])
    assert (found["plots"], found["drawn"]) == (8, 8)
    assert (found["wide"], found["broken_words"]) == ([], [])


def test_several_runs_fit_a_telephone_and_names_stay_names(tmp_path: Path) -> None:
    runs = [drawn_report(), drawn_report(name=HOSTILE, dataset=HOSTILE, test=hostile_view())]
    found = look_at(render_page(runs), tmp_path, width=390)
    assert (found["wrong"], found["fetched"]) == ([], [])
    assert (found["plots"], found["drawn"]) == (11, 11)
    assert (found["broken_images"], found["broken_links"], found["wide"], found["broken_words"]) == (0, 0, [], [])
