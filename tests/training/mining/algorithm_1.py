"""Algorithm 1 of Harwood et al., ICCV 2017, written out anchor by anchor: what the vectorised miner is held to."""

from dataclasses import dataclass, field


@dataclass
class AnchorTriplets:
    """What one anchor gets; None stands for a picture that is drawn at random."""

    triplets: list[tuple[int | None, int | None]] = field(default_factory=list)  # (positive, negative)
    valid_negatives: list[int] = field(default_factory=list)


def mine_one_anchor(
    neighbours: list[int], distances: list[float], positive: list[bool], kappa: float, per_anchor: int
) -> AnchorTriplets:
    """Scan one sorted list S_i."""
    found = AnchorTriplets()
    negative_distance: dict[int, float] = {}
    stored: list[tuple[int, float]] = []
    bound: float | None = None
    for picture, distance, same_class in zip(neighbours, distances, positive, strict=True):
        if bound is None:
            if same_class:
                bound = max(kappa, 1.0) * distance  # kappa below 1 behaves as 1
            continue
        if distance <= bound:
            continue
        if same_class:
            stored.append((picture, distance))
        else:
            found.valid_negatives.append(picture)
            negative_distance[picture] = distance
    for negative in found.valid_negatives[:per_anchor]:
        farther = [picture for picture, distance in stored if distance > negative_distance[negative]]
        found.triplets.append((farther[0] if farther else None, negative))
    while len(found.triplets) < per_anchor:
        found.triplets.append((None, None))
    return found
