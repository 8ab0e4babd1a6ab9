"""`smserve serve`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.inference_options import serving_inference_options
from smserve.cli.options import model_option
from smserve.cli.serving.checking import check
from smserve.cli.serving.galleries import ServedGalleries, gallery_options
from smserve.cli.serving.limits import Limits, limit_options
from smserve.cli.serving.observing import Observing, observing_options
from smserve.cli.serving.plan import Plan
from smserve.cli.serving.security import security_options
from smserve.config import DEFAULT_HOST, DEFAULT_PORT

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.server import Security

__all__ = ["serve"]


@click.command()
@model_option(required=True)
@gallery_options
@click.option("--host", default=DEFAULT_HOST, help="Address to bind; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="Port to bind; 0 takes a free one.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    metavar="N",
    help="Processes that serve on the port; several only read their galleries, and follow what another server writes.",
)
@click.option(
    "--pin-workers",
    is_flag=True,
    show_default=False,
    help="Keep each worker on its share of the cores: short calls, as searches by vector, are answered sooner.",
)
@security_options
@limit_options
@serving_inference_options
@click.option(
    "--open-inference",
    is_flag=True,
    show_default=False,
    help="Answer the Open Inference Protocol (KServe V2 over gRPC), too.",
)
@click.option(
    "--drain-delay",
    "drain_delay_s",
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    show_default="0 on a loopback address, else 5",
    help="At shutdown, time between telling health checks and refusing calls.",
)
@observing_options
@click.option(
    "--check",
    "check_only",
    is_flag=True,
    show_default=False,
    help="Check everything, print what would be served, and end without serving.",
)
def serve(
    *,
    model: Path,
    served: ServedGalleries,
    host: str,
    port: int,
    workers: int,
    pin_workers: bool,
    security: Security,
    limits: Limits,
    inference: InferenceSettings,
    open_inference: bool,
    drain_delay_s: float | None,
    observing: Observing,
    check_only: bool,
) -> None:
    """Serve a model and its galleries over gRPC until SIGTERM or Ctrl-C.

    Prints one line, "listening on HOST:PORT", once it answers, and "metrics on URL" where there are metrics. The first
    signal finishes running calls, a second one stops at once.

    Before it loads anything it logs how much memory it will take, and ends where that can't fit. --check tells that and
    the rest: whether settings, ports, certificates, keys, model and galleries are right. Exit code 0, or 1 and what is
    not.

    Other machines are let in, as by --host 0.0.0.0, only over TLS and where callers are known: by API keys (--keys), by
    client certificates (--tls-client-ca), or both. docs/security.md has more.

    \b
    Examples:
      smserve serve --model model.onnx --gallery gallery/
      smserve serve --model model.onnx --gallery birds=g1/ --gallery cars=g2/ --port 0
      smserve serve --model model.onnx --galleries galleries/ --models models/
      smserve serve --model model.onnx --gallery gallery/ --workers 4 --check
      smserve serve --model model.onnx --gallery gallery/ --host 0.0.0.0 --keys keys.json \\
          --tls-certificate server.pem --tls-key server.key
    """  # noqa: D301 - click wants a real backspace
    from smserve.server import ServerSettings

    begin_traces = observing.begin()
    plan = Plan(
        settings=ServerSettings(
            host=host,
            port=port,
            drain_delay_s=drain_delay_s,
            open_inference=open_inference,
            security=security,
            **limits.to_settings(workers),
            **observing.to_settings(),
        ),
        model=model,
        served=served,
        limits=limits,
        inference=inference,
        workers=workers,
        pinned=pin_workers,
    )
    if check_only:
        check(plan)
    else:
        plan.run(_announce, begin_traces)


def _announce(address: str, metrics_urls: Sequence[str]) -> None:
    click.echo(f"listening on {address}")
    for url in metrics_urls:
        click.echo(f"metrics on {url}")
