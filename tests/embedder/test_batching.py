"""Calls at the same time, run together by a backend that says what it was given."""

import gc
import random
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smserve.embedder import Embedder, InferenceSettings
from smserve.embedder.batching import Batcher, batch_sizes
from smserve.errors import Cancelled
from smserve.types import FloatArray
from tests.support.pictures import COLORS, draw, encode

TIMEOUT_S = 30


def always() -> None:
    """Somebody waits."""


def picture(value: int, count: int = 1) -> NDArray[np.uint8]:
    return np.full((count, 2, 2, 3), value, np.uint8)


class Recorder:
    """A network whose embedding is the first pixel's value; it runs one batch at a time, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)  # once a batch
        self._running = threading.Lock()

    def __call__(self, pixels: NDArray[np.uint8]) -> FloatArray:
        assert self._running.acquire(blocking=False), "two batches at the same time"
        try:
            values = pixels[:, 0, 0, 0]
            self.batches.append(values.tolist())
            self.entered.release()
            assert self.open.wait(TIMEOUT_S)
            if 13 in values:
                raise ValueError("unlucky")
            return values[:, np.newaxis].astype(np.float32)
        finally:
            self._running.release()


def waiting(batcher: Batcher, count: int) -> None:
    """Return once so many calls wait."""
    until = time.monotonic() + TIMEOUT_S
    while len(batcher._waiting) < count:
        assert time.monotonic() < until
        time.sleep(0.001)


class Callers:
    """Threads that each ask for one picture, in order, while a batch is held back."""

    def __init__(self, batcher: Batcher, recorder: Recorder) -> None:
        self.batcher, self.recorder = batcher, recorder
        self.pool = ThreadPoolExecutor(64)
        recorder.open.clear()
        self.first = self.pool.submit(batcher.run, picture(100), always)
        assert recorder.entered.acquire(timeout=TIMEOUT_S)

    def ask(self, pixels: NDArray[np.uint8], still_wanted: Callable[[], None] = always) -> Callable[[], FloatArray]:
        before = len(self.batcher._waiting)
        future = self.pool.submit(self.batcher.run, pixels, still_wanted)
        waiting(self.batcher, before + 1)
        return lambda: future.result(TIMEOUT_S)

    def let(self) -> None:
        self.recorder.open.set()


def test_one_alone_does_not_wait() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder, max_batch=4)
    assert batcher.run(picture(7), always).tolist() == [[7]]
    assert batcher.run(picture(8, 2), always).tolist() == [[8], [8]]
    assert recorder.batches == [[7], [8, 8]]


def test_what_comes_while_a_batch_runs_makes_the_next_ones_in_order() -> None:
    recorder = Recorder()
    callers = Callers(Batcher(recorder, max_batch=4), recorder)
    answers = [callers.ask(picture(value)) for value in range(10)]
    callers.let()
    assert [answer().tolist() for answer in answers] == [[[value]] for value in range(10)]
    assert recorder.batches == [[100], [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_call_is_never_split_and_one_that_is_too_large_runs_alone() -> None:
    recorder = Recorder()
    callers = Callers(Batcher(recorder, max_batch=4), recorder)
    answers = [callers.ask(picture(value, count)) for value, count in ((1, 3), (2, 2), (3, 6), (4, 1), (5, 3))]
    callers.let()
    assert [len(answer()) for answer in answers] == [3, 2, 6, 1, 3]
    assert recorder.batches == [[100], [1] * 3, [2] * 2, [3] * 6, [4, 5, 5, 5]]


def test_batches_are_filled_up_to_few_sizes() -> None:
    recorder = Recorder()
    callers = Callers(Batcher(recorder, max_batch=6, fill_up=True), recorder)
    answers = [callers.ask(picture(value)) for value in (1, 2, 3)]
    callers.let()
    assert [answer().tolist() for answer in answers] == [[[1]], [[2]], [[3]]]
    assert recorder.batches == [[100], [1, 2, 3, 0]]
    assert [batch_sizes(most) for most in (1, 2, 6, 32)] == [(1,), (1, 2), (1, 2, 4, 6), (1, 2, 4, 8, 16, 32)]


def test_an_error_reaches_every_caller_of_its_batch_and_no_other() -> None:
    recorder = Recorder()
    callers = Callers(Batcher(recorder, max_batch=2), recorder)
    lucky, unlucky, beside, after = (callers.ask(picture(value)) for value in (1, 13, 14, 15))
    together = callers.ask(picture(16))
    callers.let()
    assert callers.first.result(TIMEOUT_S).tolist() == [[100]]
    for failed in (lucky, unlucky):
        with pytest.raises(ValueError, match="unlucky"):
            failed()
    assert [answer().tolist() for answer in (beside, after, together)] == [[[14]], [[15]], [[16]]]


def test_pictures_of_a_batch_that_failed_are_let_go_of_at_once() -> None:
    batcher, unlucky = Batcher(Recorder(), max_batch=2), picture(13)
    held = weakref.ref(unlucky)
    gc.disable()  # or else a look for cycles would find them
    try:
        with pytest.raises(ValueError, match="unlucky") as caught:
            batcher.run(unlucky, always)
        del unlucky, caught
        assert held() is None
    finally:
        gc.enable()


def test_a_caller_that_gives_up_is_left_out_and_the_others_are_answered() -> None:
    recorder = Recorder()
    callers = Callers(Batcher(recorder, max_batch=4), recorder)
    gone = threading.Event()

    def still_wanted() -> None:
        if gone.is_set():
            raise Cancelled("gone")

    before, gives_up, after = (callers.ask(picture(1)), callers.ask(picture(2), still_wanted), callers.ask(picture(3)))
    gone.set()
    with pytest.raises(Cancelled):
        gives_up()
    callers.let()
    assert [answer().tolist() for answer in (before, after)] == [[[1]], [[3]]]
    assert recorder.batches == [[100], [1, 3]]


def test_a_delay_lets_a_batch_fill_and_a_full_one_does_not_wait() -> None:
    """The delay is longer than any test: only a full batch ends it."""
    recorder = Recorder()
    batcher = Batcher(recorder, max_batch=3, max_delay_s=600)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(batcher.run, picture(value), always) for value in (1, 2, 3)]
        assert [answer.result(TIMEOUT_S).tolist() for answer in answers] == [[[1]], [[2]], [[3]]]
    assert [sorted(batch) for batch in recorder.batches] == [[1, 2, 3]]
    short = Batcher(recorder, max_batch=3, max_delay_s=0.01)
    assert short.run(picture(4), always).tolist() == [[4]]


@pytest.mark.parametrize("delay_s", [0.0, 0.001])
def test_thousands_of_calls_each_get_their_own_answer(delay_s: float) -> None:
    """Some fail, some give up; a wake-up that got lost would leave a caller behind."""
    recorder = Recorder()

    def run(pixels: NDArray[np.uint8]) -> FloatArray:
        time.sleep(0.0005)
        return recorder(pixels)

    batcher = Batcher(run, max_batch=8, max_delay_s=delay_s, poll_s=0.0005)
    outcomes: list[str] = []

    def ask(seed: int) -> None:
        numbers = random.Random(seed)  # noqa: S311 - no secret
        for _ in range(100):
            value, count = numbers.choice([*range(1, 13), *range(14, 60), 13]), numbers.choice([1, 1, 1, 2, 5, 9])
            impatient = numbers.random() < 0.1

            def still_wanted(impatient: bool = impatient) -> None:
                if impatient:
                    raise Cancelled("gone")

            try:
                vectors = batcher.run(picture(value, count), still_wanted)
            except (ValueError, Cancelled) as error:
                outcomes.append(type(error).__name__)
            else:
                assert vectors.tolist() == [[value]] * count
                outcomes.append("answered")

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(ask, range(24), timeout=90))
    assert len(outcomes) == 2400
    assert outcomes.count("answered") > 1000
    assert {"answered", "ValueError", "Cancelled"} == set(outcomes)
    assert not batcher._waiting
    assert not batcher._has_leader
    assert max(map(len, recorder.batches)) <= 9


@pytest.mark.parametrize("fill_up", [False, True])
def test_together_they_are_embedded_as_they_are_one_by_one(tiny_model: Path, fill_up: bool) -> None:
    plain = Embedder(tiny_model, InferenceSettings(max_batch=1))
    pixels = np.stack([plain.prepare(encode(draw(color, seed))) for color in COLORS for seed in range(4)])
    expected = np.concatenate([plain.embed(each[np.newaxis]) for each in pixels])
    batcher = Batcher(plain.embed, max_batch=5, max_delay_s=0.01, fill_up=fill_up)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda each: batcher.run(each[np.newaxis], always)[0], pixels, timeout=TIMEOUT_S))
    np.testing.assert_allclose(np.stack(found), expected, rtol=0, atol=1e-6)


def test_who_listens_hears_of_each_batch_without_what_fills_it_up() -> None:
    recorder, told = Recorder(), list[int]()
    callers = Callers(Batcher(recorder, max_batch=8, fill_up=True, on_batch=told.append), recorder)
    answers = [callers.ask(picture(value)) for value in range(3)]
    callers.let()
    assert [answer().tolist() for answer in answers] == [[[0]], [[1]], [[2]]]
    assert told == [1, 3]
    assert [len(batch) for batch in recorder.batches] == [1, 4]


@pytest.mark.parametrize("batch", [1, 8])
def test_a_model_tells_of_its_batches(tiny_model: Path, batch: int) -> None:
    embedder, told = Embedder(tiny_model, InferenceSettings(max_batch=batch)), list[int]()
    embedder.listen(told.append)
    embedder.warm_up([1, 2])
    assert told == []
    prepared = embedder.prepare(encode(draw("red")))
    embedder.embed(np.stack([prepared] * 3))
    embedder.embed(prepared[np.newaxis])
    assert told == [3, 1]
