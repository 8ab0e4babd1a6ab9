"""`smserve serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from smserve.cli.inference_options import serving_inference_options
from smserve.cli.options import model_option
from smserve.cli.serving.galleries import ServedGalleries, gallery_options
from smserve.cli.serving.limits import Limits, limit_options
from smserve.cli.serving.observing import Observing, observing_options
from smserve.cli.serving.security import security_options
from smserve.config import DEFAULT_HOST, DEFAULT_PORT

if TYPE_CHECKING:
    from smserve.embedder import InferenceSettings
    from smserve.engine import Engine
    from smserve.server import Security, Server
    from smserve.server.memory import MemoryReport

__all__ = ["serve"]


@click.command()
@model_option(required=True)
@gallery_options
@click.option("--host", default=DEFAULT_HOST, help="Address to bind; 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="Port to bind; 0 takes a free one.")
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
def serve(
    *,
    model: Path,
    served: ServedGalleries,
    host: str,
    port: int,
    security: Security,
    limits: Limits,
    inference: InferenceSettings,
    open_inference: bool,
    drain_delay_s: float | None,
    observing: Observing,
) -> None:
    """Serve a model and its galleries over gRPC until SIGTERM or Ctrl-C.

    Prints one line, "listening on HOST:PORT", once it answers, and "metrics on URL" where there are metrics. The first
    signal finishes running calls, a second one stops at once.

    Before it loads anything it logs how much memory it will take, and ends where that can't fit.

    Other machines are let in, as by --host 0.0.0.0, only over TLS and where callers are known: by API keys (--keys), by
    client certificates (--tls-client-ca), or both. docs/security.md has more.

    \b
    Examples:
      smserve serve --model model.onnx --gallery gallery/
      smserve serve --model model.onnx --gallery birds=g1/ --gallery cars=g2/ --port 0
      smserve serve --model model.onnx --galleries galleries/ --models models/
      smserve serve --model model.onnx --gallery gallery/ --host 0.0.0.0 --keys keys.json \\
          --tls-certificate server.pem --tls-key server.key
    """  # noqa: D301 - click wants a real backspace
    from smserve.server import ServerSettings, open_engine
    from smserve.server import serve as run
    from smserve.server.memory import MemoryReport, check_memory, predict_memory

    traces = observing.begin()
    settings = ServerSettings(
        host=host,
        port=port,
        drain_delay_s=drain_delay_s,
        open_inference=open_inference,
        security=security,
        **limits.to_settings(),
        **observing.to_settings(),
    )

    def announce(server: Server) -> None:
        click.echo(f"listening on {server.address}")
        if server.metrics_url is not None:
            click.echo(f"metrics on {server.metrics_url}")

    def foresee() -> MemoryReport:
        prediction = predict_memory(
            settings,
            model,
            served.in_folders(),
            folder=served.folder,
            models=served.models,
            inference=inference,
            decoded_bytes_in_flight=limits.max_decoded_bytes,
        )
        limit = limits.memory_limit()
        check_memory(prediction, limit)
        return MemoryReport(prediction=prediction, limit=limit)

    def engine() -> Engine:
        return open_engine(
            model,
            served.galleries,
            folder=served.folder,
            models=served.models,
            writable=not served.read_only,
            check_every=served.check_every,
            inference=inference,
            decoded_bytes_in_flight=limits.max_decoded_bytes,
        )

    run(settings, engine, announce, foresee=foresee, traces=traces)
