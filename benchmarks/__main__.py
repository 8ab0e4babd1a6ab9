"""List the benchmarks, or run one: `python -m benchmarks [NAME [ARGS...]]`.

A benchmark is a module of this folder with a `main(args)`. It says for a person what it does and on what machine, and
prints last one JSON line a measure. It measures and does not judge: its exit status is 0 when a goal is missed.
"""

import ast
import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def list_benchmarks() -> dict[str, str]:
    """Return the name and the first docstring line of every benchmark."""
    found = {}
    for path in sorted(set(FOLDER.glob("*.py")) - {Path(__file__)}):
        module = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in module.body):
            found[path.stem] = (ast.get_docstring(module) or "").partition("\n")[0]
    return found


def main(arguments: list[str]) -> int:
    """Run the named benchmark, or list all."""
    known = list_benchmarks()
    if not arguments:
        for name, line in known.items():
            print(f"{name:<16}{line}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"Error: no benchmark {name!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    importlib.import_module(f"benchmarks.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
