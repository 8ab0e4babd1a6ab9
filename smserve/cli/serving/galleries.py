"""Options of `smserve serve`: what is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.gallery_option import GalleryParameter
from smserve.cli.option_group import option_group
from smserve.cli.options import folder_path
from smserve.config import CHECK_EVERY

if TYPE_CHECKING:
    from smserve.gallery.milvus import MilvusAddress

__all__ = ["ServedGalleries", "gallery_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedGalleries:
    """Galleries and the models beside the server's own; as `smserve.server.open_engine` takes them."""

    galleries: tuple[tuple[str, Path | MilvusAddress], ...]
    folder: Path | None
    models: Path | None
    read_only: bool
    check_every: int

    def in_folders(self) -> list[tuple[str, Path]]:
        """Return those that are not in Milvus, and so take memory of this process."""
        return [(name, place) for name, place in self.galleries if isinstance(place, Path)]

    def embedded(self) -> list[MilvusAddress]:
        """Return those in a database that one process opens at a time."""
        return [place for _, place in self.galleries if not isinstance(place, Path) and place.file is not None]


gallery_options = option_group(
    "served",
    ServedGalleries,
    click.option(
        "--gallery",
        "galleries",
        type=GalleryParameter(),
        multiple=True,
        metavar="[NAME=]GALLERY",
        show_default=False,
        help="A gallery to search: a folder, or milvus://HOST:PORT/NAME (see docs/milvus.md); named as its folder or "
        "collection unless NAME is given; repeat for more, the first is the default. Without one, the server only "
        "embeds and compares.",
    ),
    click.option(
        "--galleries",
        "folder",
        type=folder_path,
        metavar="DIR",
        help="Serve every gallery in this folder, too, each named as its subfolder. Here, and only here, clients can "
        "make galleries and drop them; further names for galleries are kept here.",
    ),
    click.option(
        "--models",
        type=folder_path,
        metavar="DIR",
        help="Further models, as *.onnx, for galleries made with another model than --model, and to stage and "
        "activate while serving. Files may be added at any time; one is loaded when it is asked for.",
    ),
    click.option(
        "--read-only",
        is_flag=True,
        show_default=False,
        help="Refuse writes, and follow within a second what another process writes; by default this server is the "
        "one that writes. Several --workers only read in any case.",
    ),
    click.option(
        "--check-recall-every",
        "check_every",
        type=click.IntRange(0),
        default=CHECK_EVERY,
        metavar="N",
        help="Repeat one search in N exactly, aside, and show the recall in `smserve info`; 0 for none.",
    ),
)
