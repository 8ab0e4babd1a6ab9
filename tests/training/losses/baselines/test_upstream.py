import sys

import pytest

from smserve.errors import Unavailable
from training.config import LossConfig
from training.losses import Objective

BASELINES = ("semi_hard", "batch_hard", "margin", "proxy_anchor", "cross_batch_memory")


@pytest.mark.parametrize("pair", BASELINES)
def test_without_the_library_the_way_out_is_named(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.losses", None)  # as if it were not installed
    with pytest.raises(Unavailable, match=r"pip install 'smserve\[bench\]'"):
        Objective(LossConfig(pair=pair), classes=3, dimension=2)  # type: ignore[arg-type] # one of its names


@pytest.mark.parametrize("pair", ["triplet_ratio", "multi_similarity"])
def test_our_own_losses_do_without(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.losses", None)
    Objective(LossConfig(pair=pair), classes=3, dimension=2)  # type: ignore[arg-type] # one of its names
