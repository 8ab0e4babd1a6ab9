"""What is measured."""

import pytest

from smserve.embedder import InferenceSettings
from smserve.tuning.candidates import KINDS, candidates_of


@pytest.mark.parametrize("cores", [1, 2, 6, 64, 1000])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.provider} {kind.precision}")
def test_candidates_differ_and_keep_the_cores_busy(kind: InferenceSettings, cores: int) -> None:
    candidates = candidates_of(kind, cores)
    assert len(set(candidates)) == len(candidates)
    for candidate in candidates:
        settings = candidate.settings
        assert (settings.provider, settings.precision) == (kind.provider, kind.precision)
        assert settings.threads_a_call * candidate.max_in_flight >= min(cores, 256)
        assert 2 <= candidate.max_in_flight <= 1024


def test_two_cores_by_hand() -> None:
    found = [
        (each.settings.threads_a_call, each.settings.batch, each.max_in_flight)
        for each in candidates_of(InferenceSettings(), 2)
    ]
    assert found == [(1, 1, 3), (2, 1, 2), (2, 8, 4)]
