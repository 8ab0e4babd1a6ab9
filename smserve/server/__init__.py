"""A process that answers: port, threads, admission, health, signals.

    with Server(ServerSettings(port=0)) as server:
        server.start(open_engine(model, [("photos", gallery)]))
        ...  # server.address

`serve` does the same until SIGTERM or SIGINT, and `supervise` by several processes; `smserve serve` is their command.
"""

from smserve.server.observing import LogFormat, configure_logs, open_traces
from smserve.server.opening import open_engine
from smserve.server.process import serve
from smserve.server.security import Security
from smserve.server.server import Server
from smserve.server.settings import ServerSettings
from smserve.server.workers import supervise

__all__ = [
    "LogFormat",
    "Security",
    "Server",
    "ServerSettings",
    "configure_logs",
    "open_engine",
    "open_traces",
    "serve",
    "supervise",
]
