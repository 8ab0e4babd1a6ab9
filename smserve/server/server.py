"""The gRPC server: it takes a port, serves an engine, and stops without cutting calls off."""

import logging
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE  # type: ignore[import-untyped]  # see above

from smserve.engine import Engine, call_threads
from smserve.errors import Unavailable
from smserve.server.admission import Admission
from smserve.server.arrival import CAN_READ_AHEAD
from smserve.server.call_pool import CallPool
from smserve.server.calls import CallInterceptor
from smserve.server.capacity import ADMINISTRATORS, call_limits, thread_count
from smserve.server.entrance import Entrance
from smserve.server.grpc_options import grpc_options
from smserve.server.health import Health
from smserve.server.health_port import HealthPort
from smserve.server.load import Load
from smserve.server.memory import MemoryReport
from smserve.server.observing import Observation
from smserve.server.places import StreamPlaces
from smserve.server.reflection import ReflectionCap, add_reflection
from smserve.server.refusals import Refusals
from smserve.server.security import Access
from smserve.server.security.tls import Certificates
from smserve.server.settings import ServerSettings
from smserve.service import GalleryServicer, RetrievalServicer
from smserve.service.streams import Streams
from smserve.v1 import gallery_pb2, gallery_pb2_grpc, retrieval_pb2, retrieval_pb2_grpc

if TYPE_CHECKING:
    from smserve.server.observing.traces import Traces

__all__ = ["Server"]

_log: Final = logging.getLogger(__name__)

_SERVICES: Final = (
    retrieval_pb2.DESCRIPTOR.services_by_name["RetrievalService"].full_name,
    gallery_pb2.DESCRIPTOR.services_by_name["GalleryService"].full_name,
)

_OPEN_INFERENCE: Final = "inference.GRPCInferenceService"

_SETTLING_S: Final = 0.1
"""At shutdown, time for calls that are on their way to arrive: gRPC drops those that it has not yet handed over.

Once before no more are let in, and once before gRPC itself stops."""


def _services(settings: ServerSettings) -> tuple[str, ...]:
    return (*_SERVICES, _OPEN_INFERENCE) if settings.open_inference else _SERVICES


class Server:
    """Takes the port when made, answers once started; a context manager that stops it."""

    def __init__(self, settings: ServerSettings, *, traces: "Traces | None" = None) -> None:
        """Bind the port, and those of health and of metrics where they have one, which answer from then on.

        Args:
            settings: How to serve.
            traces: Gets a span for each call; the server owns it from here on and closes it.

        Raises:
            InvalidInput: A certificate, a key or the file of keys can't be used.
            Unavailable: A port is taken or a host is none of this machine's.
        """
        self.settings: Final = settings
        self._engine: Engine | None = None
        self._stopped = False
        access, self._certificates = Access(settings.security), Certificates.of(settings.security)
        self._hurry = threading.Event()
        self._observation = Observation(
            self.load, metrics_host=settings.metrics_host, metrics_port=settings.metrics_port, traces=traces
        )
        self._refusals = Refusals()
        self._admission = Admission(
            max_in_flight=settings.max_in_flight,
            max_waiting=settings.max_waiting,
            max_wait_s=settings.max_wait_s,
            refusals=self._refusals,
        )
        self._administration = Admission(
            max_in_flight=ADMINISTRATORS, max_waiting=0, max_wait_s=0, refusals=self._refusals
        )
        waited, entrance = self._observation.waited, Entrance(self._admission, self._observation.waited)
        self._calls = CallPool(self._admission, settings.max_in_flight, waited) if CAN_READ_AHEAD else None
        self._places = StreamPlaces(settings.max_streams, self._refusals)
        self._streams = Streams(entrance, max_requests=settings.max_stream_requests, threads=settings.max_in_flight)
        self._server = grpc.server(
            call_threads(thread_count(settings), "smserve"),
            interceptors=[
                ReflectionCap(access),
                CallInterceptor(
                    access,
                    entrance,
                    Entrance(self._administration),
                    self._places,
                    self._observation.observers(),
                    self._calls,
                ),
            ],
            options=grpc_options(share_port=settings.share_port),
        )
        self._health = Health()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection(self._server, (*_services(settings), HEALTH_SERVICE))
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._health_port = None
        try:
            self.port: Final[int] = self._bind()
            if settings.security.health_port is not None:
                self._health_port = HealthPort(
                    self._health, settings.host, settings.security.health_port, share=settings.share_port
                )
        except BaseException:
            self._let_go()
            raise

    @property
    def address(self) -> str:
        """HOST:PORT with the real port."""
        return f"{self.settings.host}:{self.port}"

    @property
    def health_address(self) -> str | None:
        """HOST:PORT of the port that answers health alone; None where there is none."""
        return f"{self.settings.host}:{self._health_port.port}" if self._health_port else None

    @property
    def metrics_url(self) -> str | None:
        """Where Prometheus scrapes, with the real port; None for nowhere."""
        return self._observation.metrics_url

    def load(self) -> Load:
        """Return how busy the server is."""
        running, waiting = self._admission.counts()
        return Load(
            running=running + self._administration.counts()[0],
            waiting=waiting,
            streams=self._places.open,
            refusals=self._refusals.counts(),
        )

    def start(self, engine: Engine, memory: MemoryReport | None = None) -> None:
        """Begin to answer; the server owns the engine from here on and closes it.

        Args:
            engine: Answers.
            memory: What was predicted, for GetServerInfo.
        """
        self._engine = engine
        self._observation.watch(engine)
        tell = (memory or MemoryReport()).info
        retrieval = RetrievalServicer(engine, self._streams, call_limits(self.settings), tell)
        retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(retrieval, self._server)
        gallery_pb2_grpc.add_GalleryServiceServicer_to_server(GalleryServicer(engine, self._streams), self._server)
        if self.settings.open_inference:
            from smserve.service.open_inference import add_open_inference  # its messages clash with tritonclient's

            add_open_inference(self._server, engine)
        self._server.start()
        self._set_health(health_pb2.HealthCheckResponse.SERVING)

    def stop(self) -> None:
        """Drain, let calls that run or wait finish, close the galleries; calling it twice is harmless.

        Health says NOT_SERVING first, and calls are still answered for the drain delay. Streams are told to end: what
        was read of them is answered.
        """
        if self._stopped:
            return
        self._stopped = True
        self._health.enter_graceful_shutdown()
        if self._engine is not None:
            self._hurry.wait(max(_SETTLING_S, self.settings.drain_delay))
        self._health.end_watches()
        self._places.close()
        self._administration.close()
        self._admission.close()
        if self._engine is not None:
            self._hurry.wait(_SETTLING_S)  # calls that are on their way are told so
        stopped = self._server.stop(0 if self._hurry.is_set() else self.settings.grace_s)
        while not stopped.wait(0.05):
            if self._hurry.is_set():
                self._server.stop(0)
        self._streams.close()
        if self._health_port is not None:
            self._health_port.stop()
        if self._engine is not None:
            if self._is_idle_in_time():
                self._engine.close()
            else:
                _log.warning("calls still run after the grace; the galleries are left to the end of the process")
        self._let_go()

    def hurry(self) -> None:
        """Make a `stop` that is going on in another thread give up on running calls; not for a signal handler."""
        self._hurry.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _bind(self) -> int:
        address = f"{self.settings.host}:{self.settings.port}"
        try:
            if self._certificates is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, self._certificates.credentials())
        except RuntimeError:
            raise Unavailable(
                f"can't listen on {address}; the port is in use or the address is not this machine's; choose another "
                f"with --port (0 takes a free one) and --host"
            ) from None

    def _is_idle_in_time(self) -> bool:
        """Wait a little for what gRPC has given up already, and return whether it has ended."""
        end = time.monotonic() + (0 if self._hurry.is_set() else 5)
        return all(
            each.wait_until_idle(max(0, end - time.monotonic()))
            for each in (self._places, self._administration, self._admission)
        )

    def _let_go(self) -> None:
        if self._calls is not None:
            self._calls.shutdown()
        self._observation.close(self._hurry)

    def _set_health(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in ("", *_services(self.settings)):
            self._health.set(name, status)
