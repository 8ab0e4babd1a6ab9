"""Lives of a gallery that end by SIGKILL at a named point, each in a process of its own, and what must be left.

`python -m tests.gallery.crashes` reads lives from its input, a JSON line each, forks for every one (so that NumPy and
FAISS are loaded once) and says how each ended. Used by test_points.py and by benchmarks/durability.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smserve.errors import GalleryNotFound, GenerationMismatch
from smserve.gallery import LiveGallery, LocalGallery, NewItem, is_finished
from smserve.gallery.points import At
from smserve.types import FieldMask
from tests.gallery.brute_force import BruteForce, unit_vectors
from tests.gallery.make_golden import GOLDEN, MODEL
from tests.gallery.random_operations import check_hits

DIMENSION = 4


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a life does: to its gallery, and to the oracle."""

    name: str
    do: Callable[[LiveGallery, str], object]
    expect: Callable[[BruteForce], None] = lambda _: None


def _upsert(first: int, last: int, seed: int) -> Step:
    vectors = unit_vectors(last - first, DIMENSION, seed)
    items = [
        NewItem(item_id=f"item-{number}", vector=vector, label=f"seed-{seed}", thumbnail=b"\xff\xd8 a picture")
        for number, vector in zip(range(first, last), vectors, strict=True)
    ]
    return Step(
        f"upsert {seed}",
        lambda gallery, request_id: gallery.upsert(items, request_id=request_id),
        lambda oracle: oracle.upsert(items),
    )


def _delete(*numbers: int) -> Step:
    ids = [f"item-{number}" for number in numbers]
    return Step(
        f"delete {numbers}",
        lambda gallery, request_id: gallery.delete(ids, request_id=request_id),
        lambda oracle: oracle.delete(ids),
    )


_COMPACT = Step("compact", lambda gallery, _: gallery.compact())
_ROLL_BACK = Step("roll back", lambda gallery, _: gallery.roll_back())

STEPS: Sequence[Step] = (
    _upsert(0, 10, seed=1),
    _COMPACT,
    _upsert(5, 15, seed=2),
    _delete(1, 6, 14, 99),
    _COMPACT,
    _upsert(0, 3, seed=3),
    _ROLL_BACK,
    _delete(0, 9),
    _COMPACT,
    _upsert(20, 22, seed=4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A life to be lived.

    Attributes:
        path: The gallery's folder; what it holds is gone on with.
        point: Where it ends; empty for a life that ends by itself.
        visit: At which visit to that point, from 1.
    """

    path: Path
    point: str = ""
    visit: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a life ended.

    Attributes:
        killed: By SIGKILL, at its point.
        acknowledged: Steps that were acknowledged, of this life and of those before it in the same folder.
        visits: Of each point.
    """

    killed: bool
    acknowledged: int
    visits: Counter[str]


def live(lives: Sequence[Life]) -> list[End]:
    """Live lives, one after another, each in a process of its own; returns how they ended."""
    lines = "".join(json.dumps([str(life.path), life.point, life.visit]) + "\n" for life in lives)
    command = [sys.executable, "-m", "tests.gallery.crashes"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    statuses = [int(line) for line in done.stdout.split()]
    assert len(statuses) == len(lives)
    assert all(status in {0, -signal.SIGKILL} for status in statuses), done.stderr
    return [
        End(killed=status < 0, acknowledged=_acknowledged(life.path), visits=Counter(_log(life.path, "visits")))
        for life, status in zip(lives, statuses, strict=True)
    ]


def outcome(path: Path, acknowledged: int, already: Sequence[NewItem] = ()) -> str:
    """Return what is wrong with what a life left; empty where nothing is.

    All acknowledged steps must be there, and the next one whole or not at all; a search must find just that.

    Args:
        path: The gallery's folder.
        acknowledged: Steps.
        already: Items that were there before the first step.
    """
    try:
        gallery = LocalGallery.open(path)
    except (GalleryNotFound, GenerationMismatch) as error:
        return "" if acknowledged == 0 else f"{acknowledged} steps were acknowledged, but {error}"
    wrong = ""
    for count in (acknowledged, acknowledged + 1):
        oracle = BruteForce()
        oracle.upsert(already)
        for step in STEPS[:count]:
            step.expect(oracle)
        try:
            _compare(gallery, oracle)
        except AssertionError as error:
            wrong = wrong or str(error)
            continue
        gallery.close()
        return ""
    gallery.close()
    return wrong


def die_in_between(path: Path, point: str) -> str:
    """End a life at a point of recovering or upgrading, and let the next one go on; returns what is wrong then.

    Such a point comes once, when a writer opens what a killed one left, or a gallery of an older version.
    """
    already: list[NewItem] = []
    if point.startswith("upgrade."):
        shutil.copytree(GOLDEN / "v1", path)
        already = _items_of(path)
        before = 0
    else:
        (end,) = live([Life(path=path, point="write.committed", visit=3)])
        before = end.acknowledged
    (end,) = live([Life(path=path, point=point)])
    if not end.killed or end.acknowledged != before:
        return "it was not killed there"
    if wrong := outcome(path, before, already):
        return wrong
    (end,) = live([Life(path=path)])
    return outcome(path, len(STEPS), already) if end.acknowledged == len(STEPS) else "it could not go on"


def _items_of(path: Path) -> list[NewItem]:
    gallery = LocalGallery.open(path)
    items = gallery.page(100, "", FieldMask(vector=True, thumbnail=True)).items
    gallery.close()
    return [
        NewItem(item_id=item.item_id, vector=item.vector, label=item.label, thumbnail=item.thumbnail)
        for item in items
        if item.vector is not None
    ]


def _compare(gallery: LocalGallery, oracle: BruteForce) -> None:
    items = list(oracle.items.values())
    queries = unit_vectors(4, DIMENSION, seed=9)
    assert gallery.info().item_count == gallery.count().total == len(items)
    for query, hits in zip(queries, gallery.search(queries, 50, FieldMask(thumbnail=True)).hits, strict=True):
        check_hits(query, hits, items, 50)
        for hit in hits:
            assert hit.thumbnail == oracle.items[hit.item_id].thumbnail


def _run(path: Path, at: At) -> None:
    """Go on with a gallery from the first step that was not acknowledged."""
    if not is_finished(path):
        LiveGallery.create(path, model_fingerprint=MODEL, dimension=DIMENSION, at=at)
    with LiveGallery.open(path, compaction=None, at=at) as gallery:
        for number in range(_acknowledged(path), len(STEPS)):
            STEPS[number].do(gallery, f"step-{number}")
            _note(path, "acknowledged", STEPS[number].name)


def _note(path: Path, name: str, line: str) -> None:
    with path.with_name(f"{path.name}.{name}").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _log(path: Path, name: str) -> list[str]:
    file = path.with_name(f"{path.name}.{name}")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _acknowledged(path: Path) -> int:
    return len(_log(path, "acknowledged"))


def _killing(life: Life) -> At:
    """Return a hook that notes each point, and kills the process at one."""
    visits: Counter[str] = Counter()

    def at(point: str) -> None:
        visits[point] += 1
        _note(life.path, "visits", point)
        if point == life.point and visits[point] == life.visit:
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def _main() -> None:
    np.dot(np.ones((2, 2)), np.ones((2, 2)))  # everything is loaded before the first fork
    for line in sys.stdin:
        path, point, visit = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                _run(Path(path), _killing(Life(path=Path(path), point=point, visit=visit)))
            except BaseException:  # noqa: BLE001 - reported, and this process must not go on as its parent
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
