"""A stream on an event loop: elements go in, outcomes come out, and few are ever in between. As `streaming`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from smserve.client.calls.streams import Plan, Send
from smserve.errors import Unavailable

__all__ = ["AsyncStream"]

_Element = TypeVar("_Element")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class _End:
    """After the last outcome: why the stream ended, or None when it was answered to its end."""

    error: BaseException | None


class AsyncStream(Generic[_Element, _Outcome]):
    """One stream; each outcome, and each request that waits for one, holds one of a few places until it is taken."""

    def __init__(
        self,
        plan: Plan[_Element, _Outcome],
        elements: Iterable[_Element] | AsyncIterable[_Element],
        *,
        places: int,
    ) -> None:
        """Prepare a stream.

        Args:
            plan: What it says.
            elements: Read as fast as answers are taken; an ordinary iterator is asked on the event loop.
            places: How many.
        """
        self._plan: Final = plan
        self._elements: Final = elements
        self._free: Final = asyncio.Semaphore(places)
        self._outcomes: Final[asyncio.Queue[_Outcome | _End]] = asyncio.Queue()
        self._all_sent = False
        self._unanswered = 0
        self._source_error: BaseException | None = None

    async def run(self, method: Callable[..., Any], timeout_s: float | None) -> AsyncGenerator[_Outcome, None]:
        """Yield outcomes as they come; leaving early ends the call.

        Args:
            method: The stub's.
            timeout_s: Of the whole stream.

        Raises:
            grpc.RpcError: The stream broke.
            Unavailable: It ended before all was answered.
        """
        call = method(timeout=timeout_s)
        tasks = [asyncio.create_task(self._write(call)), asyncio.create_task(self._read(call))]
        try:
            while True:
                outcome = await self._outcomes.get()
                if isinstance(outcome, _End):
                    self._check_end(outcome.error)
                    return
                self._free.release()
                yield outcome
        finally:
            call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _check_end(self, error: BaseException | None) -> None:
        if error is not None:
            raise error
        if self._source_error is not None:
            raise self._source_error
        if not self._all_sent or self._unanswered:
            raise Unavailable("the server ended the stream before all was answered; go on with the rest")

    async def _write(self, call: Any) -> None:
        try:
            async for element in _each(self._elements):
                # In a thread: it may read and encode a picture.
                await self._place(call, await asyncio.to_thread(list, self._plan.add(element)))
            await self._place(call, list(self._plan.finish()))
            self._all_sent = True
        except _Broken:
            return
        except Exception as error:  # noqa: BLE001 - the caller's iterator; it is raised where outcomes are taken
            self._source_error = error
        await call.done_writing()

    async def _place(self, call: Any, steps: list[Send | _Outcome]) -> None:
        for step in steps:
            await self._free.acquire()
            if isinstance(step, Send):
                self._unanswered += 1
                try:
                    await call.write(step.message)
                except Exception:  # noqa: BLE001 - the call has ended; its reader knows why
                    raise _Broken from None
            else:
                self._outcomes.put_nowait(step)

    async def _read(self, call: Any) -> None:
        try:
            async for response in call:
                outcome = self._plan.read(response)
                self._unanswered -= 1
                self._outcomes.put_nowait(outcome)
        except Exception as error:  # noqa: BLE001 - raised where outcomes are taken
            self._outcomes.put_nowait(_End(error))
        else:
            self._outcomes.put_nowait(_End(None))


class _Broken(Exception):
    """The call takes no more requests."""


async def _each(elements: Iterable[_Element] | AsyncIterable[_Element]) -> AsyncIterator[_Element]:
    if isinstance(elements, AsyncIterable):
        async for element in elements:
            yield element
    else:
        for element in elements:
            yield element
