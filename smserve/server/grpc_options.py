"""What gRPC itself is told: sizes, pings, how long a connection lasts."""

from typing import Final

from smserve.config import MAX_MESSAGE_BYTES

__all__ = ["grpc_options"]

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 30 * 60_000),  # clients come back through the load balancer
    ("grpc.max_connection_age_grace_ms", 60_000),
)


def grpc_options(*, share_port: bool) -> tuple[tuple[str, int], ...]:
    """Return the options of a server."""
    # Else a port in use is an error, not a second server that takes half of the calls.
    return (*_OPTIONS, ("grpc.so_reuseport", int(share_port)))
