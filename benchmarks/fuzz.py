"""Wrong pictures and random requests to a real server: crashes, hangs, INTERNAL or UNKNOWN answers, peak memory.

5,000 pictures (rare ones, bombs, stumps, mutations of JPEG, PNG and WebP) go to Embed, Search and UpsertItems, and
sound ones of 47 megapixels between them; 2,000 random calls go to every rpc of the protocol, streams too. Each must be
answered within its deadline with OK or an error that blames the caller. `--quick` sends 300 and 300.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
import numpy as np
from google.protobuf import message_factory

from benchmarks.evidence import describe_machine, print_measure
from benchmarks.fuzzing.pictures import large_pictures, rare_pictures, wrong_pictures
from benchmarks.fuzzing.requests import Call, random_calls, refusals
from benchmarks.server_process import ServerProcess, resident_bytes
from smserve.config import DECODED_BYTES_IN_FLIGHT, MAX_MESSAGE_BYTES
from smserve.gallery import LiveGallery
from smserve.model_file import fingerprint
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc
from tests.support.tiny_model import write_tiny_model

_THREADS: Final = 8
_DIMENSION: Final = 8
_HANGS_S: Final = 5.0
_LARGE_EVERY: Final = 400
_OPTIONS: Final = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
]
_BAD: Final = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


def main(arguments: list[str]) -> None:
    """Send, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks fuzz", description=__doc__)
    parser.add_argument("--pictures", type=int, default=5000, help="wrong pictures (default: 5,000)")
    parser.add_argument("--requests", type=int, default=2000, help="random calls (default: 2,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: 0)")
    parser.add_argument("--quick", action="store_true", help="300 pictures and 300 calls")
    options = parser.parse_args(arguments)
    pictures, requests = (300, 300) if options.quick else (options.pictures, options.requests)
    print(f"{pictures:,} wrong pictures and {requests:,} random calls; {describe_machine()}.")
    with tempfile.TemporaryDirectory() as folder:
        model, gallery = write_tiny_model(Path(folder) / "model.onnx", dimension=_DIMENSION), Path(folder) / "g"
        LiveGallery.create(gallery, model_fingerprint=fingerprint(model.read_bytes()), dimension=_DIMENSION)
        with (
            ServerProcess(model, "--gallery", str(gallery)) as server,
            grpc.insecure_channel(server.address, options=_OPTIONS) as channel,
        ):
            _send_all(server, channel, pictures, requests, options.seed)


def _send_all(server: ServerProcess, channel: grpc.Channel, pictures: int, requests: int, seed: int) -> None:
    stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)
    stub.Embed(retrieval_pb2.EmbedRequest(images=[rare_pictures()["JPEG"]] * 8), timeout=60)  # a server that is warm
    rest = resident_bytes(server.pid)
    large = large_pictures()
    sent = _with_large(wrong_pictures(pictures, np.random.default_rng(seed)), large)
    shown = _Shown()
    _in_threads(sent, lambda numbered: _send_picture(channel, numbered, shown))
    shown.tell("pictures")
    peak = resident_bytes(server.pid, peak=True) if server.is_running else 0
    bad_pictures = shown.bad + (not server.is_running)
    shown = _Shown()
    calls = random_calls(requests, [*list(rare_pictures().values())[:8], b""], np.random.default_rng(seed))
    _in_threads(calls, lambda call: _send_call(channel, call, shown))
    shown.tell("requests")
    if not server.is_running:
        sys.exit("Error: the server ended while it was sent random calls; see above")
    print(f"resident at rest {rest / 2**20:,.0f} MiB, at most {peak / 2**20:,.0f} MiB while pictures were sent")
    print_measure("fuzz.images_crashes", [bad_pictures], goal=0, better="lower")
    print_measure("fuzz.requests_internal_errors", [shown.bad], goal=0, better="lower")
    print_measure("fuzz.peak_memory_of_budget", [(peak - rest) / DECODED_BYTES_IN_FLIGHT], goal=1, better="lower")


class _Shown:
    """Counts what was answered, and keeps what is bad."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.bad = 0

    def note(self, name: str, code: grpc.StatusCode, details: str = "") -> None:
        """Take in one answer; what takes longer than the deadline comes as DEADLINE_EXCEEDED."""
        self.codes[code.name] += 1
        if code in _BAD or code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            self.bad += 1
            if self.bad <= 10:
                print(f"bad: {name}: {code.name} {details[:200]}")

    def tell(self, what: str) -> None:
        """Print the counts."""
        print(f"{what}: {', '.join(f'{number:,} {name}' for name, number in self.codes.most_common())}", flush=True)


def _with_large(
    pictures: Iterable[tuple[str, bytes]], large: dict[str, bytes]
) -> Iterable[tuple[int, tuple[str, bytes]]]:
    """Number the pictures, and put all large ones between them now and then."""
    for number, named in enumerate(pictures):
        if number % _LARGE_EVERY == _LARGE_EVERY // 2:
            for each in large.items():
                yield number, each
        yield number, named


def _send_picture(channel: grpc.Channel, numbered: tuple[int, tuple[str, bytes]], shown: _Shown) -> None:
    """Send a picture to one of the rpcs that decode."""
    number, (name, data) = numbered
    within = _HANGS_S * (12 if name.startswith("47") else 1)  # those wait for each other, by the budget
    try:
        if number % 3 == 0:
            embed = retrieval_pb2_grpc.RetrievalServiceStub(channel).Embed
            answer = embed(retrieval_pb2.EmbedRequest(images=[data]), timeout=within)
            code = answer.results[0].error.code
            shown.note(f"Embed of {name}", _status(code), answer.results[0].error.message)
        elif number % 3 == 1:
            search = retrieval_pb2_grpc.RetrievalServiceStub(channel).Search
            search(retrieval_pb2.SearchRequest(image=data), timeout=within)
            shown.note(name, grpc.StatusCode.OK)
        else:
            upsert = gallery_pb2_grpc.GalleryServiceStub(channel).UpsertItems
            item = gallery_pb2.NewItem(item_id=f"{number}.png", image=data, label="a")
            upsert(gallery_pb2.UpsertItemsRequest(items=[item]), timeout=within)
            shown.note(name, grpc.StatusCode.OK)
    except grpc.RpcError as error:
        shown.note(name, error.code(), error.details() or "")


def _send_call(channel: grpc.Channel, call: Call, shown: _Shown) -> None:
    """Make a call as its bytes are; every reply, and every error of an item in one, is looked at."""
    method = call.method
    kind = ("stream" if method.client_streaming else "unary") + "_" + ("stream" if method.server_streaming else "unary")
    reply = message_factory.GetMessageClass(method.output_type)
    invoke: Callable[..., Any] = getattr(channel, kind)(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=bytes,
        response_deserializer=reply.FromString,
    )
    try:
        given = iter(call.requests) if method.client_streaming else call.requests[0]
        answer = invoke(given, timeout=_HANGS_S * 4)
        for each in answer if method.server_streaming else [answer]:
            for refusal in refusals(each):
                shown.note(method.name, _status(refusal.code), refusal.message)
        shown.note(method.name, grpc.StatusCode.OK)
    except grpc.RpcError as error:
        shown.note(method.name, error.code(), error.details() or "")


def _status(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if code.value[0] == number), grpc.StatusCode.UNKNOWN)


def _in_threads(values: Iterable[Any], work: Callable[[Any], None]) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(work, values):
            pass
