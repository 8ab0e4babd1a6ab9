"""Calls of benchmark `soak`, from a process of their own: `python -m benchmarks.soaking.load ADDRESS PICTURES ...`.

With `--callers N`, N callers ask again as soon as they are answered; with `--rate R`, calls are sent at random moments,
R a second, whether or not others are answered. Every caller, and every 20 s of a rate, makes a new connection. Prints
one JSON object: calls by kind, seconds, and what was wrong.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks.soaking.calls import Calls
from smserve.config import MAX_MESSAGE_BYTES

__all__ = ["load_command"]

_OPTIONS: Final = [("grpc.max_send_message_length", MAX_MESSAGE_BYTES), ("grpc.use_local_subchannel_pool", 1)]
_CONNECTION_S: Final = 20.0
_TIMEOUT_S: Final = 30.0
_TOLD: Final = 20  # failures, word by word


class _Load:
    def __init__(self, address: str, pictures: list[bytes]) -> None:
        self._address: Final = address
        self._calls: Final = Calls(pictures, seed=0, timeout_s=_TIMEOUT_S)
        self.answered: Final[Counter[str]] = Counter()
        self.wrong: Final[list[str]] = []

    def connect(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self._address, options=_OPTIONS)

    async def ask(self, channel: grpc.aio.Channel) -> None:
        kind = self._calls.draw()
        wrong = await self._calls.ask(kind, channel)
        self.answered[kind] += 1
        if wrong:
            self.wrong.append(wrong)

    async def by_callers(self, callers: int, seconds: float) -> None:
        end = time.perf_counter() + seconds

        async def ask_again() -> None:
            async with self.connect() as channel:
                while time.perf_counter() < end:
                    await self.ask(channel)

        await asyncio.gather(*(ask_again() for _ in range(callers)))

    async def at_rate(self, rate: float, seconds: float) -> None:
        moments, due = random.Random(0), time.perf_counter()  # noqa: S311 - moments, no secrets
        end = due + seconds
        while due < end:
            async with self.connect() as channel, asyncio.TaskGroup() as tasks:
                renewed = min(end, due + _CONNECTION_S)
                while due < renewed:
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    tasks.create_task(self.ask(channel))
                    due += moments.expovariate(rate)


def load_command(address: str, pictures: Path, *, seconds: float, **how: float) -> list[str]:
    """Return the command that asks.

    Args:
        address: HOST:PORT.
        pictures: A folder of pictures to ask with.
        seconds: How long.
        how: `callers` or `rate`.
    """
    options = [text for name, value in how.items() for text in (f"--{name}", str(value))]
    module = (sys.executable, "-m", "benchmarks.soaking.load")
    return [*module, address, str(pictures), "--seconds", str(seconds), *options]


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--callers", type=int)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    load = _Load(options.address, [path.read_bytes() for path in sorted(options.pictures.iterdir())])
    began = time.perf_counter()
    if options.callers is not None:
        asyncio.run(load.by_callers(options.callers, options.seconds))
    else:
        asyncio.run(load.at_rate(options.rate, options.seconds))
    found: dict[str, Any] = {
        "answered": load.answered,
        "seconds": time.perf_counter() - began,
        "wrong_count": len(load.wrong),
        "wrong": load.wrong[:_TOLD],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    _main()
