"""The folder of a run: what was asked for, what happened, what came out.

runs/<name>/
  config.json        settings, seed, data set, versions, commit
  environment.json   each start: command, commit, versions, hardware, sums of the data
  metrics.jsonl      a line an epoch
  checkpoints/        the latest states, and the best on the validation classes
  evaluation.json    figures on the test classes; its presence says that the run is finished
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from smserve.errors import AlreadyExists, DataLoss, InvalidInput, NotFound, SmserveError
from training.config import TrainConfig
from training.durable import write_whole
from training.environment import commit, package_versions
from training.trainer.checkpoints import Checkpoints

__all__ = ["RunFolder"]


class RunFolder:
    """Paths and contents of one run."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.config_file: Final = path / "config.json"
        self.metrics_file: Final = path / "metrics.jsonl"
        self.checkpoints: Final = Checkpoints(path / "checkpoints")
        self.evaluation_file: Final = path / "evaluation.json"
        self.environment_file: Final = path / "environment.json"
        self.model_file: Final = path / "model.onnx"
        self.report_file: Final = path / "report.html"

    def begin(
        self, config: TrainConfig, dataset: str, *, resume: bool, accepted: Mapping[str, bool] | None = None
    ) -> bool:
        """Make the folder, or go on with it; returns whether there is a checkpoint to go on from.

        Args:
            config: The run's settings.
            dataset: Its data set, as `load_dataset` takes it.
            resume: Accept a run that is there, if it has the same settings and data.
            accepted: What `load_dataset` was told to accept; noted, so that the set can be loaded again.

        Raises:
            AlreadyExists: A run is there and `resume` was not asked for, or it has other settings.
            SmserveError: The folder can't be made.
        """
        if self.config_file.exists():
            if not resume and self.evaluation_file.exists():
                raise AlreadyExists(
                    f"run {self.path} is finished; choose another --name, or see its figures again with --resume"
                )
            if not resume:
                raise AlreadyExists(f"run {self.path} is there already; go on with --resume, or choose another --name")
            old_config, old_dataset = self.read_config()
            # How often checkpoints are written, and when a run is stopped, changes nothing of what comes out.
            alike = replace(old_config, checkpoint=config.checkpoint, guards=config.guards)
            if (alike, old_dataset) != (config, dataset):
                raise AlreadyExists(
                    f"run {self.path} was begun with other settings or data (see its config.json); resume it with the "
                    f"same ones, or choose another --name"
                )
            return bool(self.checkpoints.kept())
        document = {
            "dataset": dataset,
            "accepted": dict(accepted or {}),
            "config": config.to_dict(),
            "commit": commit(),
            "versions": {"python": platform.python_version(), **package_versions()},
        }
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(self.config_file, document)
        except OSError as error:
            raise SmserveError(
                f"run folder {self.path} can't be written ({error.strerror}); see that the place is a folder with "
                f"room that can be written, or choose another --run-dir"
            ) from None
        return False

    @contextmanager
    def withdrawn_on_failure(self, *, writing: bool) -> Iterator[None]:
        """Undo `begin` when what follows fails: nothing was trained, and the next try may have other settings.

        Args:
            writing: Whether this process writes, and there is no checkpoint to go on from.
        """
        try:
            yield
        except SmserveError:
            if writing:
                for file in (self.config_file, self.environment_file):
                    file.unlink(missing_ok=True)
                with suppress(OSError):  # something else is in it
                    self.path.rmdir()
            raise

    def read_config(self) -> tuple[TrainConfig, str]:
        """Return the run's settings and the name of its data set.

        Raises:
            NotFound: This is no run folder.
            DataLoss: Its config.json is damaged.
        """
        document = self.origin()
        try:
            return TrainConfig.from_dict(document["config"]), str(document["dataset"])
        except KeyError as error:
            raise DataLoss(f"{self.config_file} has no {error}; remove the run and train again") from None
        except InvalidInput as error:
            raise DataLoss(f"{self.config_file}: {error.message}; remove the run and train again") from None

    def commit(self) -> str | None:
        """The commit that the run was trained with, where there was one."""
        found: str | None = self.origin().get("commit")
        return found

    def origin(self) -> dict[str, Any]:
        """What config.json holds.

        Raises:
            NotFound: This is no run folder.
            DataLoss: It is damaged.
        """
        try:
            return _parse(self.config_file.read_text(encoding="utf-8"), self.config_file)
        except OSError:
            raise NotFound(f"{self.path} is no run: it has no config.json; train one, or check the path") from None

    def accepted(self) -> dict[str, bool]:
        """What `load_dataset` was told to accept of the run's data set."""
        return dict(self.origin().get("accepted", {}))

    def log_epoch(self, record: dict[str, Any]) -> None:
        """Append an epoch's figures; those of the same or a later epoch, from before an interruption, are dropped."""
        self._write_lines([*(line for line in self.epochs() if line["epoch"] < record["epoch"]), record])

    def go_back(self, checkpoint: Path, *, epoch: int) -> None:
        """Drop what came after a checkpoint, which follows the end of `epoch`: later ones, lines of the log, figures.

        Raises:
            NotFound: It is none of this run's checkpoints.
        """
        self.checkpoints.drop_after(checkpoint)
        self.evaluation_file.unlink(missing_ok=True)
        if self.metrics_file.exists():
            self._write_lines(line for line in self.epochs() if line["epoch"] <= epoch)

    def epochs(self) -> list[dict[str, Any]]:
        """Return what was logged so far."""
        if not self.metrics_file.exists():
            return []
        return [_parse(line, self.metrics_file) for line in self.metrics_file.read_text(encoding="utf-8").splitlines()]

    def finish(self, figures: dict[str, Any]) -> None:
        """Record the test figures; the run is finished."""
        self._write(self.evaluation_file, figures)

    def evaluation(self) -> dict[str, Any] | None:
        """Return the test figures of a finished run."""
        if not self.evaluation_file.exists():
            return None
        return _parse(self.evaluation_file.read_text(encoding="utf-8"), self.evaluation_file)

    def _write_lines(self, records: Iterable[dict[str, Any]]) -> None:
        write_whole(self.metrics_file, "".join(json.dumps(line) + "\n" for line in records).encode())

    @staticmethod
    def _write(path: Path, document: dict[str, Any]) -> None:
        write_whole(path, (json.dumps(document, indent=1) + "\n").encode())


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise DataLoss(f"{path} is damaged ({error}); remove the run and train again") from None
