"""All that changes while a run goes on: what a checkpoint holds, and nothing else.

Chance has no state: `chance.py` and the samplers derive it from seed, epoch and step. The epoch's plan is stored rather
than derived again, since the weights that its neighbours were searched with have moved on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from torch.optim import Optimizer

from smserve.errors import DataLoss
from training.config import TrainConfig
from training.controller import Controller, restore_controller
from training.losses import Objective
from training.model import ClassScatter, EmbeddingNet
from training.samplers import Plan
from training.trainer.bank import EmbeddingBank
from training.trainer.guards import Watch
from training.trainer.preparation import Prepared
from training.trainer.tally import Tally

__all__ = ["RunState", "Underway"]

_VERSION: Final = 4


@dataclass(slots=True, kw_only=True, eq=False)
class Underway:
    """An epoch between two of its steps.

    Attributes:
        prepared: Its plan, and figures of mining.
        difficulty: That it is mined at; None where it is not.
        tally: Of the steps done.
        seconds: That the epoch has taken, mining included.
    """

    prepared: Prepared
    difficulty: float | None
    tally: Tally
    seconds: float


@dataclass(slots=True, kw_only=True, eq=False)
class RunState:
    """Where a run stands.

    Attributes:
        net: The network.
        objective: What the loss learns and remembers.
        optimizer: Its moments; its rates are set anew at each step.
        epoch: The one that is underway, or else the last finished one.
        embedded: Pictures through the network, without those of the steps of an epoch that is underway.
        controller: None before mining begins.
        best: Highest Recall@1 on the validation classes after an epoch.
        underway: None between epochs.
        watch: What the guards have seen.
        bank: None where neighbours are not searched in one.
        scatter: Of the last pass's features; None where no head is fitted to them, or it has been.
    """

    net: EmbeddingNet
    objective: Objective
    optimizer: Optimizer
    epoch: int = 0
    embedded: int = 0
    controller: Controller | None = None
    best: float | None = None
    underway: Underway | None = None
    watch: Watch = field(default_factory=Watch)
    bank: EmbeddingBank | None = None
    scatter: ClassScatter | None = None

    def begin_epoch(self, prepared: Prepared, seconds: float) -> Underway:
        """Start on the next epoch, whose preparation took some seconds."""
        self.epoch += 1
        self.controller = prepared.controller
        self.embedded += prepared.embedded
        mined = self.controller is not None and prepared.mining_s is not None
        self.underway = Underway(
            prepared=prepared,
            difficulty=self.controller.value if self.controller is not None and mined else None,
            tally=Tally(),
            seconds=seconds,
        )
        return self.underway

    def to_dict(self) -> dict[str, Any]:
        """Return it as tensors and plain values."""
        return {
            "version": _VERSION,
            "epoch": self.epoch,
            "embedded": self.embedded,
            "net": self.net.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "controller": self.controller.state() if self.controller else None,
            "best": self.best,
            "underway": None if self.underway is None else _pack(self.underway),
            "watch": self.watch.state(),
            "bank": None if self.bank is None else self.bank.state(),
            "scatter": self.scatter.state() if self.scatter is not None and self.scatter.pictures else None,
        }

    def restore(self, document: Mapping[str, Any], config: TrainConfig) -> None:
        """Go on where a checkpoint stopped.

        Raises:
            DataLoss: It is none of this version, or of another run.
        """
        try:
            if document["version"] != _VERSION:
                raise ValueError(f"its version is {document['version']}, this is {_VERSION}")
            self.net.load_state_dict(document["net"])
            self.objective.load_state_dict(document["objective"])
            self.optimizer.load_state_dict(document["optimizer"])
            if document["controller"] is not None:
                self.controller = restore_controller(config.controller, document["controller"])
            self.epoch, self.embedded, self.best = document["epoch"], document["embedded"], document["best"]
            if document["underway"] is not None:
                self.underway = _unpack(document["underway"], self.controller)
            self.watch = Watch.from_state(document["watch"])
            if self.bank is not None:
                self.bank.restore(document["bank"])
            if self.scatter is not None and document["scatter"] is not None:
                self.scatter.restore(document["scatter"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else (str(error).splitlines() or ["?"])[0]
            raise DataLoss(
                f"the checkpoint was written by another version of training ({reason}); go on with the version that "
                f"config.json names, or remove the run and train again"
            ) from None


def _pack(underway: Underway) -> dict[str, Any]:
    prepared = underway.prepared
    return {
        "plan": prepared.plan.state(),
        "figures": json.loads(json.dumps(dict(prepared.figures))),  # numpy's numbers would be refused on loading
        "mining_s": prepared.mining_s,
        "difficulty": underway.difficulty,
        "tally": underway.tally.state(),
        "seconds": underway.seconds,
    }


def _unpack(document: Mapping[str, Any], controller: Controller | None) -> Underway:
    prepared = Prepared(
        plan=Plan.from_state(document["plan"]),
        controller=controller,
        embedded=0,  # counted already
        figures=document["figures"],
        mining_s=document["mining_s"],
    )
    tally = Tally.from_state(document["tally"])
    return Underway(prepared=prepared, difficulty=document["difficulty"], tally=tally, seconds=document["seconds"])
