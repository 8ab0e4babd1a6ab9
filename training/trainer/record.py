"""An epoch's line for the log; docs/training.md says what each name means."""

from collections.abc import Mapping
from typing import Any

from training.trainer.epoch import EpochOutcome
from training.trainer.state import RunState, Underway

__all__ = ["epoch_record"]


def epoch_record(
    state: RunState,
    underway: Underway,
    outcome: EpochOutcome,
    steering: Mapping[str, Any],
    recalls: Mapping[int, float | None],
    seconds: float,
) -> dict[str, Any]:
    """Return an epoch's line for the log."""
    prepared = underway.prepared
    record = {
        "epoch": state.epoch,
        "loss": outcome.loss,
        "pair_loss": outcome.pair_loss,
        "global_loss": outcome.global_loss,
        "active_share": outcome.active_share,
        "mined_active_share": outcome.mined_active_share,
        "difficulty": underway.difficulty,
        "next_difficulty": state.controller.value if state.controller else None,
        **steering,
        **prepared.plan.figures,
        **prepared.figures,
        "mean_cosine": outcome.mean_cosine,
        "embedded_pictures": state.embedded,
        "trained_pictures": outcome.pictures,
        "steps": outcome.steps,
        "pictures_per_s": outcome.pictures / outcome.seconds,
        **{f"validation_recall_at_{k}": recall for k, recall in recalls.items()},
        "epoch_s": seconds,
    }
    if prepared.mining_s is not None:
        record["mining_share_of_epoch"] = prepared.mining_s / seconds
    return record
