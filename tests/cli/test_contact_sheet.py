"""The contact sheet, by its pixels."""

import pytest
from PIL import Image

from smserve.cli.contact_sheet import _RIGHT, _WRONG, SheetHit, SheetRow, draw_contact_sheet, shorten

GREY = Image.new("RGB", (30, 60), (120, 120, 120))


def row(*labels: str, label: str = "kiwi") -> SheetRow:
    hits = [SheetHit(picture=GREY, label=name, score=0.5) for name in labels]
    return SheetRow(picture=GREY, caption="query.png", label=label, hits=hits)


def colors(image: Image.Image) -> set[tuple[int, int, int]]:
    found = image.getcolors(1 << 20)
    assert found is not None
    return {color for _, color in found if isinstance(color, tuple)}  # type: ignore[misc]  # RGB: three numbers


@pytest.mark.parametrize(
    ("labels", "label", "right", "wrong"),
    [
        (["kiwi"], "kiwi", True, False),
        (["plum"], "kiwi", False, True),
        (["kiwi", "plum"], "kiwi", True, True),
        (["kiwi", "plum"], "", False, False),
    ],
)
def test_marks_say_right_and_wrong(labels: list[str], label: str, right: bool, wrong: bool) -> None:
    found = colors(draw_contact_sheet([row(*labels, label=label)], title="t"))
    assert (_RIGHT in found, _WRONG in found) == (right, wrong)


def test_a_check_differs_from_a_cross_without_its_colour() -> None:
    right = draw_contact_sheet([row("kiwi")], title="t").convert("L").point(lambda value: 255 * (value > 200))
    wrong = draw_contact_sheet([row("plum")], title="t").convert("L").point(lambda value: 255 * (value > 200))
    assert right.size == wrong.size
    assert right.tobytes() != wrong.tobytes()


def test_hits_go_on_below_and_rows_do_not_overlap() -> None:
    one = draw_contact_sheet([row(*["kiwi"] * 4)], title="t", columns=4)
    two = draw_contact_sheet([row(*["kiwi"] * 5)], title="t", columns=4)
    both = draw_contact_sheet([row(*["kiwi"] * 4)] * 2, title="t", columns=4)
    assert one.width == two.width == both.width
    assert two.height == both.height > one.height


def test_nothing_found_and_no_pictures_can_be_drawn() -> None:
    assert draw_contact_sheet([row()], title="t").height > 100
    empty = SheetRow(picture=None, caption="", hits=[SheetHit(picture=None, label="", score=0)])
    assert draw_contact_sheet([empty], title="").height > 100
    assert draw_contact_sheet([], title="nothing").height > 50


def test_shorten() -> None:
    assert shorten("kiwi", 15, 200) == "kiwi"
    short = shorten("a fruit of a very long name indeed", 15, 100)
    assert short.startswith("a fruit")
    assert short.endswith("...")
    assert shorten("two\nlines", 15, 200) == "two lines"
    assert shorten("kiwi", 15, 1) == "..."
