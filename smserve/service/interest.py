"""Whether anybody still waits for an answer."""

from collections.abc import Callable

import grpc

from smserve.errors import Cancelled, DeadlineExceeded

__all__ = ["still_wanted"]


def still_wanted(context: grpc.ServicerContext) -> Callable[[], None]:
    """Return a function that raises once the call's deadline has passed or its caller is gone.

    The function raises DeadlineExceeded or Cancelled.
    """

    def check() -> None:
        remaining_s = context.time_remaining()
        if remaining_s is not None and remaining_s <= 0:
            raise DeadlineExceeded("the deadline passed before the answer was ready; allow more time")
        if not context.is_active():
            raise Cancelled("the caller gave up before the answer was ready")

    return check
