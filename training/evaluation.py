"""Embed a set of pictures and measure retrieval and clustering on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from smserve.images import ResizeRule, crop_center
from training.distributed import gather_rows, once_for_all, process_count, process_rank
from training.metrics import normalised_mutual_information, retrieval_figures
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
    net: nn.Module,
    pixels: PixelStore,
    rule: ResizeRule,
    progress: Callable[[int], None] | None = None,
    *,
    chosen: NDArray[np.int64] | None = None,
    shared: bool = False,
) -> Tensor:
    """Return (N, D) float32 embeddings on the pictures' device, in evaluation mode, of decoded squares (N, S, S, 3).

    The centre is cut out as `smserve.images.prepare` does, so the network sees what a server would show it. The net is
    left in evaluation mode.

    Args:
        net: The network, on the device of `pixels`.
        pixels: N pictures.
        rule: How they were resized, and what is cut out.
        progress: Told how many pictures each step embedded.
        chosen: Which pictures, in this order; None embeds all.
        shared: Each process embeds a part and has them all in the end; all processes must call this. The batches are
            those of one process, so the numbers are too.
    """
    net.eval()
    count, rank = (process_count(), process_rank()) if shared else (1, 0)
    chosen = np.arange(len(pixels)) if chosen is None else chosen
    starts = range(0, len(chosen), _BATCH)
    parts = []
    for start in starts[rank::count]:
        squares = pixels.take(chosen[start : start + _BATCH])
        batch = crop_center(squares, rule.height, rule.width).contiguous()
        parts.append(net(batch).float())
        if progress is not None:
            progress(min(count * _BATCH, len(chosen) - start))
    if count == 1:
        return torch.cat(parts)
    return _together(parts, len(chosen), -(-len(starts) // count), net)


def _together(parts: Sequence[Tensor], pictures: int, batches: int, net: nn.Module) -> Tensor:
    """Return (N, D) from what each process has, every so manieth batch, of which at most `batches` in each."""
    weight = next(net.parameters())
    dimension = once_for_all(lambda: int(parts[0].shape[1]))  # the first has a batch, others may have none
    own = torch.zeros((batches, _BATCH, dimension), device=weight.device)
    for place, part in enumerate(parts):
        own[place, : len(part)] = part
    return gather_rows(own).transpose(0, 1).reshape(-1, dimension)[:pictures]  # (processes, batches, 128, D) before


def evaluate(
    net: nn.Module,
    queries: LabelledPixels,
    rule: ResizeRule,
    *,
    gallery: LabelledPixels | None = None,
    ks: Sequence[int],
    clustering_seeds: Sequence[int] = (0, 1, 2),
    shared: bool = False,
) -> dict[str, Any]:
    """Return Recall@K, MAP@R and NMI, all in [0, 1], and the number of pictures and classes, as JSON-able values.

    Args:
        net: The network.
        queries: The test pictures.
        rule: How they were resized.
        gallery: What the queries ask; None lets each of them ask all the others. NMI is always of the queries.
        ks: Values of K.
        clustering_seeds: One k-means each.
        shared: Several processes embed together, and all must call this; the first one counts for all.
    """
    embeddings = embed_pictures(net, queries.pixels, rule, shared=shared)
    asked: dict[str, Any] = {}
    if gallery is not None:
        asked["gallery"] = embed_pictures(net, gallery.pixels, rule, shared=shared)
        asked["gallery_labels"] = torch.from_numpy(gallery.labels)

    def figures() -> dict[str, Any]:
        found = retrieval_figures(embeddings, torch.from_numpy(queries.labels), ks, **asked)
        return {
            **{f"recall_at_{k}": value for k, value in found.recall.items()},
            "map_at_r": found.map_at_r,
            "nmi": normalised_mutual_information(embeddings, queries.labels, clustering_seeds),
            "pictures": len(queries.labels),
            "classes": len(np.unique(queries.labels)),
            **({} if gallery is None else {"gallery_pictures": len(gallery.labels)}),
        }

    return once_for_all(figures) if shared else figures()
