"""What callers of benchmark `soak` ask: a little of everything."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import numpy as np

from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc
from smserve.wire.vectors import vector_to_proto

__all__ = ["BLOCK", "BLOCKS", "DIMENSION", "MIX", "Calls", "item_of"]

DIMENSION: Final = 64
BLOCK: Final = 100
"""Items of one write."""
BLOCKS: Final = 200
"""Blocks of items that are replaced and deleted, one after the other; the rest of the gallery stays."""

MIX: Final = {"search image": 40, "search vector": 25, "embed": 10, "bad image": 10, "upsert": 10, "delete": 5}
"""Of 100 calls, so many each."""

_PAYLOAD: Final = ('{"title": "' + "x" * 500 + '"}').encode()
_BAD: Final = (b"", b"\xff\xd8\xff\xe0" + bytes(200), b"GIF89a" + bytes(50), bytes(1000))


def item_of(number: int, vector: Any) -> gallery_pb2.NewItem:
    """Return item `number` of the gallery."""
    return gallery_pb2.NewItem(
        item_id=str(number), vector=vector_to_proto(vector), label=f"class-{number % 50}", payload=_PAYLOAD
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    ask: Callable[[grpc.aio.Channel], Awaitable[Any]]
    expected: grpc.StatusCode = grpc.StatusCode.OK


class Calls:
    """Draws calls and makes them; for one event loop."""

    def __init__(self, pictures: Sequence[bytes], *, seed: int, timeout_s: float) -> None:
        """Draw from `pictures`, encoded."""
        self._pictures: Final = pictures
        self._random: Final = random.Random(seed)  # noqa: S311 - a load, no secret
        self._vectors: Final = np.random.default_rng(seed)
        self._timeout_s: Final = timeout_s
        self._upserted = 0
        self._kinds: Final = {
            "search image": _Kind(ask=self._search_image),
            "search vector": _Kind(ask=self._search_vector),
            "embed": _Kind(ask=self._embed),
            "bad image": _Kind(ask=self._bad_image, expected=grpc.StatusCode.INVALID_ARGUMENT),
            "upsert": _Kind(ask=self._upsert),
            "delete": _Kind(ask=self._delete),
        }

    def draw(self) -> str:
        """Return the kind of the next call."""
        return self._random.choices([*MIX], weights=[*MIX.values()])[0]

    async def ask(self, kind: str, channel: grpc.aio.Channel) -> str:
        """Make a call; returns what was wrong with its answer, or nothing."""
        call = self._kinds[kind]
        code, details = grpc.StatusCode.OK, ""
        try:
            await call.ask(channel)
        except grpc.aio.AioRpcError as error:
            code, details = error.code(), error.details() or ""
        return "" if code is call.expected else f"{kind}: {code.name} {details}"

    async def _search_image(self, channel: grpc.aio.Channel) -> None:
        request = retrieval_pb2.SearchRequest(image=self._random.choice(self._pictures), top_k=10)
        await retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(request, timeout=self._timeout_s)

    async def _search_vector(self, channel: grpc.aio.Channel) -> None:
        filter_text = self._random.choice(["", "", f'label = "class-{self._random.randrange(50)}"'])
        request = retrieval_pb2.SearchRequest(vector=self._vector(), top_k=10, filter=filter_text)
        await retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(request, timeout=self._timeout_s)

    async def _embed(self, channel: grpc.aio.Channel) -> None:
        request = retrieval_pb2.EmbedRequest(images=self._random.choices(self._pictures, k=3))
        await retrieval_pb2_grpc.RetrievalServiceStub(channel).Embed(request, timeout=self._timeout_s)

    async def _bad_image(self, channel: grpc.aio.Channel) -> None:
        photo = self._random.choice(self._pictures)
        request = retrieval_pb2.SearchRequest(image=self._random.choice((*_BAD, photo[: len(photo) // 2])))
        await retrieval_pb2_grpc.RetrievalServiceStub(channel).Search(request, timeout=self._timeout_s)

    async def _upsert(self, channel: grpc.aio.Channel) -> None:
        first = BLOCK * (self._upserted % BLOCKS)
        self._upserted += 1
        items = [item_of(number, self._numbers()) for number in range(first, first + BLOCK)]
        request = gallery_pb2.UpsertItemsRequest(items=items)
        await gallery_pb2_grpc.GalleryServiceStub(channel).UpsertItems(request, timeout=self._timeout_s)

    async def _delete(self, channel: grpc.aio.Channel) -> None:
        """Delete a block that is written again half a round later."""
        first = BLOCK * ((self._upserted + BLOCKS // 2) % BLOCKS)
        request = gallery_pb2.DeleteItemsRequest(item_ids=map(str, range(first, first + BLOCK)))
        await gallery_pb2_grpc.GalleryServiceStub(channel).DeleteItems(request, timeout=self._timeout_s)

    def _numbers(self) -> Any:
        return self._vectors.standard_normal(DIMENSION).astype(np.float32)

    def _vector(self) -> Any:
        return vector_to_proto(self._numbers())
