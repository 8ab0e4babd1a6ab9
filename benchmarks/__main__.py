"""List the benchmarks, or run one: `python -m benchmarks [NAME [ARGS...]]`.

A benchmark is a module of this folder with a `main(args)`. It says for a person what it does and on what machine, and
prints last one JSON line a measure. It measures and does not judge: its exit status is 0 when a goal is missed.
"""

import ast
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_BENCHMARKS = {"__init__", "__main__", "evidence"}


def list_benchmarks() -> dict[str, str]:
    """Return the name and the first docstring line of every benchmark."""
    files = sorted(path for path in FOLDER.glob("*.py") if path.stem not in NOT_BENCHMARKS)
    docs = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in files}
    return {name: doc.partition("\n")[0] for name, doc in docs.items()}


def main(arguments: list[str]) -> int:
    """Run the named benchmark, or list all."""
    known = list_benchmarks()
    if not arguments:
        for name, line in known.items():
            print(f"{name:<12}{line}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"Error: no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    importlib.import_module(f"benchmarks.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
