"""A Ray cluster, joined: one that runs, or one that is started on this machine and ends with the command."""

import asyncio
import contextlib
import os
import re
import secrets
import sys
import tempfile
from types import ModuleType
from typing import Final

from smserve.errors import InvalidInput, SmserveError, Unavailable

__all__ = ["Cluster", "summary"]

_ADDRESS: Final = re.compile(r"(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_TIMEOUT_S: Final = 10.0
_QUIET: Final = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # of this process: what goes wrong is raised
    "RAY_USAGE_STATS_ENABLED": "0",
}
_LOCAL: Final = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # where Ray sees no cluster in a machine, it listens on loopback alone
    "RAY_worker_niceness": "0",  # its workers do what this process would do
    "RAY_AUTH_MODE": "token",  # other users of the machine can't send it work
}


class Cluster:
    """A connection to a Ray cluster; a process has one at a time.

    While it stands, what is printed on standard output goes to standard error: Ray tells there of workers that died.

    Attributes:
        ray: The module.
    """

    def __init__(self, address: str) -> None:
        """Join it.

        Args:
            address: `HOST:PORT` of its head, `auto` for the one that this machine is part of, or `local` to start one.

        Raises:
            InvalidInput: This is no such address.
            SmserveError: Ray is not installed.
            Unavailable: It can't be joined.
        """
        _check_address(address)
        self.address: Final = address
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            self.ray: Final = _load_ray(local=address == "local")
            stack.callback(self.ray.shutdown)
            self._join(stack)
            self._held: Final = stack.pop_all()

    @property
    def node(self) -> str:
        """The id of this machine within it."""
        node: str = self.ray.get_runtime_context().get_node_id()
        return node

    def room_for(self, *, cpus: int, gpus: int) -> int:
        """Return how many workers that want so much each fit into it as it is now, were it idle."""
        total = self.ray.cluster_resources()
        rooms = [int(total.get(name, 0)) // wanted for name, wanted in (("CPU", cpus), ("GPU", gpus)) if wanted]
        return min(rooms)

    def close(self) -> None:
        """Leave it, and end it if it was started here."""
        self._held.close()

    def _join(self, stack: contextlib.ExitStack) -> None:
        try:
            if self.address == "local":
                # The paths of Ray's sockets leave no room for a long folder.
                folder = stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="smserve-ray-", dir="/tmp", ignore_cleanup_errors=True)
                )
                stack.callback(self.ray.shutdown)  # before its folder goes
                self.ray.init(
                    address="local",
                    _node_ip_address="127.0.0.1",
                    _temp_dir=folder,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level="error",
                )
            else:
                self.ray.init(address=self.address, log_to_driver=False, logging_level="error")
        except Exception as error:  # noqa: BLE001 - Ray raises ConnectionError, RuntimeError, ValueError and its own
            raise Unavailable(
                f"the Ray cluster {self.address!r} can't be joined: {_advice(self.address, error)}"
            ) from None


def summary(error: BaseException) -> str:
    """Return in one line what an error of Ray says in the end; before that stand tracebacks of other machines."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _check_address(address: str) -> None:
    if address.startswith("ray://"):
        raise InvalidInput(
            f"--ray is {address!r}, for Ray's client, over which Ray Data can't work; run this command on a machine "
            f"that is part of the cluster (`ray start --address HOST:6379` makes one so), with --ray auto",
            field="ray",
        )
    if address in {"auto", "local"}:
        return
    matched = _ADDRESS.fullmatch(address)
    if matched is None or not 0 < int(matched["port"]) < 65536:
        raise InvalidInput(f"--ray is {address!r}; wanted HOST:PORT, auto, or local", field="ray")
    host, port = matched["host"].strip("[]"), int(matched["port"])
    try:  # Ray itself would try for more than three minutes
        asyncio.run(_reach(host, port))
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"nothing answers at {address}, where the Ray cluster should be ({error or 'timed out'}); give the "
            f"address that `ray start --head` printed, whose port is 6379 unless that was changed"
        ) from None


async def _reach(host: str, port: int) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _TIMEOUT_S)
    writer.close()


def _load_ray(*, local: bool) -> ModuleType:
    for name, value in (_QUIET | (_LOCAL if local else {})).items():
        os.environ.setdefault(name, value)  # Ray reads them when it is imported
    if local:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SmserveError(
            f"--ray needs Ray, which is not installed ({error}); run: pip install 'smserve[ray]'"
        ) from None
    module: ModuleType = ray
    return module


def _advice(address: str, error: Exception) -> str:
    text = " ".join(re.sub(r"\x1b\[\d+m", "", str(error)).split())
    if "ersion mismatch" in text:
        return f"{text} Install what the cluster has: both versions must be the same, to the last digit of Python's"
    if address == "auto" and isinstance(error, ConnectionError):
        return (
            "this machine is part of none; `ray start --address HOST:6379` makes it so, or give the address, or "
            "--ray local"
        )
    return text or type(error).__name__
