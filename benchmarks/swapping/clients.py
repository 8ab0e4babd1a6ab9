"""Clients that ask as fast as they are answered, and note every answer."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from smserve.errors import SmserveError
from smserve.types import Hit

__all__ = ["TOP_K", "Answer", "Answers", "Ask", "Clients"]

TOP_K: Final = 10
_ROOM: Final = 150_000  # answers of one client


class Answer(NamedTuple):
    """What a client was told.

    Attributes:
        generation: That the answer names.
        sequence: Of the last write that it holds; -1 where the answer doesn't say.
        hits: In their order; `TOP_K`, and their ids are numbers.
    """

    generation: int
    sequence: int
    hits: Sequence[Hit]


Ask = Callable[[int], Answer]
"""Asks the query of a number."""


class Answers:
    """Answers as columns; room for them is taken at once, so that the process doesn't grow by noting them."""

    def __init__(self, room: int) -> None:
        self.count = 0
        self.query = np.full(room, 0, np.int32)
        self.generation = np.full(room, 0, np.int32)
        self.sequence = np.full(room, 0, np.int32)
        self.seconds = np.full(room, 0, np.float32)
        self.rows = np.full((room, TOP_K), -1, np.int32)  # ids of the hits; -1 where there is none
        self.scores = np.full((room, TOP_K), 0, np.float32)

    def note(self, query: int, answer: Answer, seconds: float) -> None:
        """Take in one answer."""
        at = self.count
        self.query[at], self.generation[at], self.sequence[at] = query, answer.generation, answer.sequence
        self.seconds[at] = seconds
        for place, hit in enumerate(answer.hits[:TOP_K]):
            self.rows[at, place], self.scores[at, place] = int(hit.item_id), hit.score
        self.count += 1

    def size_bytes(self) -> int:
        """Return what it takes."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))


class Clients:
    """Threads that ask one query after another, each its own way through them.

    Attributes:
        answers: Of each client.
        failures: Messages of the calls that failed.
    """

    def __init__(self, asks: Sequence[Ask], queries: int) -> None:
        self._asks: Final = asks
        self._queries: Final = queries
        self.answers: Final = [Answers(_ROOM) for _ in asks]
        self.failures: Final[list[str]] = []

    def while_running(self, work: Callable[[], None]) -> np.ndarray:
        """Ask while some work is done; returns the seconds that each answer of that time took."""
        stop, before = threading.Event(), [answers.count for answers in self.answers]
        threads = [threading.Thread(target=self._ask_on, args=(number, stop)) for number in range(len(self._asks))]
        for thread in threads:
            thread.start()
        try:
            work()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        parts = [each.seconds[start : each.count] for each, start in zip(self.answers, before, strict=True)]
        return np.concatenate(parts)

    def _ask_on(self, number: int, stop: threading.Event) -> None:
        random, ask, answers = np.random.default_rng(number), self._asks[number], self.answers[number]
        while not stop.is_set():
            query, started = int(random.integers(self._queries)), time.monotonic()
            try:
                answer = ask(query)
            except SmserveError as error:
                self.failures.append(error.message)
                continue
            answers.note(query, answer, time.monotonic() - started)
