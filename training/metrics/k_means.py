"""k-means by Lloyd's steps on our own exact search, so that 11,000 clusters of 60,000 pictures take minutes."""

import math

import torch
from torch import Tensor

from training.neighbours.exact import neighbour_tiles

__all__ = ["k_means"]

_MOST_ROUNDS = 1024  # in which the first centres are drawn: one at a time up to as many clusters
_TRIALS_OF_MANY = 3  # in a round that draws more than one
_MOST_STEPS = 50
_SETTLED = 1e-3  # share of points that change their cluster, at which it ends


def k_means(points: Tensor, count: int, seed: int) -> Tensor:
    """Return the cluster of each point, (N,) int64, 0..count-1, on the device of `points`.

    Centres start as greedy k-means++ draws them (Arthur and Vassilvitskii, SODA 2007), which is also what scikit-learn
    does, only that more than 1,024 clusters are drawn some at a time. A cluster that comes out empty takes the point
    farthest from its centre. It ends when a thousandth of the points move or fewer, or after 50 steps.

    Args:
        points: (N, D) float32.
        count: Clusters; at least 1, at most N.
        seed: Of the first centres.
    """
    points = points.detach().float()
    centres = _first_centres(points, count, torch.Generator().manual_seed(seed))
    clusters = _nearest(points, centres)
    for _ in range(_MOST_STEPS):
        centres = _means(points, _without_empty(points, centres, clusters), count)
        moved = _nearest(points, centres)
        changed = int((moved != clusters).sum())
        clusters = moved
        if changed <= _SETTLED * len(points):
            break
    return clusters


def _first_centres(points: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Draw centres among the points, each with a chance that grows with its squared distance to those drawn before.

    Each round draws several times and keeps the draw after which the points lie closest to the centres.
    """
    some = -(-count // _MOST_ROUNDS)
    trials = 2 + int(math.log(count)) if some == 1 else _TRIALS_OF_MANY
    lengths = points.square().sum(1)
    distances = torch.full_like(lengths, torch.inf)  # squared, to the nearest centre so far
    drawn: list[Tensor] = []
    for start in range(0, count, some):
        each = min(some, count - start)
        chosen = torch.stack([_draw(distances, each, random) for _ in range(trials)])  # (T, some)
        found = torch.addmm(lengths[chosen.flatten()], points, points[chosen.flatten()].T, alpha=-2)  # less |x|^2
        nearest = found.view(-1, trials, each).amin(2).add_(lengths[:, None]).clamp_min_(0)  # (N, T)
        nearest = torch.minimum(nearest, distances[:, None])
        best = int(nearest.sum(0).argmin())
        distances = nearest[:, best]
        distances[chosen[best]] = 0
        drawn.append(chosen[best])
    return points[torch.cat(drawn)]


def _draw(weights: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Draw without replacement: the largest of weight over exponential noise, which the CPU makes, the same for all."""
    noise = torch.empty(len(weights)).exponential_(generator=random).to(weights.device)
    return (weights.clamp_max(1e30) / noise).topk(count).indices


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    """Return each point's nearest centre: the largest x.c - |c|^2 / 2, as a product of vectors one longer."""
    longer = torch.cat([points, points.new_ones((len(points), 1))], 1)
    gallery = torch.cat([centres, centres.square().sum(1, keepdim=True) / -2], 1)
    return torch.cat([tile.indices[:, 0] for tile in neighbour_tiles(longer, 1, gallery=gallery)])


def _without_empty(points: Tensor, centres: Tensor, clusters: Tensor) -> Tensor:
    empty = (clusters.bincount(minlength=len(centres)) == 0).nonzero().squeeze(1)
    if len(empty) == 0:
        return clusters
    farthest = (points - centres[clusters]).square().sum(1).topk(len(empty)).indices
    clusters = clusters.clone()
    clusters[farthest] = empty
    return clusters


def _means(points: Tensor, clusters: Tensor, count: int) -> Tensor:
    # In double precision, as a GPU adds in any order.
    sums = torch.zeros((count, points.shape[1]), dtype=torch.float64, device=points.device)
    sums.index_add_(0, clusters, points.double())
    return (sums / clusters.bincount(minlength=count).clamp_min(1)[:, None]).float()
