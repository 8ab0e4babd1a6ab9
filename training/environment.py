"""What a run was computed with: commit, packages, hardware."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, Final

__all__ = ["commit", "describe_environment", "package_versions"]

_ALWAYS: Final = ("smserve", "torch", "torchvision", "numpy", "pillow")
_REQUIREMENT: Final = re.compile(r"[\w.-]+")
_DEVELOPMENT: Final = re.compile(r"""extra == ["']dev["']""")


def describe_environment() -> dict[str, Any]:
    """Return commit, versions and hardware as JSON holds them; no paths and no names of machines or people."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "packages": package_versions(),
        "system": f"{platform.system()} {platform.release()}",
        "hardware": _hardware(),
    }


def package_versions() -> dict[str, str]:
    """Return the installed ones of the packages that smserve asks for, extras but `dev` too; name -> version."""
    try:
        asked = metadata.requires("smserve") or []
    except metadata.PackageNotFoundError:  # a checkout that nobody installed
        asked = []
    asked = [each for each in asked if not _DEVELOPMENT.search(each)]
    names = {match.group().lower() for each in asked if (match := _REQUIREMENT.match(each))}
    found = {name: _version(name) for name in sorted(names.union(_ALWAYS))}
    return {name: version for name, version in found.items() if version is not None}


def commit() -> str | None:
    """Return the checkout's commit, with "+changes" where files differ from it; None outside a checkout."""
    here = Path(__file__).parent
    try:
        answers = [
            subprocess.run(["git", "-C", str(here), *command], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603, S607 - fixed words, and git is where the person has it
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return answers[0].stdout.strip() + ("+changes" if answers[1].stdout.strip() else "")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _hardware() -> dict[str, Any]:
    import torch

    cudnn: Any = torch.backends.cudnn
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,  # not on macOS
        "memory_bytes": _memory(),
        "torch_threads": torch.get_num_threads(),
        "gpus": [{"name": gpu.name, "memory_bytes": gpu.total_memory} for gpu in gpus],
        "cuda": torch.version.cuda if gpus else None,
        "cudnn": cudnn.version() if gpus else None,
    }


def _processor() -> str:
    """Return the processor's name; Python itself knows no more than its architecture on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not everywhere
        return None
