import numpy as np
import pytest
import torch

import training.metrics.k_means
from training.metrics import nmi_of_clusters
from training.metrics.k_means import k_means


def clustered(total: int, count: int, dimension: int, spread: float) -> tuple[torch.Tensor, np.ndarray]:
    generator = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn((count, dimension), generator=generator), dim=1)
    labels = torch.arange(total) % count
    noise = torch.randn((total, dimension), generator=generator) / dimension**0.5
    return torch.nn.functional.normalize(centres[labels] + spread * noise, dim=1), labels.numpy()


def test_separate_points_on_a_line() -> None:
    points = torch.tensor([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0], [9.1], [9.3]])
    for seed in range(5):
        clusters = k_means(points, 3, seed).tolist()
        assert clusters[0] == clusters[1] == clusters[2]
        assert clusters[3] == clusters[4]
        assert clusters[5] == clusters[6] == clusters[7]
        assert sorted({clusters[0], clusters[3], clusters[5]}) == [0, 1, 2]


def test_every_point_is_in_the_cluster_with_the_nearest_mean() -> None:
    points, _ = clustered(300, 8, 6, 2.0)
    clusters = k_means(points, 8, 0)
    means = torch.stack([points[clusters == cluster].mean(0) for cluster in range(8)])
    nearest = torch.cdist(points, means).argmin(1)
    assert (nearest != clusters).sum() <= 0.02 * 300  # it ends when few points move, not when none do


@pytest.mark.parametrize(("count", "points"), [(1, 5), (5, 5), (4, 9)])
def test_as_many_clusters_as_asked_for(count: int, points: int) -> None:
    clusters = k_means(torch.eye(points), count, 0)
    assert sorted(set(clusters.tolist())) == list(range(count))


def test_fewer_different_points_than_clusters() -> None:
    clusters = k_means(torch.eye(3).repeat(4, 1), 6, 0)
    assert clusters.shape == (12,)
    assert len({tuple(sorted(set(clusters[start::3].tolist()))) for start in range(3)}) == 3
    assert clusters.min() >= 0
    assert clusters.max() < 6


def test_an_empty_cluster_takes_the_farthest_point() -> None:
    points = torch.tensor([[0.0], [1.0], [7.0]])
    centres = torch.tensor([[0.0], [99.0]])
    clusters = training.metrics.k_means._without_empty(points, centres, torch.tensor([0, 0, 0]))
    assert clusters.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("count", "spread"), [(30, 1.6), (120, 1.8)])
def test_as_good_as_scikit_learn(count: int, spread: float) -> None:
    from sklearn.cluster import KMeans

    points, labels = clustered(1200, count, 64, spread)
    ours = [nmi_of_clusters(k_means(points, count, seed).numpy(), labels) for seed in range(4)]
    theirs = [
        nmi_of_clusters(KMeans(count, n_init=1, random_state=seed).fit_predict(points.numpy()), labels)
        for seed in range(4)
    ]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.03)


def test_first_centres_drawn_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels = clustered(600, 60, 64, 0.8)
    one_at_a_time = nmi_of_clusters(k_means(points, 60, 0).numpy(), labels)
    monkeypatch.setattr(training.metrics.k_means, "_MOST_ROUNDS", 7)  # nine at a time, six at last
    clusters = k_means(points, 60, 0)
    assert set(clusters.tolist()) == set(range(60))
    assert nmi_of_clusters(clusters.numpy(), labels) == pytest.approx(one_at_a_time, abs=0.08)
