"""Every setting of a server, with its unit, checked once."""

import ipaddress
import math
import os
from dataclasses import dataclass, field

from smserve.config import (
    DEFAULT_HOST,
    DEFAULT_MAX_STREAM_REQUESTS,
    DEFAULT_MAX_STREAMS,
    DEFAULT_MAX_WAITING,
    DEFAULT_PORT,
)
from smserve.errors import InvalidInput
from smserve.server.security import Security

__all__ = ["ServerSettings", "default_in_flight"]


def default_in_flight(processes: int = 1) -> int:
    """Return how many calls each of so many processes runs at a time, so that together they use this machine's cores.

    A call keeps a core busy while it decodes and embeds; one more than cores keeps them all busy.

    Still more answer no more calls, and keep refusals and health waiting for a core: on two cores, at four times the
    capacity, a refusal took 15 ms with four in flight and 9 ms with three (medians; benchmark `overload`). With two,
    refusals took so much of the cores that only three quarters of the capacity were left for answers.
    """
    return 1 + math.ceil((os.cpu_count() or 1) / processes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server runs.

    Attributes:
        host: Address to bind; 127.0.0.1 is reached from this machine alone.
        port: 0 takes a free one.
        share_port: Answer on it beside other processes of this user that do so, too; else a port in use is an error.
        max_in_flight: Calls that run at the same time.
        max_waiting: Calls that wait for their turn; one more is refused with Overloaded.
        max_wait_s: Longest wait for a turn.
        max_streams: Streams that are open at the same time, those of reflection not counted.
        max_stream_requests: Unanswered requests of one stream; no further ones are read meanwhile.
        drain_delay_s: Time between "not serving" in health and refusing calls, so that load balancers notice; None
            means 0 on a loopback address, else 5.
        grace_s: Time that calls which run or wait get at shutdown.
        open_inference: Answer the Open Inference Protocol, too.
        metrics_host: Address that Prometheus scrapes; as everybody who reaches it can.
        metrics_port: Port of it; 0 takes a free one, with None nothing is counted.
        security: Who may connect and call.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    share_port: bool = False
    max_in_flight: int = field(default_factory=default_in_flight)
    max_waiting: int = DEFAULT_MAX_WAITING
    max_wait_s: float = 10.0
    max_streams: int = DEFAULT_MAX_STREAMS
    max_stream_requests: int = DEFAULT_MAX_STREAM_REQUESTS
    drain_delay_s: float | None = None
    grace_s: float = 25.0
    open_inference: bool = False
    metrics_host: str = DEFAULT_HOST
    metrics_port: int | None = None
    security: Security = field(default_factory=Security)

    def __post_init__(self) -> None:
        """Refuse values that no server can run with.

        Raises:
            InvalidInput: A value is out of range, or other machines would reach a server that knows no callers.
        """
        for name, value, least, most in (
            ("port", self.port, 0, 65535),
            ("metrics_port", self.metrics_port or 0, 0, 65535),
            ("max_in_flight", self.max_in_flight, 1, 1024),
            ("max_waiting", self.max_waiting, 0, 4096),
            ("max_wait_s", self.max_wait_s, 0, 3600),
            ("max_streams", self.max_streams, 0, 1024),
            ("max_stream_requests", self.max_stream_requests, 1, 256),
            ("drain_delay_s", self.drain_delay_s or 0, 0, 3600),
            ("grace_s", self.grace_s, 0, 3600),
        ):
            if not least <= value <= most:
                raise InvalidInput(f"{name} is {value}; wanted {least} to {most}", field=name)
        if not self.is_loopback:
            self.security.check_reach(self.host)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return _is_loopback(self.host)

    @property
    def shows_metrics(self) -> bool:
        """Whether other machines can read the metrics."""
        return self.metrics_port is not None and not _is_loopback(self.metrics_host)

    @property
    def drain_delay(self) -> float:
        """`drain_delay_s`, decided."""
        if self.drain_delay_s is not None:
            return self.drain_delay_s
        return 0.0 if self.is_loopback else 5.0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host == "localhost"
