"""The methods that are compared, as changes to one recipe: backbone, data, augmentation and batch size stay the same.

Each has the same number of trials, of which the best on the validation classes goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from training.config import ControllerConfig, TrainConfig, override

__all__ = ["BASELINES", "CONTENDERS", "SMART_PLUS", "Contender", "settings_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A method.

    Attributes:
        title: For the table.
        settings: Changes to the recipe, as `--set` takes them.
        trials: Further changes, one of which is chosen.
    """

    title: str
    settings: tuple[str, ...]
    trials: tuple[tuple[str, ...], ...]


_RATES: Final = tuple(f"optimizer.learning_rate={rate}" for rate in ("1.25e-4", "2.5e-4"))


def _with_rates(*others: str) -> tuple[tuple[str, ...], ...]:
    """Return trials of each of two settings at each of two learning rates."""
    return tuple((rate, other) for other in others for rate in _RATES)


_ALONE: Final = "loss.global_weight=0"
_MINED: Final = ("loss.pair=multi_similarity", "sampler.random_epochs=1")
_MINED_TRIALS: Final = _with_rates("sampler.mined_share=0.3", "sampler.mined_share=0.6")
_TRIPLETS: Final = (
    "sampler.kind=triplets",
    "sampler.per_anchor=1",
    "sampler.list_length=200",
    "sampler.mined_share=1",
    "sampler.random_epochs=1",
    "loss.pair=triplet_ratio",
)

SMART_PLUS: Final = "smart_plus"

CONTENDERS: Final[Mapping[str, Contender]] = {
    "random_classes": Contender(
        title="random P x K, multi-similarity + global",
        settings=("loss.pair=multi_similarity",),
        trials=_with_rates("loss.global_weight=1", _ALONE),
    ),
    "semi_hard": Contender(
        title="random P x K, semi-hard triplets",
        settings=("loss.pair=semi_hard", _ALONE),
        trials=_with_rates("loss.margin=0.1", "loss.margin=0.2"),
    ),
    "batch_hard": Contender(
        title="random P x K, batch-hard triplets",
        settings=("loss.pair=batch_hard", _ALONE),
        trials=_with_rates("loss.margin=0.2", "loss.margin=0.5"),
    ),
    "margin": Contender(
        title="random P x K, distance-weighted margin",
        settings=("loss.pair=margin", _ALONE),
        trials=_with_rates("loss.boundary=0.8", "loss.boundary=1.2"),
    ),
    "proxy_anchor": Contender(
        title="random P x K, proxy-anchor",  # at the rates of the others it collapses
        settings=("loss.pair=proxy_anchor", _ALONE),
        trials=tuple(
            (f"optimizer.learning_rate={rate}", f"loss.parameter_factor={factor}")
            for rate in ("3e-5", "1e-4")
            for factor in (10, 100)
        ),
    ),
    "xbm": Contender(
        title="random P x K, cross-batch memory",
        settings=("loss.pair=cross_batch_memory", _ALONE, "loss.memory_start=20"),
        trials=_with_rates("loss.memory_loss=contrastive", "loss.memory_loss=multi_similarity"),
    ),
    "paper": Contender(
        title="the paper: mined triplets, ratio + global, controller",
        settings=_TRIPLETS,
        trials=(
            ("optimizer.kind=sgd", "optimizer.learning_rate=0.0015"),
            ("optimizer.kind=sgd", "optimizer.learning_rate=0.003"),
            ("optimizer.kind=sgd", "optimizer.learning_rate=0.003", "controller.error_of=mined"),
            ("optimizer.kind=adamw", "optimizer.learning_rate=1.25e-4"),
        ),
    ),
    "mined_classes": Contender(
        title="mined classes, a pass before each epoch",
        settings=_MINED,
        trials=_MINED_TRIALS,
    ),
    SMART_PLUS: Contender(
        title="smart-plus: mined classes from the bank",
        settings=(*_MINED, "sampler.embeddings=bank", "controller.error_of=mined"),
        trials=_MINED_TRIALS,
    ),
}
"""By the name that measures have."""

BASELINES: Final = tuple(name for name in CONTENDERS if name not in {"mined_classes", SMART_PLUS})


def settings_of(base: TrainConfig, name: str, trial: int) -> TrainConfig:
    """Return the settings of a contender's trial.

    Args:
        base: The recipe, for batches of classes without mining.
        name: Of `CONTENDERS`.
        trial: Counted from 0.
    """
    contender = CONTENDERS[name]
    if "sampler.kind=triplets" in contender.settings:  # three pictures each: as many a batch
        sampler = replace(base.sampler, batch_size=base.sampler.batch_size // 3)
        base = replace(base, sampler=sampler, controller=ControllerConfig())
    return override(base, [*contender.settings, *contender.trials[trial]])
