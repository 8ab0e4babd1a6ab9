"""Ask a server with many pictures whose class is known, a few at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from smserve.client.client import Client
from smserve.errors import InvalidInput
from smserve.types import Hit, SearchResult

__all__ = ["LabelledQuery", "QueryFailure", "answers", "others"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuery:
    """A picture whose class is known.

    Attributes:
        path: The picture.
        label: Its class, as the gallery spells it.
        item_id: Its own id where the gallery holds it too: that hit does not count. None where it does not.
    """

    path: Path
    label: str
    item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFailure:
    """A query that got no answer, and why."""

    path: Path
    message: str


def answers(
    client: Client,
    queries: Sequence[LabelledQuery],
    *,
    top_k: int,
    gallery: str = "",
    threads: int = 4,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[LabelledQuery, SearchResult | QueryFailure]]:
    """Yield the answer to each query, in order; one more hit than `top_k`, since its own item may be among them.

    Args:
        client: A client of the server to ask.
        queries: The pictures.
        top_k: Hits to compare with.
        gallery: Its name; empty means the server's first.
        threads: Searches at the same time.
        progress: Called after each query with the number done so far, from this thread.

    Raises:
        SmserveError: The server does not answer, or does not have the gallery.
    """

    def ask(query: LabelledQuery) -> SearchResult | QueryFailure:
        try:
            return client.search(query.path, top_k=top_k + 1, gallery=gallery, payload=False)
        except InvalidInput as error:
            return QueryFailure(path=query.path, message=error.message)

    with ThreadPoolExecutor(threads) as pool:
        for number, (query, outcome) in enumerate(zip(queries, pool.map(ask, queries), strict=True), 1):
            yield query, outcome
            if progress is not None:
                progress(number)


def others(query: LabelledQuery, result: SearchResult) -> list[Hit]:
    """Return the hits that are not the query itself."""
    return [hit for hit in result.hits if hit.item_id != query.item_id]
