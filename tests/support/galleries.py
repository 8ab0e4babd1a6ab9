"""Real galleries of drawn pictures."""

from pathlib import Path

from smserve.indexing import build_gallery, pictures_in


def build_drawn_gallery(model: Path, pictures: Path, gallery: Path) -> Path:
    """Index a folder of pictures and return the gallery."""
    build_gallery(model=model, sources=pictures_in(pictures), gallery=gallery)
    return gallery
