"""`smserve info`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.options import json_option, server_option
from smserve.cli.output import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from smserve.types import GalleryInfo, MemoryInfo

__all__ = ["info"]


@click.command()
@server_option
@connection_options
@json_option
def info(*, server: str, connection: Connection, as_json: bool) -> None:
    """Show a server's model, limits, memory and galleries."""
    with connection.open(server) as client:
        found = client.info()
    if as_json:
        print_json(found)
        return
    print_pairs(
        {
            "server": f"{server}, smserve {found.version}",
            "model": f"{found.model_name}, D={found.dimension}, input {found.input_height} x {found.input_width}",
            "fingerprint": found.model_fingerprint,
            "runs on": found.provider,
            "limits": f"{found.max_image_bytes:,} bytes and {found.max_image_pixels:,} pixels a picture, "
            f"{found.max_images} pictures a call, {found.max_queries} searches a batch, top_k up to {found.max_top_k}",
            "at a time": f"{found.max_in_flight} calls, {found.max_waiting} more wait; {found.max_streams} streams of "
            f"{found.max_stream_requests} requests",
            "memory": _memory(found.memory),
        }
    )
    click.echo()
    print_table(
        ["gallery", "items", "generation", "index", "live recall", "model", "aliases", "writes"],
        [
            [
                each.name,
                f"{each.item_count}",
                f"{each.generation}",
                each.index,
                _live_recall(each),
                f"{each.model_name} {each.model_fingerprint[:12]}",
                ", ".join(each.aliases),
                "yes" if each.writable else "no",
            ]
            for each in found.galleries
        ],
        numeric=["items", "generation"],
    )


def _memory(memory: MemoryInfo | None) -> str:
    if memory is None:
        return "not told"
    parts = [f"{_mib(memory.resident_bytes)} resident"] if memory.resident_bytes else []
    if memory.predicted_max_bytes:
        parts.append(
            f"predicted {_mib(memory.predicted_rest_bytes)} at rest, at most {_mib(memory.predicted_max_bytes)} and "
            f"{_mib(memory.predicted_mapped_bytes)} of mapped files"
        )
    if memory.limit_bytes:
        parts.append(f"there is {_mib(memory.limit_bytes)}")
    return "; ".join(parts) or "not told"


def _mib(size: int) -> str:
    return f"{round(size / 2**20):,} MiB"


def _live_recall(gallery: GalleryInfo) -> str:
    if gallery.live_recall is None:
        return "not measured"
    return f"{gallery.live_recall:.4f} of {gallery.live_recall_searches:,} searches"
