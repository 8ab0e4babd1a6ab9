"""A contact sheet: each query beside its nearest items, right and wrong ones marked.

sheet = draw_contact_sheet([SheetRow(picture=query, caption="kiwi", label="kiwi", hits=hits)], title="Held-out fruit")
sheet.save("sheet.png")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

__all__ = ["SheetHit", "SheetRow", "draw_contact_sheet", "shorten"]

Color = tuple[int, int, int]

_PAPER: Final[Color] = (255, 255, 255)
_TILE_GROUND: Final[Color] = (244, 245, 247)
_INK: Final[Color] = (28, 32, 38)
_QUIET: Final[Color] = (110, 117, 127)
_LINE: Final[Color] = (214, 218, 224)
_RIGHT: Final[Color] = (22, 132, 70)
_WRONG: Final[Color] = (198, 48, 48)

_MARGIN: Final = 36
_GAP: Final = 18
_QUERY_GAP: Final = 52  # between the query and its hits, with a line in the middle
_CAPTION: Final = 48  # height of the two lines of text below a tile
_OUTLINE: Final = 4
_BADGE: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetHit:
    """A neighbour to draw.

    Attributes:
        picture: Its thumbnail; None draws an empty tile.
        label: Its class, written below.
        score: Cosine, written below the label.
    """

    picture: Image.Image | None
    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetRow:
    """A query and its hits.

    Attributes:
        picture: The query; None draws an empty tile.
        caption: Written below it, for example its file name.
        label: Its class; hits with the same label are marked right, others wrong. Empty where it is not known:
            nothing is marked.
        hits: In order of falling score.
    """

    picture: Image.Image | None
    caption: str
    hits: Sequence[SheetHit]
    label: str = ""


def draw_contact_sheet(
    rows: Sequence[SheetRow], *, title: str, subtitle: str = "", tile: int = 148, columns: int = 8
) -> Image.Image:
    """Return the sheet as an RGB picture.

    Args:
        rows: From top to bottom.
        title: The line at the top.
        subtitle: A smaller line below it.
        tile: Side of a picture in pixels.
        columns: Hits in a line; further ones go on below.
    """
    columns = min(columns, max((len(row.hits) for row in rows), default=1)) or 1
    lines = [max(1, -(-len(row.hits) // columns)) for row in rows]
    row_height = tile + _CAPTION + _GAP
    hits_left = _MARGIN + tile + _QUERY_GAP
    width = hits_left + columns * (tile + _GAP) - _GAP + _MARGIN
    top = _MARGIN + 34 + (26 if subtitle else 0) + 40
    sheet = Image.new("RGB", (width, top + sum(lines) * row_height + _MARGIN - _GAP), _PAPER)
    pencil = ImageDraw.Draw(sheet)
    room = width - 2 * _MARGIN
    pencil.text((_MARGIN, _MARGIN), shorten(title, 26, room), font=_font(26), fill=_INK)
    if subtitle:
        pencil.text((_MARGIN, _MARGIN + 36), shorten(subtitle, 16, room), font=_font(16), fill=_QUIET)
    pencil.text((_MARGIN, top - 26), "Query", font=_font(14), fill=_QUIET)
    heading = shorten("Nearest items, by cosine", 14, width - _MARGIN - hits_left)
    pencil.text((hits_left, top - 26), heading, font=_font(14), fill=_QUIET)
    for row, count in zip(rows, lines, strict=True):
        _draw_tile(sheet, row.picture, (_MARGIN, top), tile)
        second = row.label if row.label != row.caption else ""
        _draw_caption(pencil, (row.caption, second), (_MARGIN, top + tile), tile)
        x = hits_left - _QUERY_GAP // 2
        pencil.line((x, top, x, top + count * row_height - _GAP), fill=_LINE, width=2)
        for position, hit in enumerate(row.hits):
            corner = (
                hits_left + position % columns * (tile + _GAP),
                top + position // columns * row_height,
            )
            _draw_tile(sheet, hit.picture, corner, tile)
            if row.label:
                _draw_mark(sheet, corner, tile, right=hit.label == row.label)
            _draw_caption(pencil, (hit.label, f"{hit.score:.3f}"), (corner[0], corner[1] + tile), tile)
        top += count * row_height
    return sheet


def shorten(text: str, size: int, width: int) -> str:
    """Return `text` with its end cut to an ellipsis so that it is at most `width` pixels wide at font size `size`."""
    text = " ".join(text.split())
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    keep = len(text)
    while keep and font.getlength(text[:keep].rstrip() + "...") > width:
        keep -= 1
    return text[:keep].rstrip() + "..."


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw_tile(sheet: Image.Image, picture: Image.Image | None, corner: tuple[int, int], tile: int) -> None:
    """Draw the picture, whole, in the middle of a square ground."""
    left, top = corner
    pencil = ImageDraw.Draw(sheet)
    pencil.rectangle((left, top, left + tile - 1, top + tile - 1), fill=_TILE_GROUND)
    if picture is None:
        pencil.text((left + tile // 2, top + tile // 2), "no picture", font=_font(14), fill=_QUIET, anchor="mm")
        return
    room = tile - 2 * _OUTLINE
    scale = min(room / picture.width, room / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    fitted = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    sheet.paste(fitted, (left + (tile - size[0]) // 2, top + (tile - size[1]) // 2))


def _draw_caption(pencil: ImageDraw.ImageDraw, lines: tuple[str, str], corner: tuple[int, int], width: int) -> None:
    """Write a dark line and a quiet one, centred below a tile."""
    middle = corner[0] + width // 2
    for text, size, color, down in ((lines[0], 15, _INK, 7), (lines[1], 14, _QUIET, 27)):
        pencil.text((middle, corner[1] + down), shorten(text, size, width), font=_font(size), fill=color, anchor="ma")


def _draw_mark(sheet: Image.Image, corner: tuple[int, int], tile: int, *, right: bool) -> None:
    """Draw outline and badge; the badge's sign says the same as the colour, for who can't tell the two apart."""
    left, top = corner
    color = _RIGHT if right else _WRONG
    box = (left, top, left + tile - 1, top + tile - 1)
    ImageDraw.Draw(sheet).rectangle(box, outline=color, width=_OUTLINE)
    badge = _badge(color, right=right)
    sheet.paste(badge, (left + tile - _BADGE - 7, top + 7), badge)


@cache
def _badge(color: Color, *, right: bool) -> Image.Image:
    """Return a disc with a check or a cross; drawn large and made small, for smooth edges."""
    side = _BADGE * 4
    badge = Image.new("RGBA", (side, side), (*_PAPER, 0))
    pencil = ImageDraw.Draw(badge)
    pencil.ellipse((0, 0, side - 1, side - 1), fill=(*_PAPER, 255))
    pencil.ellipse((7, 7, side - 8, side - 8), fill=(*color, 255))
    strokes = (
        [[(0.28, 0.53), (0.44, 0.69), (0.73, 0.34)]]
        if right
        else [
            [(0.33, 0.33), (0.67, 0.67)],
            [(0.33, 0.67), (0.67, 0.33)],
        ]
    )
    for stroke in strokes:
        points = [(x * side, y * side) for x, y in stroke]
        pencil.line(points, fill=(*_PAPER, 255), width=12, joint="curve")
        for x, y in points:
            pencil.ellipse((x - 6, y - 6, x + 6, y + 6), fill=(*_PAPER, 255))
    return badge.resize((_BADGE, _BADGE), Image.Resampling.LANCZOS)
