"""Verify a gallery: the model in use, and beside it the staged one and the one before."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from smserve.errors import GalleryDamaged, GalleryNotFound
from smserve.gallery.active import FILE_NAME as ACTIVE
from smserve.gallery.active import Active, active_folder, read_active
from smserve.gallery.findings import Effect, Finding, OtherModel, Verification, damages
from smserve.gallery.records import FILE_NAME as DATABASE
from smserve.gallery.staging.document import FILE_NAME as STAGED
from smserve.gallery.staging.document import Staged, not_in_use, read_staged
from smserve.gallery.verify_model import verify_model

__all__ = ["verify_gallery"]


def verify_gallery(path: Path) -> Verification:
    """Verify every byte that matters; what is wrong with another model than the one in use is a finding of its own.

    Raises:
        GalleryNotFound: There is no gallery.
        SmserveError: It can't be read, for want of permission for example.
    """
    try:
        folder = active_folder(path)
    except GalleryDamaged as error:
        finding = Finding(place=ACTIVE, problem=error.message, effect=Effect.REFUSED)
        return Verification(gallery=path, item_count=0, sequence=0, generations=(), findings=(finding,))
    found = verify_model(folder)
    findings, others = list(found.findings), list[OtherModel]()
    try:
        staged = read_staged(path)
    except GalleryDamaged as error:
        staged = None
        findings.append(Finding(place=STAGED, problem=error.message, effect=Effect.OTHER_MODEL))
    for state, name in _others(staged, read_active(path)):
        if state == "staged" and not (path / name / DATABASE).exists() and not (staged and staged.is_level):
            continue  # not one item is embedded yet
        item_count, more = _verify_other(path, state, name)
        if not more or _still(path, state, name):  # else it was activated or discarded while it was looked at
            others.append(OtherModel(state=state, item_count=item_count))
            findings.extend(more)
    return replace(found, findings=tuple(findings), others=tuple(others))


def _others(staged: Staged | None, active: Active) -> Iterator[tuple[str, str]]:
    """Yield state and folder of the models that are kept and not in use."""
    staged = not_in_use(staged, active)
    if staged is not None:
        yield "staged", staged.folder
    if active.previous and (staged is None or staged.folder != active.previous):
        yield "previous", active.previous


def _verify_other(path: Path, state: str, name: str) -> tuple[int, list[Finding]]:
    """Return the number of sound rows, and what is wrong, in the terms of the whole gallery."""
    place = f"{state} model"
    try:
        found = verify_model(path / name)
    except GalleryNotFound as error:
        return 0, [Finding(place=place, problem=error.message, effect=Effect.OTHER_MODEL)]
    bad = damages(found.findings)
    return found.item_count, [
        replace(each, place=f"{place}: {each.place}", effect=Effect.OTHER_MODEL if each in bad else Effect.NONE)
        for each in found.findings
    ]


def _still(path: Path, state: str, name: str) -> bool:
    try:
        return (state, name) in set(_others(read_staged(path), read_active(path)))
    except GalleryDamaged:
        return True
