"""The next batches, made ready beside the training step: read, augmented, normalised, on the device."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from smserve.images import crop_center
from training.augmentation import augment, draw_numbers
from training.config import TrainConfig
from training.evaluation import LabelledPixels
from training.mining import all_triplets
from training.model import EmbeddingNet
from training.samplers import Batch
from training.threads import map_in_threads
from training.trainer.shards import own_part

__all__ = ["BatchMaker", "ReadyBatch"]

_AHEAD = 2  # batches that wait to be trained on


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadyBatch:
    """A batch on the device.

    Attributes:
        plan: What it was made from.
        images: Those that this process embeds, as `EmbeddingNet.normalise` returns them.
        labels: (B,) of the whole batch.
        triplets: (T, 3) positions in the whole batch; None where the loss takes none.
    """

    plan: Batch
    images: Tensor
    labels: Tensor
    triplets: Tensor | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchMaker:
    """Makes batches ready in a thread of its own."""

    net: EmbeddingNet
    data: LabelledPixels
    config: TrainConfig
    needs_triplets: bool

    def make(self, step: int, batch: Batch, *, epoch: int, augmented: bool = True) -> ReadyBatch:
        """Make one ready; what varies its pictures is decided by seed, epoch, step and each picture's index."""
        rule = self.config.resize
        own = own_part(batch.indices)
        with torch.no_grad():
            pixels = self.data.pixels.take(own)  # (R, S, S, 3)
            if augmented:
                numbers = draw_numbers(own, seed=self.config.seed, epoch=epoch, step=step)
                pixels = augment(pixels, rule.height, rule.width, self.config.augmentation, numbers)
            else:
                pixels = crop_center(pixels, rule.height, rule.width).contiguous()
            images = self.net.normalise(pixels)
        labels = torch.from_numpy(self.data.labels[batch.indices]).to(images.device)
        triplets = None
        if batch.triplets is not None:
            triplets = torch.from_numpy(batch.triplets).to(images.device)
        elif self.needs_triplets:
            triplets = all_triplets(labels)
        return ReadyBatch(plan=batch, images=images, labels=labels, triplets=triplets)

    @contextmanager
    def ready(
        self, batches: Sequence[Batch], *, epoch: int, start: int, plain_from: int | None = None
    ) -> Generator[Iterator[ReadyBatch]]:
        """Give an iterator over batches from step `start` on, inside the block; from `plain_from` on not augmented."""
        threads = torch.get_num_threads()
        steps = enumerate(batches[start:], start)
        # torch's count of threads is each thread's own, but threads started later begin with what was set last.
        made = map_in_threads(
            lambda each: self.make(*each, epoch=epoch, augmented=plain_from is None or each[0] < plain_from),
            steps,
            workers=1,
            most_waiting=_AHEAD,
            initializer=partial(torch.set_num_threads, 1),
        )
        try:
            yield made
        finally:
            made.close()
            torch.set_num_threads(threads)
