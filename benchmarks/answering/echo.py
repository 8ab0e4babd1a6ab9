"""The plainest Python gRPC server: answers any bytes with a few of its own. `python -m benchmarks.answering.echo`."""

from typing import Final

import grpc

from benchmarks.answering.listening import listen

__all__ = ["METHOD"]

METHOD: Final = "/echo.Echo/Echo"
_REPLY: Final = bytes(500)  # as long as ten hits


class _Handler(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: _REPLY)  # noqa: ARG005 - gRPC's names


def _main() -> None:
    listen(lambda server: server.add_generic_rpc_handlers((_Handler(),)))


if __name__ == "__main__":
    _main()
