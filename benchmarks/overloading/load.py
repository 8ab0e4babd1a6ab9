"""Searches at a rate that doesn't wait for answers, from a process of its own: `python -m benchmarks.overloading.load`.

Prints a line when it has sent the last one, and when all are answered a JSON object: for each status code the seconds
that its answers took.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

import grpc

from smserve.config import MAX_MESSAGE_BYTES
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc

__all__ = ["ENDED", "Answers", "load_command", "offered"]

_OPTIONS = [("grpc.max_send_message_length", MAX_MESSAGE_BYTES), ("grpc.use_local_subchannel_pool", 1)]
Answers = dict[str, list[float]]
ENDED = "all sent"


async def offered(
    address: str, picture: bytes, *, rate: float, seconds: float, deadline_s: float, seed: int
) -> Answers:
    """Send searches at random moments, `rate` a second on average (a Poisson process).

    Args:
        address: HOST:PORT.
        picture: An encoded picture.
        rate: Searches a second.
        seconds: How long.
        deadline_s: Of each search.
        seed: Of the moments.
    """
    moments, answers = random.Random(seed), defaultdict[str, list[float]](list)  # noqa: S311 - moments, no secrets
    request = retrieval_pb2.SearchRequest(image=picture)
    tasks = set[asyncio.Task[None]]()
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search

        async def ask() -> None:
            began = time.perf_counter()
            try:
                await search(request, timeout=deadline_s)
                code = "OK"
            except grpc.RpcError as error:
                code = error.code().name
            answers[code].append(time.perf_counter() - began)

        due, end = time.perf_counter(), time.perf_counter() + seconds
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(ask())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due += moments.expovariate(rate)
        print(ENDED, flush=True)
        await asyncio.gather(*tasks)
    return dict(answers)


def load_command(address: str, picture: Path, *, rate: float, seconds: float, deadline_s: float) -> list[str]:
    """Return the command that sends the load."""
    return [
        *(sys.executable, "-m", "benchmarks.overloading.load", address, str(picture)),
        *("--rate", str(rate), "--seconds", str(seconds), "--deadline", str(deadline_s)),
    ]


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--deadline", type=float, required=True)
    options = parser.parse_args()
    answers = asyncio.run(
        offered(
            options.address,
            options.picture.read_bytes(),
            rate=options.rate,
            seconds=options.seconds,
            deadline_s=options.deadline,
            seed=0,
        )
    )
    print(json.dumps(answers))


if __name__ == "__main__":
    _main()
