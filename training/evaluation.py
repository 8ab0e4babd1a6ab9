"""Embed a set of pictures and measure retrieval and clustering on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smserve.images import ResizeRule, crop_center
from training.metrics import normalised_mutual_information, retrieval_figures
from training.model import EmbeddingNet
from training.pixel_store import PixelStore

__all__ = ["LabelledPixels", "embed_pictures", "evaluate"]

_BATCH = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledPixels:
    """Pictures, and the class of each, (N,)."""

    pixels: PixelStore
    labels: NDArray[np.int64]


@torch.inference_mode()
def embed_pictures(
    net: EmbeddingNet, pixels: PixelStore, rule: ResizeRule, progress: Callable[[int], None] | None = None
) -> Tensor:
    """Return (N, D) float32 embeddings on the pictures' device, in evaluation mode, of decoded squares (N, S, S, 3).

    The centre is cut out as `smserve.images.prepare` does, so the network sees what a server would show it. The net is
    left in evaluation mode.

    Args:
        net: The network, on the device of `pixels`.
        pixels: N pictures.
        rule: How they were resized, and what is cut out.
        progress: Told how many pictures each step embedded.
    """
    net.eval()
    parts = []
    for start in range(0, len(pixels), _BATCH):
        squares = pixels.take(np.arange(start, min(start + _BATCH, len(pixels))))
        batch = crop_center(squares, rule.height, rule.width).contiguous()
        parts.append(net(batch).float())
        if progress is not None:
            progress(len(batch))
    return torch.cat(parts)


def evaluate(
    net: EmbeddingNet,
    queries: LabelledPixels,
    rule: ResizeRule,
    *,
    gallery: LabelledPixels | None = None,
    ks: Sequence[int],
    clustering_seeds: Sequence[int] = (0, 1, 2),
) -> dict[str, Any]:
    """Return Recall@K, MAP@R and NMI, all in [0, 1], and the number of pictures and classes, as JSON-able values.

    Args:
        net: The network.
        queries: The test pictures.
        rule: How they were resized.
        gallery: What the queries ask; None lets each of them ask all the others. NMI is always of the queries.
        ks: Values of K.
        clustering_seeds: One k-means each.
    """
    embeddings = embed_pictures(net, queries.pixels, rule)
    asked: dict[str, Any] = {}
    if gallery is not None:
        asked["gallery"] = embed_pictures(net, gallery.pixels, rule)
        asked["gallery_labels"] = torch.from_numpy(gallery.labels)
    figures = retrieval_figures(embeddings, torch.from_numpy(queries.labels), ks, **asked)
    return {
        **{f"recall_at_{k}": value for k, value in figures.recall.items()},
        "map_at_r": figures.map_at_r,
        "nmi": normalised_mutual_information(embeddings, queries.labels, clustering_seeds),
        "pictures": len(queries.labels),
        "classes": len(np.unique(queries.labels)),
        **({} if gallery is None else {"gallery_pictures": len(gallery.labels)}),
    }
