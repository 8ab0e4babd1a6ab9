import io

import numpy as np
import pytest
import torch

from training.config import SamplerConfig
from training.samplers import Batch, Plan, build_sampler

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
        assert batch.mined is not None
        assert other.mined is not None
        assert np.array_equal(batch.mined, other.mined)
        if batch.triplets is not None and other.triplets is not None:
            assert np.array_equal(batch.triplets, other.triplets)


def test_batches_of_which_nobody_knows_what_was_mined() -> None:
    plain, told = Batch(indices=np.array([3, 1])), Batch(indices=np.array([2]), mined=np.array([True]))
    first, second = kept(Plan(batches=[plain, told])).batches
    assert (first.indices.tolist(), first.mined) == ([3, 1], None)
    assert second.mined is not None
    assert (second.indices.tolist(), second.mined.tolist()) == ([2], [True])


def test_an_empty_plan() -> None:
    assert kept(Plan(batches=[])).batches == []


def test_another_document_is_refused() -> None:
    with pytest.raises(KeyError, match="indices"):
        Plan.from_state({"batches": []})
