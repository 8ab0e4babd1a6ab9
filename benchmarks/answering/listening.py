"""A gRPC server that is a side: it tells its address, and ends when nobody holds its standard input any more."""

import json
import os
import sys
from collections.abc import Callable
from concurrent import futures

import grpc

from smserve.v1 import retrieval_pb2

__all__ = ["answer_searches", "listen"]


def listen(add: Callable[[grpc.Server], None]) -> None:
    """Answer what `add` adds to a server, on one thread more than there are cores."""
    threads = 1 + (os.cpu_count() or 1)
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=[("grpc.max_receive_message_length", 2**24)])
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    sys.stdin.read()
    server.stop(None)


def answer_searches(
    search: Callable[[retrieval_pb2.SearchRequest, grpc.ServicerContext], retrieval_pb2.SearchResponse],
) -> None:
    """Answer RetrievalService's Search with a function, and nothing else."""
    handler = grpc.unary_unary_rpc_method_handler(
        search,
        request_deserializer=retrieval_pb2.SearchRequest.FromString,
        response_serializer=retrieval_pb2.SearchResponse.SerializeToString,
    )
    listen(lambda server: server.add_registered_method_handlers("smserve.v1.RetrievalService", {"Search": handler}))
