import io

import numpy as np
import pytest
import torch

from training.config import SamplerConfig
from training.samplers import Plan, build_sampler

LABELS = np.repeat(np.arange(12), 5)


def kept(plan: Plan) -> Plan:
    """A plan as a checkpoint gives it back."""
    file = io.BytesIO()
    torch.save(plan.state(), file)
    file.seek(0)
    return Plan.from_state(torch.load(file, weights_only=True))


@pytest.mark.parametrize("kind", ["triplets", "classes"])
def test_a_plan_comes_back_from_a_checkpoint(kind: str) -> None:
    config = SamplerConfig(kind=kind, batch_size=16, per_anchor=3)  # type: ignore[arg-type] # one of the literals
    plan = build_sampler(config, LABELS).plan(None, 0.0, np.random.default_rng(0))
    plan = Plan(batches=plan.batches, figures={**plan.figures, "hardness": np.float64(0.1) * 3, "nothing": None})
    found = kept(plan)
    assert found.figures == plan.figures
    assert len(found.batches) == len(plan.batches) > 2
    for batch, other in zip(plan.batches, found.batches, strict=True):
        assert np.array_equal(batch.indices, other.indices)
        assert (batch.triplets is None) == (other.triplets is None) == (kind == "classes")
        if batch.triplets is not None and other.triplets is not None:
            assert np.array_equal(batch.triplets, other.triplets)
            assert np.array_equal(batch.mined, other.mined)  # type: ignore[arg-type] # there with triplets


def test_an_empty_plan() -> None:
    assert kept(Plan(batches=[])).batches == []


def test_another_document_is_refused() -> None:
    with pytest.raises(KeyError, match="indices"):
        Plan.from_state({"batches": []})
