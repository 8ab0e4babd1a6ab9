"""What runs a model, and how."""

from dataclasses import dataclass, replace
from typing import Final, Literal, Self, get_args

from smserve.errors import InvalidInput

__all__ = ["InferenceSettings", "Precision", "Provider"]

Provider = Literal["cpu", "cuda", "openvino"]
"""ONNX Runtime on the CPU, ONNX Runtime on an NVIDIA GPU, OpenVINO on the CPU."""

Precision = Literal["float32", "bfloat16"]
"""Of the network's inner arithmetic; pixels go in and vectors come out the same."""

_BATCH_ON_CUDA: Final = 32
"""A GPU takes hardly longer for many pictures than for one; on a CPU, batching across calls cost throughput."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceSettings:
    """How a model is run.

    Attributes:
        provider: What runs it. None falls back to another.
        precision: bfloat16 needs OpenVINO, and a CPU that has it.
        threads: CPU threads of one call; None leaves it to who loads the model: one where calls come at the same time.
        max_batch: Pictures of concurrent calls that run together; 1 for none, None for what suits the provider.
        max_batch_delay_ms: How long a batch that is not full waits for more. At 0 it takes what came while the one
            before it ran.
    """

    provider: Provider = "cpu"
    precision: Precision = "float32"
    threads: int | None = None
    max_batch: int | None = None
    max_batch_delay_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that no model can be run with.

        Raises:
            InvalidInput: A value is unknown or out of range, or two don't go together.
        """
        for name, value, known in (
            ("provider", self.provider, get_args(Provider)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in known:
                raise InvalidInput(f"{name} is {value!r}; wanted one of {', '.join(known)}", field=name)
        for name, number, least, most in (
            ("threads", self.threads_a_call, 1, 256),
            ("max_batch", 1 if self.max_batch is None else self.max_batch, 1, 1024),
            ("max_batch_delay_ms", self.max_batch_delay_ms, 0, 1000),
        ):
            if not least <= number <= most:  # NaN fails too
                raise InvalidInput(f"{name} is {number}; wanted {least} to {most}", field=name)
        if self.precision == "bfloat16" and self.provider != "openvino":
            raise InvalidInput(
                f"precision bfloat16 is not to be had with provider {self.provider}; use --provider openvino, or "
                f"--precision float32",
                field="precision",
            )

    @property
    def threads_a_call(self) -> int:
        """`threads`, decided."""
        return 1 if self.threads is None else self.threads

    @property
    def batch(self) -> int:
        """`max_batch`, decided."""
        if self.max_batch is not None:
            return self.max_batch
        return _BATCH_ON_CUDA if self.provider == "cuda" else 1

    def with_default_threads(self, threads: int) -> Self:
        """Return settings with so many threads a call, unless these say how many."""
        return replace(self, threads=threads) if self.threads is None else self
