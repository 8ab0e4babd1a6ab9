"""An item's further columns, which most answers only pass on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["Payload"]


class Payload(Mapping[str, Any]):
    """A JSON object that is parsed when it is first looked into; equal to a dict of the same content.

    Attributes:
        text: The JSON.
    """

    __slots__ = ("_content", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._content: dict[str, Any] | None = None

    def _parsed(self) -> dict[str, Any]:
        if self._content is None:
            self._content = dict(json.loads(self.text))
        return self._content

    def __getitem__(self, key: str) -> Any:
        return self._parsed()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def __bool__(self) -> bool:
        return self.text != "{}"

    def __repr__(self) -> str:
        return repr(self._parsed())
