"""`smserve search`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.options import json_option, server_option, timeout_option
from smserve.cli.output import print_json, print_table
from smserve.config import SearchLimits

if TYPE_CHECKING:
    from PIL import Image

    from smserve.client import Client
    from smserve.types import SearchResult

__all__ = ["search"]


@click.command()
@click.argument("query", required=False, metavar="[PICTURE]")
@click.option("--item-id", metavar="ID", help="Search with an item of the gallery instead of a picture.")
@click.option("--top-k", type=int, default=SearchLimits().default_top_k, metavar="K", help="At most this many hits.")
@click.option("--gallery", default="", metavar="NAME", show_default="the server's first", help="Gallery to search.")
@click.option("--min-score", type=float, metavar="COSINE", help="Leave out hits with a smaller cosine, in [-1, 1].")
@click.option(
    "--filter",
    "filter_text",
    metavar="FILTER",
    help="Find only items that match, for example 'label = \"apple\" and price < 10'.",
)
@click.option("--max-per-label", type=int, metavar="N", help="At most N hits of one label, in favour of other labels.")
@click.option(
    "--picture",
    "sheet",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.png",
    help="Draw the query beside its hits into this file, too.",
)
@server_option
@timeout_option
@json_option
def search(
    *,
    query: str | None,
    item_id: str | None,
    top_k: int,
    gallery: str,
    min_score: float | None,
    filter_text: str | None,
    max_per_label: int | None,
    sheet: Path | None,
    server: str,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Find the items nearest to a picture (JPEG, PNG or WebP).

    Scores are cosines: 1 is the same, 0 unrelated. On a pipe the table is tab-separated.

    \b
    Examples:
      smserve search photo.jpg
      smserve search photo.jpg --top-k 5 --min-score 0.6 --json
      smserve search photo.jpg --filter 'label in ("cat", "dog") and not exists(sold)'
      smserve search --item-id cats/0007.jpg --picture neighbours.png
    """  # noqa: D301 - click wants a real backspace
    if (query is None) == (item_id is None):
        raise click.UsageError("give either a PICTURE or --item-id ID")
    from smserve.client import Client

    with Client(server, timeout_s=timeout_s) as client:
        result = client.search(
            query,
            item_id=item_id,
            top_k=top_k,
            gallery=gallery,
            min_score=min_score,
            filter=filter_text,
            max_per_label=max_per_label,
            thumbnail=sheet is not None,
        )
        if sheet is not None:
            _draw(client, result, query, item_id, sheet)
    if as_json:
        print_json({"query": query or {"item_id": item_id}, **_document(result)})
    elif result.hits:
        rows = [
            [
                str(rank),
                f"{hit.score:.4f}",
                hit.label,
                hit.item_id,
                json.dumps(dict(hit.payload), ensure_ascii=False) if hit.payload else "",
            ]
            for rank, hit in enumerate(result.hits, 1)
        ]
        print_table(["rank", "score", "label", "item", "payload"], rows, numeric=["rank", "score"])
    else:
        click.echo("No hits.", err=True)
    if sheet is not None:
        click.echo(f"wrote {sheet}", err=True)


def _document(result: SearchResult) -> dict[str, object]:
    hits = [
        {
            "item_id": hit.item_id,
            "score": hit.score,
            "probability": hit.probability,
            "label": hit.label,
            "payload": hit.payload,
        }
        for hit in result.hits
    ]
    return {
        "hits": hits,
        "gallery": result.gallery,
        "generation": result.generation,
        "model_fingerprint": result.model_fingerprint,
    }


def _draw(client: Client, result: SearchResult, query: str | None, item_id: str | None, sheet: Path) -> None:
    from PIL import Image, ImageOps

    from smserve.cli.contact_sheet import SheetHit, SheetRow, draw_contact_sheet
    from smserve.errors import InvalidInput

    def opened(data: bytes | None) -> Image.Image | None:
        return None if data is None else Image.open(io.BytesIO(data)).convert("RGB")

    label = ""
    if query is not None:
        with Image.open(query) as image:  # the server has just read it
            picture: Image.Image | None = ImageOps.exif_transpose(image).convert("RGB")
    else:
        item = client.get_item(item_id or "", gallery=result.gallery, payload=False, thumbnail=True).item
        picture, label = opened(item.thumbnail), item.label
    row = SheetRow(
        picture=picture,
        caption=Path(query or item_id or "").name,
        label=label,
        hits=tuple(
            SheetHit(picture=opened(hit.thumbnail), label=hit.label or hit.item_id, score=hit.score)
            for hit in result.hits
        ),
    )
    title = f"Nearest of gallery {result.gallery}"
    try:
        draw_contact_sheet([row], title=title).save(sheet)
    except (OSError, ValueError) as error:  # ValueError: an ending that Pillow knows no format for
        raise InvalidInput(
            f"the picture can't be written to {sheet}: {error}; name a .png file", field="--picture"
        ) from None
