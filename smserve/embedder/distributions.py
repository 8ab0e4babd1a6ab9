"""Whether the packages that bring ONNX Runtime leave each other alone."""

import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from typing import Final

from smserve.errors import SmserveError

__all__ = ["refuse_colliding_distributions"]

_DISTRIBUTIONS: Final = (
    "onnxruntime",
    "onnxruntime-azure",
    "onnxruntime-cann",
    "onnxruntime-directml",
    "onnxruntime-gpu",
    "onnxruntime-migraphx",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-training",
    "onnxruntime-webgpu",
    "onnxruntime-windowsml",
    "ort-nightly",
    "ort-nightly-gpu",
)
"""Each installs the module `onnxruntime`, over the files of the others."""


def refuse_colliding_distributions(path: Sequence[str] | None = None) -> None:
    """Check that at most one distribution installs the module `onnxruntime`.

    Args:
        path: Where to look, as `sys.path`, which it is by default.

    Raises:
        SmserveError: Two do. Which files are there then depends on the order in which they were installed.
    """
    where = list(sys.path if path is None else path)
    found = {name: next(iter(distributions(name=name, path=where)), None) for name in _DISTRIBUTIONS}
    installed = {name: each.version for name, each in found.items() if each is not None}
    if len(installed) > 1:
        raise SmserveError(
            f"the module onnxruntime is installed by {len(installed)} packages, which overwrite each other's files: "
            f"{', '.join(f'{name} {version}' for name, version in installed.items())}; keep one, for example: "
            f"pip uninstall --yes {' '.join(installed)} && pip install onnxruntime"
        )
