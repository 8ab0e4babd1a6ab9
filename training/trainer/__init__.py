"""The epochs of a run: embed, mine, train, log, save."""

from training.trainer.finished import evaluate_run, export_run
from training.trainer.run import train
from training.trainer.run_folder import RunFolder

__all__ = ["RunFolder", "evaluate_run", "export_run", "train"]
