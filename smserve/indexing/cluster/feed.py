"""A build's pictures by way of Ray Data: read where the command runs, embedded by the cluster's workers, in order.

    sources --> read_files (tasks on this machine) --> PictureWorker (a pool of actors) --> outcomes, in order

The command sends the files' bytes, so workers need no shared folder. Ray Data holds few blocks at a time. What a
worker had begun that died is done again, and a worker is started in its place.
"""

import logging
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from smserve.config import ImageLimits
from smserve.embedder import Embedder, InferenceSettings
from smserve.errors import InternalError, ModelDamaged, SmserveError
from smserve.gallery import Source
from smserve.indexing.cluster.connection import Cluster, summary
from smserve.indexing.cluster.work import PictureWorker, WorkerSettings, read_files
from smserve.indexing.feed import Feed
from smserve.indexing.reading import Embedded, Outcome, Stored, unreadable
from smserve.indexing.sources import SourceItem

__all__ = ["RayFeed"]

_RUN: Final = 32  # pictures of one run of the model, as in one process
_LARGEST_TASK: Final = 256  # pictures
_TASKS_A_WORKER: Final = 8  # at least, so that none waits long for the others in the end
_BLOCK_BYTES: Final = 32 * 1024 * 1024  # of files; photos of several megabytes make smaller tasks


class RayFeed(Feed):
    """Pictures read here and embedded there."""

    def __init__(
        self,
        address: str,
        model: Path,
        inference: InferenceSettings,
        workers: int | None,
        limits: ImageLimits,
        *,
        thumbnails: bool,
    ) -> None:
        """Load the model here, on the CPU, to be sure of it, and join the cluster.

        Args:
            address: See `Cluster`.
            model: Its file; the workers are sent its bytes.
            inference: How a worker runs it; with CUDA, on a GPU of its own.
            workers: How many; by default as many as there is room for.
            limits: What a picture may cost.
            thumbnails: Make a small JPEG of each.

        Raises:
            SmserveError: As `feed_of`.
        """
        try:
            data = model.read_bytes()
        except OSError as error:
            raise ModelDamaged(f"model file {model} can't be read ({error.strerror}); check the path") from None
        self._embedder: Final = Embedder(model, model=data)
        self._settings: Final = WorkerSettings(model=model, inference=inference, limits=limits, thumbnails=thumbnails)
        self._cpus: Final = inference.threads_a_call
        self._gpus: Final = 1 if inference.provider == "cuda" else 0
        self._cluster: Final = Cluster(address)
        try:
            self._workers: Final = workers or self._as_many_as_fit()
            self._fetch_model: Final = partial(self._cluster.ray.get, self._cluster.ray.put(data))
        except BaseException:
            self.close()
            raise

    @property
    def embedder(self) -> Embedder:
        """The model, on this machine's CPU."""
        return self._embedder

    def outcomes(self, sources: Sequence[SourceItem], stored: Mapping[str, Source]) -> Generator[Outcome, None, None]:
        """Yield what became of each picture, in the order of the sources.

        Raises:
            SmserveError: A worker can't work, or workers die again and again; the message says of what.
        """
        done = 0
        try:
            for row in self._rows(sources, stored):
                if row["refusal"]:
                    raise SmserveError(row["refusal"])
                if row["position"] != done:
                    raise InternalError(f"Ray gave picture {row['position']:,} back, wanted {done:,}: order is lost")
                yield _outcome(sources[done], row)
                done += 1
        except SmserveError:
            raise
        except Exception as error:  # what Ray raises has no common base, and whatever a worker raised comes so, too
            near = sources[min(done, len(sources) - 1)].path
            raise SmserveError(
                f"the Ray cluster {self._cluster.address!r} failed at {near} or at one of the pictures after it: "
                f"{summary(error)} (what is stored is kept, and the same command goes on there)"
            ) from error
        if done != len(sources):
            raise InternalError(f"Ray gave {done:,} of {len(sources):,} pictures back")

    def close(self) -> None:
        """Leave the cluster, which ends the workers."""
        self._cluster.close()

    def _as_many_as_fit(self) -> int:
        workers = self._cluster.room_for(cpus=self._cpus, gpus=self._gpus)
        if workers == 0:
            gpu = " and a GPU" if self._gpus else ""
            raise SmserveError(
                f"the Ray cluster {self._cluster.address!r} has no room for a worker of {self._cpus} CPUs{gpu}; lower "
                f"--inference-threads, or, if it grows on demand, say how many --workers there are to be"
            )
        return workers

    def _rows(self, sources: Sequence[SourceItem], stored: Mapping[str, Source]) -> Iterator[dict[str, Any]]:
        from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy, from_arrow

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.target_max_block_size = _BLOCK_BYTES
        size = min(_LARGEST_TASK, max(_RUN, len(sources) // (_TASKS_A_WORKER * self._workers) // _RUN * _RUN))
        dataset = (
            from_arrow([_described(sources, stored, start, size) for start in range(0, len(sources), size)])
            .map_batches(
                read_files,
                fn_kwargs={"limits": self._settings.limits},
                batch_size=_RUN,
                num_cpus=0,
                compute=TaskPoolStrategy(size=2),
                label_selector={"ray.io/node-id": self._cluster.node},
            )
            .map_batches(
                PictureWorker,
                fn_constructor_kwargs={"fetch_model": self._fetch_model, "settings": self._settings},
                batch_size=_RUN,
                num_cpus=self._cpus,
                num_gpus=self._gpus,
                compute=ActorPoolStrategy(size=self._workers),
            )
        )
        return dataset.iter_rows()  # type: ignore[no-any-return] # Ray is not looked into


def _described(sources: Sequence[SourceItem], stored: Mapping[str, Source], start: int, size: int) -> Any:
    """Return what `read_files` must know of `size` sources, as a table of Arrow, a block of Ray Data's."""
    import pyarrow as pa

    some = sources[start : start + size]
    return pa.table(
        {
            "position": pa.array(range(start, start + len(some)), pa.int64()),
            "path": pa.array([os.fsencode(item.path.absolute()) for item in some], pa.binary()),
            "stored_sha256": pa.array([_stored_sha256(item, stored) for item in some], pa.string()),
        }
    )


def _stored_sha256(item: SourceItem, stored: Mapping[str, Source]) -> str:
    """Return the sha256 that the picture has if it is stored already; empty if it is not stored so."""
    known = stored.get(item.item_id)
    if known is None or known != Source(uri=item.uri, sha256=known.sha256, label=item.label, payload=item.payload):
        return ""
    return known.sha256


def _outcome(item: SourceItem, row: Mapping[str, Any]) -> Outcome:
    if row["reason"]:
        return unreadable(item, row["reason"])
    if row["is_stored"]:
        return Stored(sha256=row["sha256"])
    vector = np.frombuffer(row["vector"], np.float32)  # (D,)
    new = item.embedded(vector, sha256=row["sha256"], thumbnail=row["thumbnail"] or None)
    return Embedded(sha256=row["sha256"], item=new)
