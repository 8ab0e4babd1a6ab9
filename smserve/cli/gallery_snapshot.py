"""`smserve gallery snapshot` and `smserve gallery restore`."""

from pathlib import Path

import click

from smserve.cli.options import file_path, gallery_argument, json_option, new_file_path
from smserve.cli.output import counted, print_json

__all__ = ["restore", "snapshot"]


@click.command()
@gallery_argument
@click.argument("file", type=new_file_path)
@json_option
def snapshot(*, gallery: Path, file: Path, as_json: bool) -> None:
    """Copy GALLERY, as it is at one moment, to one checksummed FILE.

    A server may search the gallery and write to it meanwhile. The copy is verified, row by row, before FILE gets its
    name; a damaged gallery makes none.

    \b
    Example:
      smserve gallery snapshot gallery/ gallery-2026-11-24.tar
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.snapshot import write_snapshot

    info = write_snapshot(gallery, file)
    if as_json:
        print_json(info)
    click.echo(
        f"{file}: {counted(info.item_count, 'item')} up to write {info.last_sequence:,}, generation {info.generation}, "
        f"{info.size / 2**20:,.1f} MiB",
        err=True,
    )


@click.command()
@click.argument("file", type=file_path)
@gallery_argument
@json_option
def restore(*, file: Path, gallery: Path, as_json: bool) -> None:
    """Make GALLERY, a new folder, from the snapshot FILE.

    Every part is verified first; a damaged one is named, and nothing is made.

    \b
    Example:
      smserve gallery restore gallery-2026-11-24.tar gallery/
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.snapshot import restore_snapshot

    info = restore_snapshot(file, gallery)
    if as_json:
        print_json(info)
    click.echo(f"gallery {gallery}: {counted(info.item_count, 'item')} of model {info.model_fingerprint}", err=True)
