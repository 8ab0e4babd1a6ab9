"""The settings of the guards, which stop a run that has collapsed."""

from dataclasses import dataclass

__all__ = ["GuardsConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardsConfig:
    """When a run counts as collapsed and is stopped. They change nothing of a run that isn't.

    Attributes:
        on: Look at all; a loss that is no number ends a run in any case.
        cosine: Mean cosine of a batch's pictures above which its embeddings count as one point.
        steps: So many such batches in a row end the run.
        active_share: Share of active triplets from which an epoch counts as learning nothing.
        epochs: So many such epochs in a row, after those of `sampler.random_epochs`, end the run; and so many after
            which Recall@1 on the validation classes is chance.
    """

    on: bool = True
    cosine: float = 0.99
    steps: int = 50
    active_share: float = 0.99
    epochs: int = 2
