"""The page as an ASGI application.

GET  /              the page to search with
POST /search        a form with a picture or an item -> the hits, as a part of the page
POST /similarity    the same, and a hit              -> why it matched, as a part of the page
POST /judgement     the same, and a verdict          -> how many there are
GET  /judgements    all verdicts, as a ZIP
GET  /server        the server's state
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from smserve.client import Client
from smserve.errors import InvalidInput, SmserveError
from smserve.ui.answers import ask
from smserve.ui.failures import failure_of
from smserve.ui.guard import guards
from smserve.ui.judgements import Judgements, read_judgement
from smserve.ui.question import Question, read_question
from smserve.ui.similarity import similarity_maps
from smserve.ui.state import read_state, recall_text, staged_beside
from smserve.version import VERSION

__all__ = ["make_application"]

_FOLDER: Final = Path(__file__).parent
_LATEST: Final = 200  # searches whose times are kept


def make_application(client: Client, *, hosts: list[str]) -> Starlette:
    """Return the page of a server.

    Args:
        client: Speaks to it; it stays the caller's to close.
        hosts: Names that the page is asked for by, without port; "*" for any.
    """
    pages = _Pages(client)
    return Starlette(
        routes=[
            Route("/", pages.home),
            Route("/search", pages.search, methods=["POST"]),
            Route("/similarity", pages.similarity, methods=["POST"]),
            Route("/judgement", pages.judge, methods=["POST"]),
            Route("/judgements", pages.export),
            Route("/server", pages.server),
            Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        ],
        middleware=guards(hosts),
    )


class _Pages:
    """Answers each route. The client blocks, so it is called from threads."""

    def __init__(self, client: Client) -> None:
        self._client: Final = client
        self._judgements: Final = Judgements()
        self._milliseconds: Final[deque[float]] = deque(maxlen=_LATEST)
        self._templates: Final = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"data_uri": _data_uri, "mebibytes": _mebibytes, "recall_text": recall_text}
        self._templates.globals |= {"version": VERSION, "address": client.address}

    async def home(self, _: Request) -> Response:
        try:
            info = await run_in_threadpool(self._client.info)
            staged = await run_in_threadpool(staged_beside, self._client, info)
        except SmserveError as error:
            return self._failed(error, "away.html.j2", page="search")
        return self._page("search.html.j2", page="search", info=info, staged=staged, judged=len(self._judgements))

    async def search(self, request: Request) -> Response:
        async def answer(_: FormData, question: Question) -> Response:
            answers = await run_in_threadpool(ask, self._client, question)
            self._milliseconds.extend(each.milliseconds for each in answers.sides)
            return self._page("answers.html.j2", answers=answers, question=question, verdict=self._judgements.verdict)

        return await self._answered(request, answer)

    async def similarity(self, request: Request) -> Response:
        async def answer(form: FormData, question: Question) -> Response:
            hit = str(form.get("hit", ""))
            maps = await run_in_threadpool(similarity_maps, self._client, question.query, hit, question.side)
            return self._page("similarity.html.j2", maps=maps, hit=hit)

        return await self._answered(request, answer)

    async def judge(self, request: Request) -> Response:
        async def answer(form: FormData, question: Question) -> Response:
            await run_in_threadpool(self._keep, question, form)
            return JSONResponse({"judged": len(self._judgements)})

        return await self._answered(request, answer)

    async def export(self, _: Request) -> Response:
        return Response(
            await run_in_threadpool(self._judgements.export),
            media_type="application/zip",
            headers={"content-disposition": 'attachment; filename="judgements.zip"'},
        )

    async def server(self, _: Request) -> Response:
        try:
            state = await run_in_threadpool(read_state, self._client)
        except SmserveError as error:
            return self._failed(error, "away.html.j2", page="server")
        times = sorted(self._milliseconds)
        latency = (len(times), median(times), times[-1]) if times else None
        return self._page("server.html.j2", page="server", state=state, latency=latency)

    async def _answered(
        self, request: Request, answer: Callable[[FormData, Question], Awaitable[Response]]
    ) -> Response:
        async with request.form() as form:
            try:
                return await answer(form, await read_question(form))
            except SmserveError as error:
                return self._failed(error, "failure.html.j2")

    def _keep(self, question: Question, form: FormData) -> None:
        judgement = read_judgement(form, question)
        if judgement.verdict is None:
            self._judgements.remove(judgement)
        else:
            self._judgements.add(judgement, question.picture or self._thumbnail(question))

    def _thumbnail(self, question: Question) -> bytes:
        """Return the picture of a question that is an item."""
        item = self._client.get_item(question.name, gallery=question.side.gallery, payload=False, thumbnail=True).item
        if item.thumbnail is None:
            raise InvalidInput(
                f"item {item.item_id!r} has no stored thumbnail, so its judgements can't be exported; search with its "
                f"picture instead",
                field="item_id",
            )
        return item.thumbnail

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    def _failed(self, error: SmserveError, template: str, **values: Any) -> Response:
        failure = failure_of(error)
        return self._page(template, failure.status, failure=failure, **values)


def _mebibytes(size: int) -> str:
    return f"{round(size / 2**20):,} MiB" if size else "not told"


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
