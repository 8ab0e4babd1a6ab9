"""One epoch: every batch through the network, forwards and backwards."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from smserve.errors import InvalidInput
from training.config import TrainConfig
from training.distributed import local_rank, mean_gradients, process_count, process_rank
from training.evaluation import LabelledPixels
from training.losses import LossValue, Objective
from training.model import ClassScatter, EmbeddingNet
from training.samplers import Batch, Plan
from training.trainer.bank import EmbeddingBank
from training.trainer.batches import BatchMaker, ReadyBatch
from training.trainer.chance import seed_everything
from training.trainer.finish import features_counted, first_step_of_last_pass
from training.trainer.guards import Guards, Watch, mean_cosine
from training.trainer.optimizer import set_learning_rate
from training.trainer.precision import backbone_precision
from training.trainer.progress import EpochBar
from training.trainer.shards import gather_embeddings
from training.trainer.tally import EpochOutcome, Tally

__all__ = ["EpochOutcome", "Learner", "Tally"]


@dataclass(slots=True, kw_only=True, eq=False)
class Learner:
    """What learns: a network by an objective with an optimiser, from the training pictures.

    Guards watch it; those of the config by default. A bank, where there is one, keeps what its batches embed; a scatter
    counts the features of the last pass.

    With several processes, all of them call the same methods; the gradients are those of the whole batch in each.
    """

    net: EmbeddingNet
    objective: Objective
    optimizer: Optimizer
    data: LabelledPixels
    config: TrainConfig
    bar: EpochBar
    guards: Guards | None = None
    bank: EmbeddingBank | None = None
    scatter: ClassScatter | None = None
    _embed: nn.Module = field(init=False)
    _batches: BatchMaker = field(init=False)
    _device: torch.device = field(init=False)
    _guards: Guards = field(init=False)

    def __post_init__(self) -> None:
        """Let several processes share their gradients.

        Raises:
            InvalidInput: Batch norms learn their statistics, and processes on CPUs can't share them.
        """
        self._device = self.data.pixels.device
        self._guards = self.guards or Guards(self.config, Watch())
        self._embed = self.net if process_count() == 1 else _shared(self.net, self.config, self._device)
        self._batches = BatchMaker(
            net=self.net, data=self.data, config=self.config, needs_triplets=self.objective.needs_triplets
        )

    def train(
        self,
        plan: Plan,
        epoch: int,
        *,
        embedded: int,
        shown: Mapping[str, float],
        tally: Tally | None = None,
        after_step: Callable[[Tally], None] | None = None,
    ) -> EpochOutcome:
        """Train on an epoch's batches, or on as many as `max_pictures` allows.

        Args:
            plan: The batches.
            epoch: Counted from 1.
            embedded: Pictures through the network before this epoch's steps.
            shown: Figures for the bar, beside loss and active share.
            tally: What the epoch's first steps came to, to go on after them; it is counted on.
            after_step: Called after every step but the last.

        Raises:
            CollapsedRun: The loss is not a number, or the embeddings are one point.
        """
        tally = Tally() if tally is None else tally
        begun = time.monotonic() - tally.seconds
        self._embed.train()
        self.objective.train()
        title = f"epoch {epoch}/{self.config.epochs}: training"
        total = sum(len(batch.indices) for batch in plan.batches)
        last_pass = first_step_of_last_pass(
            self.config, plan, epoch=epoch, embedded=embedded, pictures=len(self.data.labels)
        )
        plain_from = None if self.config.finish.augmented else last_pass
        with (
            self.bar.step(title, total) as advance,
            self._batches.ready(plan.batches, epoch=epoch, start=tally.steps, plain_from=plain_from) as batches,
        ):
            advance(tally.pictures)
            while self._has_left(plan, tally, embedded):
                if tally.steps and after_step is not None:
                    after_step(tally)
                step = (epoch - 1) * len(plan.batches) + tally.steps
                progress = self._progress(step, len(plan.batches), embedded + tally.pictures)
                set_learning_rate(self.optimizer, self.config, step=step, progress=progress, epoch=epoch)
                batch = next(batches)
                value, cosine = self._step(batch, epoch, tally.steps, last=tally.steps >= last_pass)
                self._count(
                    value, cosine, batch, tally, f"epoch {epoch}, step {tally.steps + 1} of {len(plan.batches)}"
                )
                tally.seconds = time.monotonic() - begun
                advance(len(batch.plan.indices), loss=tally.mean_loss, active=tally.active_share, **shown)
        return tally.outcome()

    def _has_left(self, plan: Plan, tally: Tally, embedded: int) -> bool:
        most = self.config.max_pictures
        return tally.steps < len(plan.batches) and (most is None or embedded + tally.pictures < most)

    def _progress(self, step: int, steps_an_epoch: int, embedded: int) -> float:
        """Return how much of the run is done, in [0, 1]."""
        if self.config.max_pictures is not None:
            return embedded / self.config.max_pictures
        return step / (self.config.epochs * steps_an_epoch)

    def _step(self, batch: ReadyBatch, epoch: int, number: int, *, last: bool) -> tuple[LossValue, Tensor]:
        """Learn from one batch; return what it cost before, and the mean cosine of two of its pictures."""
        seed_everything(self._device, self.config.seed, epoch, number, process_rank())
        counted = features_counted(self.net, self.scatter if last else None, batch.labels)
        with backbone_precision(self.config, self._device), counted:
            own: Tensor = self._embed(batch.images)
        seed_everything(self._device, self.config.seed, epoch, number)  # what a loss draws is the same in all processes
        embeddings = gather_embeddings(own, len(batch.labels))
        value: LossValue = self.objective(embeddings, batch.labels, batch.triplets)
        self.optimizer.zero_grad(set_to_none=True)
        value.total.backward()  # type: ignore[no-untyped-call] # torch ships no type for it
        mean_gradients(list(self.objective.parameters()))
        self.optimizer.step()
        if self.bank is not None:
            self.bank.store(batch.plan.indices, embeddings, epoch)
        return value, mean_cosine(embeddings)

    def _count(self, value: LossValue, cosine: Tensor, batch: ReadyBatch, tally: Tally, place: str) -> None:
        """Add a step to the tally.

        Raises:
            CollapsedRun: The loss is not a number, or the embeddings are one point.
        """
        figures = torch.stack([value.total, value.pair, value.spread, cosine])
        total, pair, spread, alike = figures.detach().tolist()
        self._guards.after_step(total, alike, place)
        tally.cosine += alike
        tally.loss += total
        tally.pair_loss += pair
        tally.global_loss += spread
        tally.count_active(value.active, self._mined(batch.plan, value))
        tally.pictures += len(batch.plan.indices)
        tally.steps += 1

    def _mined(self, plan: Batch, value: LossValue) -> Tensor | None:
        """Return which of the loss's triplets or pairs were mined, (T,) bool; None where that is not known."""
        if plan.mined is None:
            return None
        mined = torch.from_numpy(plan.mined)
        if plan.triplets is not None:
            return mined if self.objective.needs_triplets else None
        return None if value.anchors is None else mined[value.anchors.cpu()]


def _shared(net: EmbeddingNet, config: TrainConfig, device: torch.device) -> DistributedDataParallel:
    """Return a network whose gradients are means over the processes; batch norms that learn take theirs together."""
    module: nn.Module = net
    if not config.model.freeze_batch_norm and any(isinstance(each, nn.BatchNorm2d) for each in net.modules()):
        if device.type != "cuda":
            raise InvalidInput(
                "setting model.freeze_batch_norm is false, and on CPUs batch norms can't share their statistics among "
                "processes; wanted true, CUDA devices, or one process",
                field="model.freeze_batch_norm",
            )
        module = nn.SyncBatchNorm.convert_sync_batchnorm(net)  # type: ignore[no-untyped-call] # torch ships none
    devices = [local_rank()] if device.type == "cuda" else None
    return DistributedDataParallel(module, device_ids=devices)
