"""Whether anybody still waits for an answer."""

import math
from collections.abc import Callable

import grpc

from smserve.errors import Cancelled, DeadlineExceeded

__all__ = ["remaining_s", "still_wanted"]


def still_wanted(context: grpc.ServicerContext) -> Callable[[], None]:
    """Return a function that raises once the call's deadline has passed or its caller is gone.

    The function raises DeadlineExceeded or Cancelled.
    """

    def check() -> None:
        left_s = context.time_remaining()
        if left_s is not None and left_s <= 0:
            raise DeadlineExceeded("the deadline passed before the answer was ready; allow more time")
        if not context.is_active():
            raise Cancelled("the caller gave up before the answer was ready")

    return check


def remaining_s(context: grpc.ServicerContext) -> float | None:
    """Return the time until the call's deadline; None where it has none."""
    left_s = context.time_remaining()
    return None if left_s is None or math.isinf(left_s) else left_s
