"""Callers that ask one after the other: `python -m benchmarks.answering.load KIND ADDRESS MATERIAL...`.

KIND is `picture` (files), `vector` (an .npy file), `echo` (files) or `litserve` (files; ADDRESS is HOST:PORT, HTTP). A
side (`benchmarks.side`): asked for callers and seconds, it answers with the number of answers, the seconds by the
clock, its own processor time, and the median seconds of an answer.
"""

import argparse
import base64
import http.client
import itertools
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks.answering.echo import METHOD
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc, types_pb2

Ask = Callable[[Any], object]
_OPTIONS = [("grpc.max_send_message_length", 2**24), ("grpc.use_local_subchannel_pool", 1)]
_DEADLINE_S = 60


def pictures(address: str, files: Sequence[Path]) -> tuple[list[Any], Callable[[], Ask]]:
    """Search(image)."""
    requests = [retrieval_pb2.SearchRequest(image=path.read_bytes()) for path in files]
    return requests, lambda: _searching(address)


def vectors(address: str, files: Sequence[Path]) -> tuple[list[Any], Callable[[], Ask]]:
    """Search(vector)."""
    rows = np.load(files[0]).astype("<f4")
    requests = [
        retrieval_pb2.SearchRequest(
            vector=types_pb2.Vector(data=row.tobytes(), data_type=types_pb2.DATA_TYPE_FLOAT32, dimension=len(row)),
            top_k=10,
        )
        for row in rows
    ]
    return requests, lambda: _searching(address)


def echoes(address: str, files: Sequence[Path]) -> tuple[list[Any], Callable[[], Ask]]:
    """The same messages, to the plainest server."""
    make = vectors if files[0].suffix == ".npy" else pictures
    requests = [request.SerializeToString() for request in make(address, files)[0]]

    def connect() -> Ask:
        method: Any = grpc.insecure_channel(address, options=_OPTIONS).unary_unary(METHOD)
        return lambda request: method(request, timeout=_DEADLINE_S)

    return requests, connect


def litserve(address: str, files: Sequence[Path]) -> tuple[list[Any], Callable[[], Ask]]:
    """POST /predict with a picture in base64, as LitServe's documentation sends one."""
    bodies = [json.dumps({"image": base64.b64encode(path.read_bytes()).decode()}).encode() for path in files]

    def connect() -> Ask:
        host, _, port = address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=_DEADLINE_S)

        def ask(body: bytes) -> object:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != http.client.OK or len(answer["hits"]) == 0:
                raise RuntimeError(f"{response.status} {answer}")
            return answer

        return ask

    return bodies, connect


KINDS = {"picture": pictures, "vector": vectors, "echo": echoes, "litserve": litserve}


def turn(requests: Sequence[Any], connect: Callable[[], Ask], *, callers: int, seconds: float) -> dict[str, float]:
    """Let so many callers ask for so long."""
    taken: list[list[float]] = [[] for _ in range(callers)]
    connections = [connect() for _ in range(callers)]
    for number, ask in enumerate(connections):
        ask(requests[number % len(requests)])
    began, processor = time.perf_counter(), time.process_time()

    def work(ask: Ask, own: list[float], number: int) -> None:
        for request in itertools.islice(itertools.cycle(requests), number, None, callers):
            asked = time.perf_counter()
            if asked - began >= seconds:
                return
            ask(request)
            own.append(time.perf_counter() - asked)

    workers = [
        threading.Thread(target=work, args=(ask, own, number))
        for number, (ask, own) in enumerate(zip(connections, taken, strict=True))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {
        "answers": sum(map(len, taken)),
        "seconds": time.perf_counter() - began,
        "processor_s": time.process_time() - processor,
        "median_s": statistics.median(itertools.chain.from_iterable(taken)),
    }


def _searching(address: str) -> Ask:
    search = retrieval_pb2_grpc.RetrievalServiceStub(grpc.insecure_channel(address, options=_OPTIONS)).Search
    return lambda request: search(request, timeout=_DEADLINE_S)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("address")
    parser.add_argument("material", type=Path, nargs="+")
    options = parser.parse_args()
    requests, connect = KINDS[options.kind](options.address, options.material)
    print(json.dumps({"requests": len(requests)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(turn(requests, connect, **json.loads(line))), flush=True)


if __name__ == "__main__":
    _main()
