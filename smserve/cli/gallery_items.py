"""`smserve gallery export` and `smserve gallery import`."""

from pathlib import Path

import click

from smserve.cli.model import fingerprint_at
from smserve.cli.options import file_path, gallery_argument, json_option, model_option, new_file_path
from smserve.cli.output import counted, print_json
from smserve.cli.progress import picture_progress

__all__ = ["export", "import_"]


@click.command()
@gallery_argument
@click.argument("file", type=new_file_path)
@click.option("--thumbnails", is_flag=True, show_default=False, help="Export the stored thumbnails, too.")
@json_option
def export(*, gallery: Path, file: Path, thumbnails: bool, as_json: bool) -> None:
    """Write all items of GALLERY to the Parquet FILE.

    Columns: item_id, label, payload (JSON), source_uri, source_sha256, vector (D float32), and thumbnail when asked.
    The file's metadata names the model. A server may use the gallery meanwhile; the file holds one moment of it. Needs
    pip install 'smserve[parquet]'.

    \b
    Example:
      smserve gallery export gallery/ items.parquet
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.interchange import export_gallery

    with picture_progress("exporting", None, unit="items") as progress:
        report = export_gallery(gallery, file, thumbnails=thumbnails, progress=progress)
    if as_json:
        print_json(report)
    click.echo(
        f"{file}: {counted(report.item_count, 'item')}, D={report.dimension}, of model {report.model_fingerprint}, "
        f"up to write {report.last_sequence:,}",
        err=True,
    )


@click.command("import")
@click.argument("file", type=file_path)
@gallery_argument
@model_option(required=False)
@json_option
def import_(*, file: Path, gallery: Path, model: Path | None, as_json: bool) -> None:
    """Store the items of the Parquet FILE in GALLERY, a new one or one of the same model.

    The whole file is checked first: a wrong row is named, and nothing is written. Items of the same id are replaced.
    When it is interrupted, run it again: what is stored already is not written twice. A file that another program made
    needs the columns item_id and vector, and --model, the model that made the vectors.

    \b
    Examples:
      smserve gallery import items.parquet new-gallery/
      smserve gallery import vectors.parquet gallery/ --model model.onnx
    """  # noqa: D301 - click wants a real backspace
    from smserve.gallery.interchange import ItemFile, import_items

    model_fingerprint = None if model is None else fingerprint_at(model)
    with ItemFile(file) as items, picture_progress("importing", items.row_count, unit="items") as progress:
        report = import_items(items, gallery, model_fingerprint=model_fingerprint, progress=progress)
    if as_json:
        print_json(report)
    click.echo(
        f"gallery {gallery}: {counted(report.added, 'item')} added, {report.replaced:,} replaced, "
        f"{report.unchanged:,} there already; generation {report.generation}",
        err=True,
    )
