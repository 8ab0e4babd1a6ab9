"""The methods that are compared, as changes to one recipe: backbone, data, augmentation and batch size stay the same.

Each has the same number of trials, of which the best on the validation classes goes on. Those of the baselines are the
two best of four that an earlier round made on emoji (docs/experiments.md). Smart-plus, and random classes with a fitted
head, try the two losses that did best on the validation classes, with the settings they had there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from training.config import ControllerConfig, TrainConfig, override

__all__ = ["BASELINES", "CONTENDERS", "FITTED_LEVELS", "SMART_PLUS", "Contender", "settings_of"]


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


_ALONE: Final = "loss.global_weight=0"
_FAST: Final = "optimizer.learning_rate=2.5e-4"
_SLOW: Final = "optimizer.learning_rate=1.25e-4"
_RANDOM: Final = ("loss.pair=multi_similarity", _FAST)
_RANDOM_TRIALS: Final = (("loss.global_weight=1",), (_ALONE,))
_MINED: Final = (*_RANDOM, "sampler.random_epochs=1")
_MINED_TRIALS: Final = (("sampler.mined_share=0.3",), ("sampler.mined_share=0.6",))
_TRIPLETS: Final = (
    "sampler.kind=triplets",
    "sampler.per_anchor=1",
    "sampler.list_length=200",
    "sampler.mined_share=1",
    "sampler.random_epochs=1",
    "loss.pair=triplet_ratio",
    "optimizer.kind=sgd",
)
_FROM_BANK: Final = (*_MINED, "sampler.embeddings=bank", "controller.error_of=mined")
_FITTED: Final = "finish.head=discriminant"
_LEVELS: Final = (_FITTED, "model.pooling=multilevel")
_MULTI_SIMILARITY: Final = "loss.pair=multi_similarity"
_MARGIN: Final = ("loss.pair=margin", _ALONE, "loss.boundary=1.2")
_EITHER_LOSS: Final = ((_MULTI_SIMILARITY, _ALONE), _MARGIN)

SMART_PLUS: Final = "smart_plus"
FITTED_LEVELS: Final = "fitted_levels"

CONTENDERS: Final[Mapping[str, Contender]] = {
    "random_classes": Contender(
        title="random P x K, multi-similarity + global",
        settings=_RANDOM,
        trials=_RANDOM_TRIALS,
    ),
    "semi_hard": Contender(
        title="random P x K, semi-hard triplets",
        settings=("loss.pair=semi_hard", _ALONE, _SLOW),
        trials=(("loss.margin=0.1",), ("loss.margin=0.2",)),
    ),
    "batch_hard": Contender(
        title="random P x K, batch-hard triplets",
        settings=("loss.pair=batch_hard", _ALONE, "loss.margin=0.5"),
        trials=((_FAST,), (_SLOW,)),
    ),
    "margin": Contender(
        title="random P x K, distance-weighted margin",
        settings=("loss.pair=margin", _ALONE),
        trials=((_SLOW, "loss.boundary=0.8"), (_FAST, "loss.boundary=1.2")),
    ),
    "proxy_anchor": Contender(
        title="random P x K, proxy-anchor",  # at the rates of the others it collapses
        settings=("loss.pair=proxy_anchor", _ALONE, "optimizer.learning_rate=3e-5"),
        trials=(("loss.parameter_factor=10",), ("loss.parameter_factor=100",)),
    ),
    "xbm": Contender(
        title="random P x K, cross-batch memory",
        settings=("loss.pair=cross_batch_memory", _ALONE, "loss.memory_start=20"),
        trials=((_FAST, "loss.memory_loss=multi_similarity"), (_SLOW, "loss.memory_loss=contrastive")),
    ),
    "paper": Contender(
        title="the paper: mined triplets, ratio + global, controller",
        settings=_TRIPLETS,
        trials=(("optimizer.learning_rate=0.0015",), ("optimizer.learning_rate=0.003",)),
    ),
    "mined_classes": Contender(
        title="mined classes, a pass before each epoch",
        settings=_MINED,
        trials=_MINED_TRIALS,
    ),
    "fitted_head": Contender(
        title="random P x K, multi-similarity or margin, fitted head",
        settings=(_FAST, _FITTED),
        trials=_EITHER_LOSS,
    ),
    FITTED_LEVELS: Contender(
        title="random P x K, multi-similarity or margin, head fitted to all levels",
        settings=(_FAST, *_LEVELS),
        trials=_EITHER_LOSS,
    ),
    "bank_and_fitted_head": Contender(
        title="mined classes from the bank, multi-similarity + global, fitted head",
        settings=(*_FROM_BANK, _FITTED),
        trials=_MINED_TRIALS,
    ),
    SMART_PLUS: Contender(
        title="smart-plus: mined classes from the bank, either loss, head fitted to all levels",
        settings=(*_FROM_BANK, *_LEVELS),
        trials=(("sampler.mined_share=0.6",), (*_MARGIN, "controller.error_of=all", "sampler.mined_share=0.3")),
    ),
}
"""By the name that measures have."""

_PARTS: Final = {"mined_classes", "fitted_head", FITTED_LEVELS, "bank_and_fitted_head"}

BASELINES: Final = tuple(name for name in CONTENDERS if name not in _PARTS | {SMART_PLUS})
"""What people use today; the others are smart-plus, and parts of it by themselves."""


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
