"""Each start of a run, first or resumed: what it was computed with and on."""

import hashlib
import json
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smserve.errors import SmserveError
from training.config import TrainConfig
from training.datasets import Dataset, Progress
from training.datasets.sums import data_sums
from training.durable import write_whole
from training.environment import describe_environment

__all__ = ["read_starts", "record_start"]


def record_start(
    file: Path, config: TrainConfig, dataset: Dataset, *, resumed: bool, cache_dir: Path, progress: Progress
) -> None:
    """Add this start to a run's `environment.json`: a list, a start an entry, the first one first.

    Args:
        file: The run's `environment.json`.
        config: The run's.
        dataset: What it trains and measures on.
        resumed: Whether the run goes on.
        cache_dir: Where decoded pictures are kept, and sums beside them.
        progress: Told how many pictures were summed.

    Raises:
        InvalidInput: A picture can't be read.
        SmserveError: The file can't be written.
    """
    start = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "resumed": resumed,
        "command": shlex.join(sys.orig_argv),
        **describe_environment(),
        "data": data_sums(dataset, config.resize, cache_dir, progress),
        "weights_sha256": _weights_sum(config.model.weights),
    }
    try:
        write_whole(file, (json.dumps([*read_starts(file), start], indent=1) + "\n").encode())
    except OSError as error:
        raise SmserveError(
            f"{file} can't be written ({error.strerror}); see that the folder can be written and has room"
        ) from None


def read_starts(file: Path) -> list[dict[str, Any]]:
    """Return the starts so far; none of a file that is missing or damaged, which no result depends on."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in document if isinstance(each, dict)] if isinstance(document, list) else []


def _weights_sum(weights: str) -> str | None:
    """Return the sha256 of a file of weights; None of others, which the packages' versions say."""
    path = Path(weights)
    if weights in {"pretrained", "none"} or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
