"""Damage a copy of a gallery, verify it, ask it everything and write to it, each time in a process of its own."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smserve.gallery.repair import repair_gallery
from smserve.gallery.verify import verify_gallery
from tests.gallery.damages import Damage, damaged_copy, examine, expected, write_more

__all__ = ["Trial", "trials"]

_LONGEST_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one damage.

    Attributes:
        damage: It.
        found: What `smserve index verify` says.
        said: What the gallery said while it was asked and written to.
        wrong: Answers that were wrong without a word.
        crashed: Why the process ended without an answer, or the error that was none of ours; empty for neither.
        changed: Whether `smserve index verify` itself changed a file.
        repaired: Whether `smserve index repair` gave all of it back; None where there was nothing to repair, or nobody
            asked.
    """

    damage: Damage
    found: Sequence[str] = ()
    said: Sequence[str] = ()
    wrong: Sequence[str] = ()
    crashed: str = ""
    changed: bool = False
    repaired: bool | None = None


def trials(sources: Path, place: Path, damages: Sequence[Damage], *, repair: bool) -> Iterator[Trial]:
    """Yield what came of each damage; with `repair` what is found is repaired, too, in another copy."""
    for number, damage in enumerate(damages):
        path = place / str(number)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _answer(writing, sources, path, damage, repair=repair)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            answer = file.read()
        _, status = os.waitpid(child, 0)
        for copy in (path, _second(path)):
            shutil.rmtree(copy, ignore_errors=True)
        if os.waitstatus_to_exitcode(status) or not answer:
            yield Trial(damage=damage, crashed=f"exit status {os.waitstatus_to_exitcode(status)}")
        else:
            yield Trial(damage=damage, **json.loads(answer))


def _answer(writing: int, sources: Path, path: Path, damage: Damage, *, repair: bool) -> None:
    """Do a trial, write what came of it, and end this process."""
    signal.alarm(_LONGEST_S)
    try:
        answer = _try(sources, path, damage, repair=repair)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        answer = {"crashed": f"{type(error).__name__}: {error}"}
    try:
        os.write(writing, json.dumps(answer).encode())
        sys.stdout.flush()
    finally:
        os._exit(0)


def _try(sources: Path, path: Path, damage: Damage, *, repair: bool) -> dict[str, Any]:
    damaged_copy(sources, path, damage)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file() and not file.name.endswith("-shm")}
    found = [f"{each.place}: {each.problem}" for each in verify_gallery(path).findings]
    changed = any(not file.exists() or file.read_bytes() != data for file, data in before.items())
    read, written = examine(path, expected()), write_more(path, expected())
    said, wrong, repaired = read.said + written.said, read.wrong + written.wrong, None
    if found and repair:
        repaired, more = _repair(damaged_copy(sources, _second(path), damage))
        wrong += more
    return {"found": found, "said": said, "wrong": wrong, "changed": changed, "repaired": repaired}


def _repair(path: Path) -> tuple[bool, list[str]]:
    """Return whether a repair that gives nothing up gives all back, and what is wrong after it."""
    report = repair_gallery(path)
    if not report.after.is_sound:
        return False, []
    read, written = examine(path, expected()), write_more(path, expected())
    return not (read.said or written.said), read.wrong + written.wrong


def _second(path: Path) -> Path:
    return path.with_name(f"{path.name}-repaired")
