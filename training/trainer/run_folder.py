"""The folder of a run: what was asked for, what happened, what came out.

runs/<name>/
  config.json        settings, seed, data set, versions, commit
  metrics.jsonl      a line an epoch
  checkpoints/last.pt
  evaluation.json    figures on the test classes; its presence says that the run is finished
"""

import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from smserve.errors import AlreadyExists, DataLoss, InvalidInput, NotFound, SmserveError
from training.config import TrainConfig

__all__ = ["RunFolder"]

_VERSIONS_OF = ("smserve", "torch", "torchvision", "numpy", "pillow")


class RunFolder:
    """Paths and contents of one run."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self.config_file: Final = path / "config.json"
        self.metrics_file: Final = path / "metrics.jsonl"
        self.checkpoint_file: Final = path / "checkpoints" / "last.pt"
        self.evaluation_file: Final = path / "evaluation.json"
        self.model_file: Final = path / "model.onnx"

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
            if (old_config, old_dataset) != (config, dataset):
                raise AlreadyExists(
                    f"run {self.path} was begun with other settings or data (see its config.json); resume it with the "
                    f"same ones, or choose another --name"
                )
            return self.checkpoint_file.exists()
        document = {
            "dataset": dataset,
            "accepted": dict(accepted or {}),
            "config": config.to_dict(),
            "commit": _commit(),
            "versions": _versions(),
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

    def read_config(self) -> tuple[TrainConfig, str]:
        """Return the run's settings and the name of its data set.

        Raises:
            NotFound: This is no run folder.
            DataLoss: Its config.json is damaged.
        """
        document = self._origin()
        try:
            return TrainConfig.from_dict(document["config"]), str(document["dataset"])
        except KeyError as error:
            raise DataLoss(f"{self.config_file} has no {error}; remove the run and train again") from None
        except InvalidInput as error:
            raise DataLoss(f"{self.config_file}: {error.message}; remove the run and train again") from None

    def commit(self) -> str | None:
        """The commit that the run was trained with, where there was one."""
        found: str | None = self._origin().get("commit")
        return found

    def accepted(self) -> dict[str, bool]:
        """What `load_dataset` was told to accept of the run's data set."""
        return dict(self._origin().get("accepted", {}))

    def _origin(self) -> dict[str, Any]:
        try:
            return _parse(self.config_file.read_text(encoding="utf-8"), self.config_file)
        except OSError:
            raise NotFound(f"{self.path} is no run: it has no config.json; train one, or check the path") from None

    def log_epoch(self, record: dict[str, Any]) -> None:
        """Append an epoch's figures; those of the same or a later epoch, from before an interruption, are dropped."""
        kept = [line for line in self.epochs() if line["epoch"] < record["epoch"]]
        text = "".join(json.dumps(line) + "\n" for line in [*kept, record])
        partial = self.metrics_file.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.metrics_file)

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

    @staticmethod
    def _write(path: Path, document: dict[str, Any]) -> None:
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise DataLoss(f"{path} is damaged ({error}); remove the run and train again") from None


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _VERSIONS_OF}}


def _commit() -> str | None:
    """Return the checkout's commit, with "+changes" where files differ from it; None outside a checkout."""
    here = Path(__file__).parent
    try:
        answers = [
            subprocess.run(["git", "-C", str(here), *command], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603, S607
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return answers[0].stdout.strip() + ("+changes" if answers[1].stdout.strip() else "")
