import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from training.model import ClassScatter, discriminant_head

WIDTH = 6
CLASSES = 9


def clusters(seed: int = 0, *, width: int = WIDTH, per_class: int = 12) -> tuple[Tensor, Tensor]:
    """Classes round means of their own, all stretched along the same directions."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), per_class)
    stretched = random.normal(size=(len(labels), width)) @ random.normal(size=(width, width))
    features = stretched + random.normal(size=(CLASSES, width))[labels] + 5
    return torch.from_numpy(features), torch.from_numpy(labels)


def scatter_of(features: Tensor, labels: Tensor) -> ClassScatter:
    scatter = ClassScatter(CLASSES, features.shape[1])
    scatter.add(features, labels)
    return scatter


def distances(points: Tensor) -> Tensor:
    return torch.cdist(points, points)


@pytest.mark.parametrize("dimension", [1, 3, 6])
def test_directions_are_those_of_scikit_learn(dimension: int) -> None:
    features, labels = clusters()
    weight, bias = discriminant_head(scatter_of(features, labels), dimension, shrinkage=0)
    reference = LinearDiscriminantAnalysis(solver="eigen", n_components=dimension).fit(features.numpy(), labels.numpy())
    wanted = distances(torch.from_numpy(reference.transform(features.numpy())))
    found = features @ weight.T + bias
    assert torch.allclose(distances(found), wanted, rtol=2e-2, atol=1e-2)  # a thousandth of the total scatter is ours
    assert torch.allclose(found.mean(0), torch.zeros(dimension, dtype=torch.float64), atol=1e-9)


def test_parts_and_their_order_make_no_difference() -> None:
    features, labels = clusters()
    whole, parts = scatter_of(features, labels), ClassScatter(CLASSES, WIDTH)
    for rows in np.array_split(np.random.default_rng(1).permutation(len(labels)), 10):
        parts.add(features[rows], labels[rows])
    assert whole.pictures == parts.pictures == len(labels)
    for first, second in zip(whole.state().values(), parts.state().values(), strict=True):
        assert torch.allclose(first, second)
    first, second = (discriminant_head(each, 4, shrinkage=0.5)[0] for each in (whole, parts))
    assert torch.allclose(first, second, atol=1e-8)


def test_much_shrinkage_leaves_the_scatter_between_classes_alone() -> None:
    features, labels = clusters()
    weight, _ = discriminant_head(scatter_of(features, labels), 1, shrinkage=1e9)
    means = torch.stack([features[labels == label].mean(0) for label in range(CLASSES)])
    first = torch.linalg.svd(means - means.mean(0)).Vh[0]
    assert abs(float(first @ weight[0] / weight[0].norm())) == pytest.approx(1, abs=1e-3)


def test_directions_beyond_the_classes_keep_what_scatters_most() -> None:
    features, labels = clusters(width=20)
    weight, _ = discriminant_head(scatter_of(features, labels), 30, shrinkage=1)
    embedded = features @ weight.T
    assert (embedded.std(0)[:20] > 0).all()
    assert (weight[20:] == 0).all()
    means = torch.stack([embedded[labels == label].mean(0) for label in range(CLASSES)])
    spread = means.std(0)
    assert spread[: CLASSES - 1].min() > 2 * spread[CLASSES - 1 :].max()
    rest = embedded.std(0)[CLASSES - 1 : 20]
    assert (rest.diff() <= 1e-6).all()


@pytest.mark.parametrize("shrinkage", [0.0, 1.0])
def test_features_that_never_vary_and_classes_of_one(shrinkage: float) -> None:
    features, labels = clusters(per_class=1)
    features[:, 2] = 3.0
    weight, bias = discriminant_head(scatter_of(features, labels), 4, shrinkage=shrinkage)
    assert torch.isfinite(weight).all()
    assert torch.isfinite(bias).all()
    assert len(torch.unique((features @ weight.T).round(decimals=6), dim=0)) == CLASSES


def test_classes_that_were_not_seen_are_left_out() -> None:
    features, labels = clusters()
    few = labels < 4
    wide = ClassScatter(1000, WIDTH)
    wide.add(features[few], 10 * labels[few])
    assert torch.allclose(
        discriminant_head(wide, 3, shrinkage=1)[0],
        discriminant_head(scatter_of(features[few], labels[few]), 3, shrinkage=1)[0],
    )


def test_what_a_checkpoint_keeps_is_all() -> None:
    scatter, again = scatter_of(*clusters()), ClassScatter(CLASSES, WIDTH)
    again.restore(scatter.state())
    assert all(torch.equal(again.state()[name], tensor) for name, tensor in scatter.state().items())
    with pytest.raises(KeyError, match="squares"):
        again.restore({"counts": scatter.counts, "sums": scatter.sums})
    with pytest.raises(RuntimeError):
        ClassScatter(CLASSES, WIDTH + 1).restore(scatter.state())


def test_no_picture() -> None:
    with pytest.raises(ValueError, match="one picture or more, got none"):
        discriminant_head(ClassScatter(3, 4), 2, shrinkage=1)


def test_classes_and_features_that_do_not_differ() -> None:
    alike, nothing = ClassScatter(4, 3), ClassScatter(2, 3)
    alike.add(torch.from_numpy(np.tile(np.eye(3), (4, 1))), torch.arange(4).repeat_interleave(3))
    nothing.add(torch.zeros((4, 3)), torch.tensor([0, 0, 1, 1]))
    for scatter in (alike, nothing):
        weight, bias = discriminant_head(scatter, 2, shrinkage=1)
        assert weight.isfinite().all()
        assert bias.isfinite().all()
