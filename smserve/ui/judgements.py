"""Which hits a person called right or wrong, and the files that they become."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PIL import Image
from starlette.datastructures import FormData

from smserve.errors import InvalidInput
from smserve.ui.question import Question

__all__ = ["Judgement", "Judgements", "Verdict", "read_judgement"]

_MAX_BYTES: Final = 256 * 1024 * 1024  # of pictures that are kept for the export


class Verdict(StrEnum):
    """Whether a hit shows what the query shows."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict on one hit.

    Attributes:
        key: Of the query; see `Question.key`.
        name: Of the query, for people: its file's name, or its item id.
        item_query: The query is an item of the gallery, so that it must not count as its own neighbour.
        gallery: That was searched.
        model_fingerprint: That answered.
        item_id: The hit.
        label: Of the hit; empty for none.
        score: Cosine.
        verdict: On the hit; None takes an earlier one back.
    """

    key: str
    name: str
    item_query: bool
    gallery: str
    model_fingerprint: str
    item_id: str
    label: str
    score: float
    verdict: Verdict | None


def read_judgement(form: FormData, question: Question) -> Judgement:
    """Read what the page sends beside a question.

    Raises:
        InvalidInput: A field is missing, or has a wrong value.
    """
    said = {name: str(value) for name, value in form.items()}
    try:
        return Judgement(
            key=question.key,
            name=question.name,
            item_query=question.picture is None,
            gallery=question.side.gallery,
            model_fingerprint=said["model_fingerprint"],
            item_id=said["hit"],
            label=said["label"],
            score=float(said["score"]),
            verdict=Verdict(said["verdict"]) if said["verdict"] else None,
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"this is no judgement: {type(error).__name__}: {error}", field="verdict") from None


class Judgements:
    """All verdicts since the page was started; safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._made: Final[dict[tuple[str, str, str], Judgement]] = {}
        self._pictures: Final[dict[str, bytes]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def verdict(self, key: str, gallery: str, item_id: str) -> Verdict | None:
        """Return what was said of a hit before."""
        made = self._made.get((key, gallery, item_id))
        return None if made is None else made.verdict

    def add(self, judgement: Judgement, picture: bytes) -> None:
        """Keep a verdict, in place of an earlier one on the same hit.

        Args:
            judgement: The verdict.
            picture: The query, encoded, for the export.

        Raises:
            InvalidInput: The pictures take too much memory.
        """
        with self._lock:
            if judgement.key not in self._pictures:
                kept = sum(len(each) for each in self._pictures.values())
                if kept + len(picture) > _MAX_BYTES:
                    raise InvalidInput(
                        f"the judged pictures take {kept:,} bytes, and {_MAX_BYTES:,} are kept at most; export the "
                        f"judgements, and start the page again"
                    )
                self._pictures[judgement.key] = picture
            self._made[judgement.key, judgement.gallery, judgement.item_id] = judgement

    def remove(self, judgement: Judgement) -> None:
        """Forget the verdict on this hit; one that is not there is no error."""
        with self._lock:
            self._made.pop((judgement.key, judgement.gallery, judgement.item_id), None)
            if all(each.key != judgement.key for each in self._made.values()):
                self._pictures.pop(judgement.key, None)

    def export(self) -> bytes:
        """Return a ZIP: `queries.csv` for `smserve index evaluate`, its pictures, and all verdicts in `judgements.csv`.

        A query's label is the one that most of its right hits have; a query without such a hit is in
        `judgements.csv` alone.
        """
        with self._lock:
            made, pictures = list(self._made.values()), dict(self._pictures)
        paths = {key: f"pictures/{number:04}{_suffix(data)}" for number, (key, data) in enumerate(pictures.items(), 1)}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("queries.csv", _queries(made, paths))
            archive.writestr("judgements.csv", _verdicts(made, paths))
            for key, data in pictures.items():
                archive.writestr(paths[key], data)
        return packed.getvalue()


def _queries(made: list[Judgement], paths: dict[str, str]) -> str:
    rows = []
    for key, path in paths.items():
        of_query = [each for each in made if each.key == key]
        labels = Counter(each.label for each in of_query if each.verdict is Verdict.RIGHT and each.label)
        if labels:
            item_id = of_query[0].name if of_query[0].item_query else path
            rows.append([path, labels.most_common(1)[0][0], item_id])
    return _table(["path", "label", "id"], rows)


def _verdicts(made: list[Judgement], paths: dict[str, str]) -> str:
    columns = ["path", "query", "gallery", "model_fingerprint", "hit", "hit_label", "score", "verdict"]
    rows = [
        [
            paths[each.key],
            each.name,
            each.gallery,
            each.model_fingerprint,
            each.item_id,
            each.label,
            f"{each.score:.6f}",
            str(each.verdict),
        ]
        for each in made
    ]
    return _table(columns, rows)


def _table(columns: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _suffix(picture: bytes) -> str:
    with Image.open(io.BytesIO(picture)) as image:
        return {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[image.format or ""]
