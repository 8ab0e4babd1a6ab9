"""Embed a set of pictures and measure retrieval and clustering on it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smserve.images import ResizeRule, crop_center
from training.metrics import normalised_mutual_information, retrieval_figures
from training.model import EmbeddingNet

__all__ = ["EVALUATED_KS", "embed_pictures", "evaluate"]

EVALUATED_KS = (1, 2, 4, 8)
_BATCH = 128


@torch.inference_mode()
def embed_pictures(
    net: EmbeddingNet,
    pixels: NDArray[np.uint8],
    rule: ResizeRule,
    device: torch.device,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """Return (N, D) float32 embeddings on `device`, in evaluation mode, of decoded squares (N, S, S, 3).

    The centre is cut out as `smserve.images.prepare` does, so the network sees what a server would show it. The net is
    left in evaluation mode.

    Args:
        net: The network, on `device`.
        pixels: (N, S, S, 3) uint8.
        rule: How they were resized, and what is cut out.
        device: Where to compute.
        progress: Told how many pictures each step embedded.
    """
    net.eval()
    parts = []
    for start in range(0, len(pixels), _BATCH):
        batch = np.array(
            crop_center(pixels[start : start + _BATCH], rule.height, rule.width)
        )  # a copy: a map is read-only
        parts.append(net(torch.from_numpy(batch).to(device)).float())
        if progress is not None:
            progress(len(batch))
    return torch.cat(parts)


def evaluate(
    net: EmbeddingNet,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    rule: ResizeRule,
    device: torch.device,
    *,
    ks: Sequence[int] = EVALUATED_KS,
    clustering_seeds: Sequence[int] = (0, 1, 2),
) -> dict[str, Any]:
    """Return Recall@K, MAP@R and NMI, all in [0, 1], and the number of pictures and classes, as JSON-able values."""
    embeddings = embed_pictures(net, pixels, rule, device)
    figures = retrieval_figures(embeddings, torch.from_numpy(labels), ks)
    return {
        **{f"recall_at_{k}": value for k, value in figures.recall.items()},
        "map_at_r": figures.map_at_r,
        "nmi": normalised_mutual_information(embeddings.cpu().numpy(), labels, clustering_seeds),
        "pictures": len(labels),
        "classes": len(np.unique(labels)),
    }
