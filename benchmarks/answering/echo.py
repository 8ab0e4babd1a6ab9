"""The plainest Python gRPC server: answers any bytes with a few of its own. `python -m benchmarks.answering.echo`."""

import json
import os
import sys
from concurrent import futures
from typing import Final

import grpc

__all__ = ["METHOD"]

METHOD: Final = "/echo.Echo/Echo"
_REPLY: Final = bytes(500)  # as long as ten hits


class _Handler(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: _REPLY)  # noqa: ARG005 - gRPC's names


def _main() -> None:
    threads = 1 + (os.cpu_count() or 1)
    server = grpc.server(futures.ThreadPoolExecutor(threads), options=[("grpc.max_receive_message_length", 2**24)])
    server.add_generic_rpc_handlers((_Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    _main()
