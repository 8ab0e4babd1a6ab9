"""`smserve embed`."""

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.failures import EXIT_PARTIAL
from smserve.cli.options import expect_model_option, gallery_name_option, json_option, server_option, staged_option
from smserve.cli.output import print_json, print_table

__all__ = ["embed"]

_SHOWN = 4  # numbers of a vector in the table


@click.command()
@click.argument("pictures", nargs=-1, required=True)
@gallery_name_option("Use the model of this gallery: its name or an alias.")
@staged_option
@expect_model_option
@server_option
@connection_options
@json_option
@click.pass_context
def embed(
    ctx: click.Context,
    *,
    pictures: tuple[str, ...],
    gallery: str,
    staged: bool,
    expected_model_fingerprint: str,
    server: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Turn pictures into vectors of length 1.

    The table shows the first numbers of each; --json prints them all. Ends with exit code 3 when some pictures could
    not be read, 1 when none could.
    """
    with connection.open(server) as client:
        embeddings = client.embed(
            pictures, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged
        )
    failed = sum(embedding.error is not None for embedding in embeddings)
    if as_json:
        print_json(
            [
                {
                    "picture": picture,
                    "vector": embedding.vector,
                    "error": embedding.error,
                    "model_fingerprint": embedding.model_fingerprint,
                }
                for picture, embedding in zip(pictures, embeddings, strict=True)
            ]
        )
    else:
        rows = []
        for picture, embedding in zip(pictures, embeddings, strict=True):
            if embedding.vector is None:
                rows.append([picture, "", f"error: {embedding.error}"])
            else:
                numbers = " ".join(f"{number:+.3f}" for number in embedding.vector[:_SHOWN])
                more = " ..." if embedding.vector.size > _SHOWN else ""
                rows.append([picture, str(embedding.vector.size), numbers + more])
        print_table(["picture", "D", "vector"], rows, numeric=["D"])
    if failed:
        click.echo(f"{failed} of {len(pictures)} pictures could not be embedded.", err=True)
        ctx.exit(1 if failed == len(pictures) else EXIT_PARTIAL)
