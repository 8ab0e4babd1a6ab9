"""The settings of how a run ends."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["FinishConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishConfig:
    """The last pass over the training pictures: the last epoch, or the last N pictures of `max_pictures`.

    Attributes:
        augmented: Vary its pictures as those before; else they come as a server shows them, the centre cut out.
        head: "trained" keeps the head as the loss left it. "discriminant" replaces it by linear discriminants of the
            features that this pass saw (see `training.model.discriminant`), those of `model.pooling` "multilevel" among
            them; that embeds no picture more.
        shrinkage: Of discriminants: what is added to the scatter within classes in every direction, in units of its
            mean over directions. Larger trusts the training classes less.
    """

    augmented: bool = True
    head: Literal["trained", "discriminant"] = "trained"
    shrinkage: float = 1.0
