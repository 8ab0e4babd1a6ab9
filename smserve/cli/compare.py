"""`smserve compare`."""

import click

from smserve.cli.connection import Connection, connection_options
from smserve.cli.options import expect_model_option, gallery_name_option, json_option, server_option, staged_option
from smserve.cli.output import print_json

__all__ = ["compare"]


@click.command()
@click.argument("first")
@click.argument("second")
@gallery_name_option("Use the model of this gallery: its name or an alias.")
@staged_option
@expect_model_option
@server_option
@connection_options
@json_option
def compare(
    *,
    first: str,
    second: str,
    gallery: str,
    staged: bool,
    expected_model_fingerprint: str,
    server: str,
    connection: Connection,
    as_json: bool,
) -> None:
    """Say how alike two pictures are: the cosine of their embeddings, 1 for the same."""
    with connection.open(server) as client:
        comparison = client.compare(
            first, second, gallery=gallery, expected_model_fingerprint=expected_model_fingerprint, staged=staged
        )
    if as_json:
        print_json({"first": first, "second": second, "comparison": comparison})
        return
    click.echo(f"cosine {comparison.score:.4f}")
    if comparison.probability is not None:
        click.echo(f"probability of the same class {comparison.probability:.1%}")
