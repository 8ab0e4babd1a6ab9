"""`smserve search`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.options import expect_model_option, gallery_name_option, json_option, server_option, staged_option
from smserve.cli.output import print_json, print_table
from smserve.config import SearchLimits

if TYPE_CHECKING:
    from smserve.types import Hit, SearchOutcome, SearchResult

__all__ = ["search"]


@click.command()
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...")
@click.option("--item-id", metavar="ID", help="Search with an item of the gallery instead of a picture.")
@click.option("--top-k", type=int, default=SearchLimits().default_top_k, metavar="K", help="At most this many hits.")
@gallery_name_option("Gallery to search: its name or an alias.")
@click.option("--min-score", type=float, metavar="COSINE", help="Leave out hits with a smaller cosine, in [-1, 1].")
@click.option(
    "--filter",
    "filter_text",
    metavar="FILTER",
    help="Find only items that match, for example 'label = \"apple\" and price < 10'.",
)
@click.option("--max-per-label", type=int, metavar="N", help="At most N hits of one label, in favour of other labels.")
@click.option(
    "--payload-key", "payload_keys", multiple=True, metavar="KEY", help="Show only this column; repeat for more."
)
@staged_option
@expect_model_option
@click.option(
    "--picture",
    "sheet",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.png",
    help="Draw each query beside its hits into this file, too.",
)
@server_option
@connection_options
@json_option
@click.pass_context
def search(
    ctx: click.Context,
    *,
    pictures: tuple[str, ...],
    item_id: str | None,
    top_k: int,
    gallery: str,
    min_score: float | None,
    filter_text: str | None,
    max_per_label: int | None,
    payload_keys: tuple[str, ...],
    staged: bool,
    expected_model_fingerprint: str,
    sheet: Path | None,
    server: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Find the items nearest to pictures (JPEG, PNG or WebP).

    Scores are cosines: 1 is the same, 0 unrelated. On a pipe the table is tab-separated. Several pictures are searched
    together; the table then begins with the picture, and --json prints a list. Ends with exit code 3 when some of
    several pictures could not be read, 1 when none could.

    \b
    Examples:
      smserve search photo.jpg
      smserve search photo.jpg --top-k 5 --min-score 0.6 --json
      smserve search one.jpg two.jpg three.jpg
      smserve search photo.jpg --filter 'label in ("cat", "dog") and not exists(sold)'
      smserve search --item-id cats/0007.jpg --picture neighbours.png
      smserve search photo.jpg --staged
    """  # noqa: D301 - click wants a real backspace
    if bool(pictures) == (item_id is not None):
        raise click.UsageError("give either a PICTURE or --item-id ID")
    from smserve.cli.search_sheet import draw_search
    from smserve.client.query import ItemId

    with connection.open(server) as client:
        queries = list(pictures) if item_id is None else [ItemId(item_id)]
        outcomes = client.batch_search(
            queries,
            top_k=top_k,
            gallery=gallery,
            min_score=min_score,
            filter=filter_text,
            max_per_label=max_per_label,
            payload_keys=payload_keys,
            thumbnail=sheet is not None,
            expected_model_fingerprint=expected_model_fingerprint,
            staged=staged,
        )
        if len(outcomes) == 1 and outcomes[0].error is not None:
            raise outcomes[0].error
        answered = [(query, outcome.result) for query, outcome in zip(queries, outcomes, strict=True) if outcome.result]
        if sheet is not None and answered:
            draw_search(client, answered, sheet)
    if as_json:
        documents = [_document(query, outcome) for query, outcome in zip(queries, outcomes, strict=True)]
        print_json(documents[0] if len(documents) == 1 else documents)
    else:
        _print(queries, outcomes)
    if sheet is not None and answered:
        click.echo(f"wrote {sheet}", err=True)
    failed = len(outcomes) - len(answered)
    if failed:
        click.echo(f"{failed} of {len(outcomes)} searches failed.", err=True)
        ctx.exit(1 if failed == len(outcomes) else EXIT_PARTIAL)


def _print(queries: Sequence[str], outcomes: Sequence[SearchOutcome]) -> None:
    columns, numeric = ["rank", "score", "label", "item", "payload"], ["rank", "score"]
    if len(outcomes) == 1:
        (outcome,) = outcomes
        rows = _rows(outcome.result.hits) if outcome.result is not None else []
        if rows:
            print_table(columns, rows, numeric=numeric)
        else:
            click.echo("No hits.", err=True)
        return
    rows = []
    for query, outcome in zip(queries, outcomes, strict=True):
        if outcome.result is None:
            rows.append([query, "", "", "", f"error: {outcome.error}", ""])
        else:
            rows += [[query, *row] for row in _rows(outcome.result.hits)]
    print_table(["query", *columns], rows, numeric=numeric)


def _rows(hits: Sequence[Hit]) -> list[list[str]]:
    return [
        [
            str(rank),
            f"{hit.score:.4f}",
            hit.label,
            hit.item_id,
            json.dumps(dict(hit.payload), ensure_ascii=False) if hit.payload else "",
        ]
        for rank, hit in enumerate(hits, 1)
    ]


def _document(query: str, outcome: SearchOutcome) -> dict[str, object]:
    from smserve.client.query import ItemId

    named: object = {"item_id": str(query)} if isinstance(query, ItemId) else query
    if outcome.result is None:
        return {"query": named, "error": outcome.error}
    return {"query": named, **_found(outcome.result)}


def _found(result: SearchResult) -> dict[str, object]:
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
        "exhausted": result.exhausted,
        "gallery": result.gallery,
        "generation": result.generation,
        "model_fingerprint": result.model_fingerprint,
    }
