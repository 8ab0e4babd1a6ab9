"""Several processes that train one network, by torch.distributed; `torchrun` starts them.

What takes part in all of them (gathering, computing once for all) must be called in all of them, in the same order.
With one process, everything here does what its name says and costs nothing.
"""

import datetime
import gc
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from smserve.errors import SmserveError

__all__ = [
    "first_on_its_machine",
    "gather_rows",
    "is_first",
    "joined_processes",
    "local_rank",
    "mean_gradients",
    "once_for_all",
    "process_count",
    "process_rank",
]

# Processes that wait for one that fetches, decodes or builds a graph; torchrun itself notices one that has died.
_PATIENCE: Final = datetime.timedelta(hours=4)

_Value = TypeVar("_Value")


@contextmanager
def joined_processes() -> Iterator[None]:
    """Join the processes that torchrun started, inside the block; alone, do nothing.

    Raises:
        SmserveError: They don't find each other.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    # Its functions take the group of the time at which they are imported for a default argument, and would keep it and
    # its threads; DistributedDataParallel imports it.
    importlib.import_module("torch.distributed.nn.functional")
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (RuntimeError, ValueError, dist.DistError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SmserveError(
            f"the {os.environ['WORLD_SIZE']} processes can't be joined ({reason}); start them with torchrun, for "
            f"example: torchrun --nproc-per-node 2 -m training train ..."
        ) from None
    try:
        yield
    finally:
        gc.collect()  # a held group keeps its threads, which abort an interpreter that ends while they drop tensors
        dist.destroy_process_group()


def process_count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def local_rank() -> int:
    """Which of the processes on this machine this is, from 0; it takes the CUDA device of that number."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_first() -> bool:
    """Whether this process is the one that writes and shows."""
    return process_rank() == 0


def once_for_all(function: Callable[[], _Value]) -> _Value:
    """Call a function in the first process, and return its value in all of them; what it raises is raised in all.

    The value is pickled on the way to the others.
    """
    if process_count() == 1:
        return function()
    sent: list[_Value | SmserveError | None] = [None]
    if is_first():
        try:
            sent[0] = function()
        except SmserveError as error:
            sent[0] = error
    dist.broadcast_object_list(sent, src=0)
    if isinstance(sent[0], SmserveError):
        raise sent[0]
    return sent[0]  # type: ignore[return-value] # what the function returned


@contextmanager
def first_on_its_machine() -> Iterator[None]:
    """Run the block in one process of each machine before the others, which then find what it left on the disk."""
    if process_count() > 1 and local_rank() != 0:
        dist.barrier()
    try:
        yield
    finally:
        if process_count() > 1 and local_rank() == 0:
            dist.barrier()


def gather_rows(rows: Tensor) -> Tensor:
    """Return (processes, R, ...): the rows (R, ...) of every process, by rank; without gradients.

    All have the same shape.
    """
    if process_count() == 1:
        return rows.detach()[None]
    rows = rows.detach().contiguous()
    gathered = [torch.empty_like(rows) for _ in range(process_count())]
    dist.all_gather(gathered, rows)
    return torch.stack(gathered)


def mean_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """Set the gradients of parameters that every process computed to their mean, so that they stay the same in all."""
    if process_count() == 1:
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= process_count()
