"""What comes before an epoch: embed the training set, find every picture's neighbours, plan the batches."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.config import TrainConfig
from training.controller import Controller, build_controller
from training.distributed import once_for_all
from training.evaluation import LabelledPixels, embed_pictures
from training.losses import triplet_ratio_loss
from training.mining import mine_triplets
from training.model import EmbeddingNet
from training.neighbours import graph_neighbours, nearest_neighbours
from training.samplers import Neighbours, Plan, build_sampler
from training.trainer.bank import EmbeddingBank
from training.trainer.held_out import hold_out
from training.trainer.precision import backbone_precision
from training.trainer.progress import EpochBar
from training.trainer.shared_search import shared_neighbours

__all__ = ["Preparation", "Prepared"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """An epoch, planned.

    Attributes:
        plan: Its batches.
        controller: None before mining begins.
        embedded: Pictures that this took through the network.
        figures: For the log; times in seconds.
        mining_s: Neighbour search and selection, the embedding pass left out; None without mining.
    """

    plan: Plan
    controller: Controller | None
    embedded: int
    figures: Mapping[str, Any]
    mining_s: float | None = None


class Preparation:
    """Plans the epochs of a run.

    Attributes:
        needs_validation_error: Whether pictures are held out from training, for the controller's target.
    """

    def __init__(self, config: TrainConfig, data: LabelledPixels, bar: EpochBar) -> None:
        """Take the training pictures.

        Raises:
            InvalidInput: The classes don't suit the sampler, or none has a picture to hold out.
        """
        self._config = config
        self._data = data
        self._bar = bar
        self.needs_validation_error = config.controller.kind == "validation_error"
        held = np.zeros(len(data.labels), np.bool_)
        if self.needs_validation_error:
            held = hold_out(data.labels, config.controller.held_out_share, np.random.default_rng([config.seed, 0]))
        self._held, self._kept = np.flatnonzero(held), np.flatnonzero(~held)
        self._sampler = build_sampler(config.sampler, data.labels[self._kept])
        self._embeddings: Tensor | None = None

    def prepare(
        self,
        net: EmbeddingNet,
        epoch: int,
        controller: Controller | None,
        *,
        left: int | None = None,
        bank: EmbeddingBank | None = None,
    ) -> Prepared:
        """Return the batches of an epoch; where it mines, a controller begins if there is none yet.

        Several processes embed and search together, and the first plans for all.

        Args:
            net: The network.
            epoch: Counted from 1.
            controller: None before mining begins.
            left: Pictures that the run may still embed; where mining would leave none to train on, it does not mine.
            bank: Where to search for neighbours; what it lacks is embedded, and kept there. None embeds all pictures.
        """
        random = np.random.default_rng([self._config.seed, epoch])
        # The validation error of the epoch before was measured on the same embeddings, and has counted them.
        passed = len(self._data.labels if bank is None else bank.missing())
        if controller is not None and self.needs_validation_error:
            passed = 0
        if not self._sampler.mines(epoch) or (left is not None and left <= passed):
            plan = self._sampler.plan(None, controller.value if controller else 0.0, random)
            return Prepared(plan=self._of_all(plan), controller=controller, embedded=0, figures={})
        started = time.monotonic()
        embeddings = self._embed(net, epoch, bank)[torch.from_numpy(self._kept)]
        fresh = {} if bank is None else {"bank_fresh_share": bank.share_since(epoch - 1)}
        self._embeddings = None
        searching = time.monotonic()
        exact = (
            None
            if self._config.sampler.neighbours == "graph"
            else shared_neighbours(embeddings, self._sampler.list_length)
        )

        def plan_epoch() -> Prepared:
            neighbours, figures = (exact, {}) if exact is not None else self._search_graph(embeddings, epoch)
            choosing = time.monotonic()
            steered = controller
            if steered is None:
                steered = build_controller(self._config.controller, self._sampler.first_difficulty(neighbours))
            plan = self._sampler.plan(neighbours, steered.value, random)
            times = {
                "embedding_s": searching - started,
                "neighbours_s": choosing - searching,
                "selection_s": time.monotonic() - choosing,
            }
            return Prepared(
                plan=self._of_all(plan),
                controller=steered,
                embedded=passed,
                figures={**figures, **fresh, **times},
                mining_s=times["neighbours_s"] + times["selection_s"],
            )

        return once_for_all(plan_epoch)

    def validation_error(self, net: EmbeddingNet, epoch: int, difficulty: float) -> tuple[float, int]:
        """Return the share of the held-out pictures' triplets that cost something, and how many pictures that embedded.

        Held-out pictures are the anchors; their triplets are mined from the pictures that are trained on, at the
        difficulty of the epoch that has ended, so that the share compares with the one of training.
        """
        embeddings = self._embeddings = self._embed(net, epoch)
        return once_for_all(lambda: self._error_of(embeddings, epoch, difficulty)), len(self._data.labels)

    def _error_of(self, embeddings: Tensor, epoch: int, difficulty: float) -> float:
        held, kept = embeddings[torch.from_numpy(self._held)], embeddings[torch.from_numpy(self._kept)]
        labels = self._data.labels[self._kept]
        indices, distances = nearest_neighbours(held, self._sampler.list_length, gallery=kept)
        found = mine_triplets(
            indices.numpy(),
            distances.numpy(),
            labels,
            anchor_labels=self._data.labels[self._held],
            kappa=difficulty,
            per_anchor=self._config.sampler.per_anchor,
            random=np.random.default_rng([self._config.seed, epoch, 1]),
        )
        triplets = torch.from_numpy(found.triplets).to(embeddings.device)
        triplets[:, 1:] += len(held)  # positives and negatives are rows of `kept`
        costs = triplet_ratio_loss(torch.cat([held, kept]), triplets, margin=self._config.loss.ratio_margin)
        return float((costs > 0).float().mean())

    def _embed(self, net: EmbeddingNet, epoch: int, bank: EmbeddingBank | None = None) -> Tensor:
        if self._embeddings is not None:
            return self._embeddings
        if bank is None:
            return self._pass(net, epoch, np.arange(len(self._data.labels)))
        missing = bank.missing()
        if len(missing):
            bank.store(missing, self._pass(net, epoch, missing), epoch)
        return bank.embeddings()

    def _pass(self, net: EmbeddingNet, epoch: int, chosen: NDArray[np.int64]) -> Tensor:
        title = f"epoch {epoch}/{self._config.epochs}: embedding"
        precision = backbone_precision(self._config, self._data.pixels.device)
        with self._bar.step(title, len(chosen)) as advance, precision:
            return embed_pictures(net, self._data.pixels, self._config.resize, advance, chosen=chosen, shared=True)

    def _search_graph(self, embeddings: Tensor, epoch: int) -> tuple[Neighbours, dict[str, float | None]]:
        indices, distances, graph = graph_neighbours(
            embeddings,
            self._sampler.list_length,
            labels=torch.from_numpy(self._data.labels[self._kept]),
            seed=self._config.seed + epoch,
            wanted_success=self._config.sampler.graph_success,
        )
        return Neighbours.of(indices, distances), {f"graph_{name}": value for name, value in asdict(graph).items()}

    def _of_all(self, plan: Plan) -> Plan:
        """Return a plan in terms of all the pictures, not of those kept."""
        if not len(self._held):
            return plan
        batches = [replace(batch, indices=self._kept[batch.indices]) for batch in plan.batches]
        return replace(plan, batches=batches)
