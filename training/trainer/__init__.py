"""The epochs of a run: embed, mine, train, log, save."""

from training.trainer.finished import evaluate_model, evaluate_run, export_run
from training.trainer.reporting import gather_report
from training.trainer.run import train
from training.trainer.run_folder import RunFolder

__all__ = ["RunFolder", "evaluate_model", "evaluate_run", "export_run", "gather_report", "train"]
