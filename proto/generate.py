"""Generate the Python modules of the wire contract, `smserve/v1/*_pb2*`, from `proto/`.

A build hook of hatchling: `pip install -e .` and `python -m build` run it. The folders below `proto/` mirror the Python
package, so the generated imports are right as they are.
"""

from importlib import resources
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def generate(root: Path) -> None:
    """Write messages, services and their type stubs below `root`.

    Raises:
        RuntimeError: protoc refused the protos; its own message is on standard error.
    """
    protos = sorted((root / "proto").rglob("*.proto"))
    includes = [str(root / "proto"), str(resources.files("grpc_tools") / "_proto")]
    outputs = [f"--{kind}_out={root}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    status = protoc.main(["protoc", *(f"-I{path}" for path in includes), *outputs, *map(str, protos)])
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status} on {', '.join(map(str, protos))}")


class GenerateHook(BuildHookInterface[Any]):
    """Runs `generate` before every build, editable installs included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Generate the modules in place."""
        generate(Path(self.root))
