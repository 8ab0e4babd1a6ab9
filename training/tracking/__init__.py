"""Where a run's figures go besides its own metrics.jsonl: TensorBoard always, MLflow when it is installed."""

from training.tracking.several import open_trackers
from training.tracking.tracker import NoTracker, Tracker

__all__ = ["NoTracker", "Tracker", "open_trackers"]
