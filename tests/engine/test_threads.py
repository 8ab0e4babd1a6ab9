"""Threads that answer calls compute alone."""

import subprocess
import sys
import textwrap

import faiss

from smserve.engine import call_threads


def test_a_thread_that_answers_calls_searches_alone() -> None:
    with call_threads(2, "call") as pool:
        assert [pool.submit(faiss.omp_get_max_threads).result(timeout=10) for _ in range(4)] == [1, 1, 1, 1]


def test_others_are_left_alone() -> None:
    before = faiss.omp_get_max_threads()
    with call_threads(1, "call") as pool:
        pool.submit(int).result(timeout=10)
    assert faiss.omp_get_max_threads() == before


def test_numpy_uses_one_thread_once_told() -> None:
    program = """
        import numpy
        from threadpoolctl import threadpool_info
        from smserve.engine import use_few_threads

        use_few_threads()
        print([each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"])
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=True
    )
    assert set(ran.stdout.strip("[]\n").split(", ")) == {"1"}
