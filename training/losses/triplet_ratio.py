"""The triplet ratio loss: equation 2 of Harwood et al., ICCV 2017."""

from torch import Tensor

__all__ = ["triplet_distances", "triplet_ratio_loss"]

_TINY = 1e-12  # keeps the square root's gradient finite where two embeddings are the same


def triplet_distances(embeddings: Tensor, triplets: Tensor) -> tuple[Tensor, Tensor]:
    """Return d(a, p) and d(a, n), each (T,), Euclidean, of triplets (T, 3) of rows of `embeddings` (B, D)."""
    anchor, positive, negative = embeddings[triplets].unbind(1)  # each (T, D)
    return tuple(  # type: ignore[return-value] # two elements
        (anchor - other).pow(2).sum(1).clamp_min(_TINY).sqrt() for other in (positive, negative)
    )


def triplet_ratio_loss(embeddings: Tensor, triplets: Tensor, *, margin: float = 0.2) -> Tensor:
    """Return J_t of each triplet, (T,): max(0, 1 - d(a, n) / (d(a, p) + margin)).

    It is above zero exactly when d(a, n) < d(a, p) + margin, and below one.
    """
    positive, negative = triplet_distances(embeddings, triplets)
    return (1 - negative / (positive + margin)).clamp_min(0)
