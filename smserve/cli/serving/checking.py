"""`smserve serve --check`: whether a server could start so, without one."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smserve.cli.serving.plan import Plan
    from smserve.engine import Engine
    from smserve.server.memory import MemoryPrediction

__all__ = ["check"]


def check(plan: Plan) -> None:
    """Take the ports, load the model, open the galleries, let go of all, and print what would be served.

    Galleries are opened for reading, so that nothing of them is changed.

    Raises:
        SmserveError: Something is not right.
    """
    from smserve.server import Server

    with Server(plan.settings) as server:  # reads certificates and keys, and binds
        plan.foresee()
        _check_locks(plan)
        with closing(plan.open_engine(writable=False)) as engine:
            _print(plan, engine, server.address, plan.predict_memory())


def _check_locks(plan: Plan) -> None:
    """Look whether somebody else writes to the galleries."""
    from smserve.gallery.active import active_folder
    from smserve.gallery.lock import check_not_locked

    if plan.writes:
        for _, folder in plan.served.in_folders():
            check_not_locked(active_folder(folder))
        if plan.served.folder is not None and plan.served.folder.is_dir():
            check_not_locked(plan.served.folder)


def _print(plan: Plan, engine: Engine, address: str, memory: MemoryPrediction) -> None:
    info, security = engine.server_info(), plan.settings.security
    callers = [
        text
        for text, is_so in (("API keys", security.keys), ("client certificates", security.tls_client_ca))
        if is_so is not None
    ]
    rows = [
        (
            "address",
            f"{address}, {'TLS' if security.has_tls else 'plaintext'}, {' and '.join(callers) or 'any caller'}",
        ),
        ("workers", f"{plan.workers}, {plan.settings.max_in_flight} calls at a time each"),
        ("model", f"{info.model_name}, {info.dimension} dimensions, {info.model_fingerprint}, {info.provider}"),
        *(
            (
                "gallery",
                f"{gallery.name}, {gallery.item_count:,} items, generation {gallery.generation}, {gallery.index}, "
                f"{'read and written' if plan.writes else 'read only'}",
            )
            for gallery in info.galleries
        ),
        ("memory", f"{memory}; there is {plan.limits.memory_limit()}"),
    ]
    for name, text in rows:
        click.echo(f"{name:<8} {text}")
