"""The page as text: what is in it, that it needs nothing else, and that no name can become markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from smserve.errors import InvalidInput
from tests.training.report.drawn import NO_TEST, clusters, drawn_report
from training.report import render_page, view_test


class Page(HTMLParser):
    """Collects what a page would fetch, its text, and its ids and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in {"script", "style"}
        for name, value in attributes:
            if name in {"src", "srcset", "data", "poster", "action", "background"} or (tag, name) == ("link", "href"):
                self.sources.append(str(value))
            elif (tag, name) == ("a", "href"):
                self.links.append(str(value))
            elif name == "id":
                self.ids.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += " ".join(data.split()) + " " if data.strip() else ""


@pytest.fixture(scope="module")
def one() -> str:
    return render_page([drawn_report()])


@pytest.fixture(scope="module")
def several() -> str:
    second = drawn_report(name="second", figures={"recall_at_1": 0.75, "pictures": 30, "classes": 6})
    return render_page([drawn_report(), second])


@pytest.mark.parametrize("which", ["one", "several"])
def test_nothing_is_fetched_and_every_link_arrives(which: str, request: pytest.FixtureRequest) -> None:
    html = request.getfixturevalue(which)
    page = Page(html)
    assert page.sources
    assert all(source.startswith("data:image/webp;base64,") for source in page.sources)
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert page.links
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    styles = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert styles
    assert "url(" not in styles
    assert "@import" not in styles
    assert """content="default-src 'none'; img-src data:;""" in html


def test_the_page_is_small(one: str) -> None:
    assert len(one) < 2_000_000


def test_one_run_is_told_from_data_to_command(one: str) -> None:
    text = Page(one).text
    for said in (
        *("tiny trained on drawn by recipe tiny, seed 0", "50.0 % Recall@1 on unseen classes", "3 min training"),
        *("train 80 10", "validation 16 2", "test 30 6", "2 pictures were left out"),
        *("Recall@2 75.00 %", "MAP@R 25.00 %", "Hits, drawn at random", "Misses, the surest first", "Hardest classes"),
        *("30 of 30 pictures", "1,234,567 parameters", "P(same class) = 1 / (1 + exp(-(", "Commit 0123abc"),
        *("Hardware a laptop, 2 cores", "python -m training train --dataset drawn --name first-again"),
    ):
        assert said in text, said
    assert one.count("data-plot=") == 8  # recall, validation, loss, active, difficulty, map, and two of probabilities
    for name in ("K = 1", "K = 4", "pair loss", "global loss", "of mined triplets", "target", "\\u03ba"):
        assert f'"{name}' in one.replace("\\\\", "\\"), name


def test_several_runs_are_laid_side_by_side(several: str) -> None:
    text = Page(several).text
    assert "2 training runs side by side" in text
    assert "Recall@1 50.00 % 75.00 %" in text
    assert "Settings in which they differ none" in text
    assert several.count("data-plot=") == 5 + 2 * 3


def test_runs_on_other_data_are_said_not_to_compare() -> None:
    text = Page(render_page([drawn_report(), drawn_report(name="second", dataset="other")])).text
    assert "on different data: their figures can’t be compared" in text


def test_what_there_is_not_is_said() -> None:
    epochs = [{"epoch": 1, "loss": 1.0, "active_share": 0.5, "embedded_pictures": 10, "validation_recall_at_1": None}]
    bare = drawn_report(test=NO_TEST, calibration=None, test_reliability=None, epochs=epochs, origin={}, notes=())
    text = Page(render_page([bare])).text
    for said in (
        *("There are no validation classes", "Nothing was mined", "no picture’s nearest is of its class"),
        *("There are too few test pictures for a map", "None: there are no validation classes, or too few pairs"),
    ):
        assert said in text, said


HOSTILE = "</script><img src=x onerror=alert(1)><b>&amp;"


def hostile_view() -> Any:
    test = clusters()
    names = tuple(f"{HOSTILE}{number}" for number in range(len(test.pictures.class_names)))
    ids = tuple(f"{HOSTILE}{number}" for number in range(len(test.pictures)))
    return view_test(replace(test, pictures=replace(test.pictures, class_names=names, ids=ids)))


def test_names_never_become_markup(one: str) -> None:
    hostile = drawn_report(
        name=HOSTILE,
        dataset=HOSTILE,
        command=HOSTILE,
        notes=(HOSTILE,),
        origin={"Commit": HOSTILE},
        test=hostile_view(),
    )
    page = Page(render_page([hostile]))
    assert page.tags.count("b") == Page(one).tags.count("b")
    assert page.tags.count("script") == Page(one).tags.count("script")
    assert "x" not in page.sources
    assert HOSTILE in page.text


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "0 runs for one report; wanted 1 to 8"),
        (tuple("abcdefghi"), "9 runs for one report; wanted 1 to 8"),
        (("a", "b", "a"), "two runs are named 'a'"),
    ],
)
def test_what_cant_stand_on_one_page_is_refused(names: tuple[str, ...], says: str) -> None:
    bare = drawn_report(test=NO_TEST)
    with pytest.raises(InvalidInput, match=says):
        render_page([replace(bare, name=name) for name in names])
