"""Who stops waiting stops the work: between decode, inference and search, and before any of them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import grpc
import pytest

from smserve.embedder import Embedder
from smserve.engine import Engine
from smserve.engine.stages import Stage
from smserve.v1 import retrieval_pb2, retrieval_pb2_grpc
from tests.server.asking import Gate, query_vector, wait_for
from tests.support.pictures import draw, encode
from tests.support.running import running_server

PICTURE = encode(draw("red"))
SEARCH = retrieval_pb2.SearchRequest(image=PICTURE)


def as_unary(stub: "retrieval_pb2_grpc.RetrievalServiceStub", timeout_s: float) -> Any:
    return stub.Search.future(SEARCH, timeout=timeout_s)


def as_batch(stub: "retrieval_pb2_grpc.RetrievalServiceStub", timeout_s: float) -> Any:
    return stub.BatchSearch.future(retrieval_pb2.BatchSearchRequest(requests=[SEARCH]), timeout=timeout_s)


def as_stream(stub: "retrieval_pb2_grpc.RetrievalServiceStub", timeout_s: float) -> Any:
    end = threading.Event()

    def requests() -> Iterator[retrieval_pb2.SearchStreamRequest]:
        yield retrieval_pb2.SearchStreamRequest(request=SEARCH)
        end.wait(timeout_s)

    stream = stub.SearchStream(requests(), timeout=timeout_s)
    stream.add_callback(end.set)
    return stream


ASKED = pytest.mark.parametrize("ask", [as_unary, as_batch, as_stream])


@ASKED
def test_a_call_that_is_cancelled_while_it_waits_takes_no_step(
    engine: Engine, gate: Gate, ask: Callable[..., Any]
) -> None:
    with running_server(engine, max_in_flight=1) as server, grpc.insecure_channel(server.address) as channel:
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        first = stub.Search.future(retrieval_pb2.SearchRequest(vector=query_vector()), timeout=30)
        assert gate.entered.acquire(timeout=10)
        waiting = ask(stub, 30)
        wait_for(lambda: server._admission.counts() == (1, 1))
        waiting.cancel()
        wait_for(lambda: server._admission.counts() == (1, 0))
        gate.open.set()
        first.result(timeout=10)
        wait_for(lambda: server._admission.counts() == (0, 0))
    assert engine.stages.counts() == {Stage.DECODE: 0, Stage.INFERENCE: 0, Stage.SEARCH: 1}


@ASKED
@pytest.mark.parametrize("way", ["cancelled", "too late"])
@pytest.mark.parametrize(
    ("held", "taken"), [("prepare", (1, 0, 0)), ("embed", (1, 1, 0))], ids=["in decode", "in inference"]
)
def test_no_step_begins_after_the_caller_has_gone(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[..., Any],
    way: str,
    held: str,
    taken: tuple[int, int, int],
) -> None:
    step, entered, go_on = getattr(Embedder, held), threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        entered.set()
        assert go_on.wait(30)
        return step(*arguments)

    monkeypatch.setattr(Embedder, held, slow)  # a step as slow as the test needs it
    with running_server(engine) as server, grpc.insecure_channel(server.address) as channel:
        try:
            call = ask(retrieval_pb2_grpc.RetrievalServiceStub(channel), 0.4 if way == "too late" else 30)
            assert entered.wait(10)
            if way == "cancelled":
                call.cancel()
            else:
                wait_for(lambda: not call.is_active() if hasattr(call, "is_active") else call.done())
            time.sleep(0.2)  # the news has reached the server
        finally:
            go_on.set()
        wait_for(lambda: server._admission.counts() == (0, 0) and server._places.open == 0)
    assert tuple(engine.stages.counts().values()) == taken


def test_a_storm_of_short_deadlines_and_cancelled_calls_leaves_nothing_behind(engine: Engine) -> None:
    """600 calls with deadlines of 1 to 50 ms, 30 % of them cancelled; then all is as before, and calls are answered."""
    outcomes = Counter[str]()
    with (
        running_server(engine, max_in_flight=2, max_waiting=8) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        stub.Search(SEARCH, timeout=10)
        answered = engine.stages.counts()[Stage.SEARCH]

        def client(seed: int) -> None:
            random = Random(seed)  # noqa: S311 - when to cancel, no secret
            for number in range(100):
                ask = (as_unary, as_unary, as_batch, as_stream)[number % 4]
                call = ask(stub, random.uniform(0.001, 0.05))
                if random.random() < 0.3:
                    time.sleep(random.uniform(0, 0.02))
                    call.cancel()
                try:
                    if ask is as_stream:
                        next(call)
                        call.cancel()
                    else:
                        call.result()
                    outcomes["OK"] += 1
                except (grpc.RpcError, grpc.FutureCancelledError) as error:
                    outcomes[error.code().name if isinstance(error, grpc.RpcError) else "CANCELLED"] += 1

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(client, range(6)))
        wait_for(lambda: server._admission.counts() == (0, 0) and server._places.open == 0)
        counts = engine.stages.counts()
        time.sleep(0.3)
        assert engine.stages.counts() == counts
        assert set(outcomes) <= {"OK", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
        assert outcomes.total() == 600
        assert outcomes["OK"] <= counts[Stage.SEARCH] - answered
        assert counts[Stage.SEARCH] <= counts[Stage.INFERENCE] <= counts[Stage.DECODE] <= 601
        wait_for(lambda: not any(thread.name == "smserve-reader" for thread in threading.enumerate()))
        assert len(stub.Search(SEARCH, timeout=10).hits) == 8
