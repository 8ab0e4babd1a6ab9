"""The part of a picture that is searched with."""

from dataclasses import dataclass
from typing import Self

from smserve.client.picture import encode_picture
from smserve.errors import InvalidInput
from smserve.images import decode

__all__ = ["Box", "crop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of a picture; each edge as a share of the width or height, from the left or the top, in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        """Refuse a box that is empty or outside."""
        if not (0 <= self.left < self.right <= 1 and 0 <= self.top < self.bottom <= 1):  # NaN fails too
            raise InvalidInput(
                f"the part to search with has left, top, right, bottom = {self.left:g}, {self.top:g}, {self.right:g}, "
                f"{self.bottom:g}; wanted shares in [0, 1], left before right and top before bottom",
                field="crop",
            )

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """Read "left,top,right,bottom"; the whole picture, or an empty text, is None.

        Raises:
            InvalidInput: These are not four numbers, or no box.
        """
        if not text:
            return None
        try:
            left, top, right, bottom = (float(part) for part in text.split(","))
        except ValueError:
            raise InvalidInput(f"the part to search with is {text!r}; wanted four numbers", field="crop") from None
        return (
            None if (left, top, right, bottom) == (0, 0, 1, 1) else cls(left=left, top=top, right=right, bottom=bottom)
        )


def crop(picture: bytes, box: Box) -> bytes:
    """Return a part of an upright picture, encoded again without loss unless it is large.

    Raises:
        InvalidImage: The picture can't be read.
    """
    image = decode(picture)
    left, top = int(box.left * image.width), int(box.top * image.height)
    right, bottom = max(left + 1, round(box.right * image.width)), max(top + 1, round(box.bottom * image.height))
    return encode_picture(image.crop((left, top, right, bottom)), "picture")
