"""The page of `smserve ui` in Chromium: seconds from dropping a picture to the first result, and what axe finds.

A server process, a process of the page, and a browser. The time is the browser's own: from the drop event until the
hits' pictures are decoded and a frame with them has been drawn, in a page that was just loaded. The gallery is the
demo's (`make demo`), asked with its pictures; where that was not run, drawn pictures and the same network, untrained. A
photo of 12 megapixels is dropped, too. Beside the demo's gallery its untrained network is staged, and the pictures are
dropped again with both answers side by side. axe looks at every state of the page, wide and narrow, light and dark.
`--quick` drops each picture less often.
"""

import argparse
import base64
import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from benchmarks.answering.material import demo_model, photo_gallery, photos
from benchmarks.evidence import describe_machine, print_measure
from benchmarks.server_process import ServerProcess
from smserve.indexing import stage_model
from tests.support.browser import BROWSER, DESK, NO_BROWSER, PHONE, running_browser, serious
from tests.support.pictures import draw, encode
from tests.ui.states import every_state

_DEMO: Final = Path("runs/demo")
_DROP: Final = """async ([name, type, base64, other]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    const answers = document.getElementById("answers");
    if (other) document.querySelector("[name=other]").value = other;
    const filled = new Promise((done) => {
        new MutationObserver(() => answers.querySelector(".hit") && done()).observe(answers, { childList: true });
    });
    const started = performance.now();
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    await filled;
    await Promise.all([...answers.querySelectorAll("img")].map((image) => image.decode()));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return (performance.now() - started) / 1000;
}"""


def main(arguments: list[str]) -> None:
    """Start everything, and print the measures."""
    parser = argparse.ArgumentParser(prog="benchmarks ui", description=__doc__)
    parser.add_argument("--pictures", type=int, default=30, help="dropped one after the other (default: 30)")
    parser.add_argument("--quick", action="store_true", help="5 pictures")
    options = parser.parse_args(arguments)
    if BROWSER is None:
        sys.exit(f"Error: {NO_BROWSER}")
    count = 5 if options.quick else options.pictures
    with tempfile.TemporaryDirectory() as folder:
        model, gallery, pictures, other = _material(Path(folder), count)
        models = ["--models", str(other.parent)] if other is not None else []
        large = Path(folder) / "large.jpg"
        large.write_bytes(encode(draw("red", size=(4000, 3000)), "JPEG", quality=90))
        print(f"{len(pictures)} pictures on {gallery}; {describe_machine()}.", flush=True)
        with (
            ServerProcess(model, "--gallery", str(gallery), *models) as server,
            _page(server.address) as site,
            running_browser() as browser,
        ):
            took = [_drop(browser, site, picture) for picture in pictures]
            took_both = [_drop(browser, site, picture, "staged") for picture in pictures if other is not None]
            took_large = [_drop(browser, site, large) for _ in range(max(3, count // 3))]
            found = [
                each for state in _findings(browser, site, pictures[0], ["staged"] if other else []) for each in state
            ]
    for each in found:
        print(f"axe: {each}")
    print_measure("ui.first_result_s", took, goal=1.0, better="lower")
    print_measure("ui.first_result_s_12_megapixels", took_large, better="lower")
    if took_both:
        print_measure("ui.side_by_side_s", took_both, better="lower")
    print_measure("ui.accessibility_serious", [len(found)], goal=0, better="lower")


def _material(folder: Path, count: int) -> tuple[Path, Path, list[Path], Path | None]:
    """Return a model, a gallery, pictures to drop, and the model that is staged, if any is."""
    queries = _DEMO / "test.csv"
    if (_DEMO / "gallery" / "CURRENT").exists() and queries.exists():
        with queries.open(encoding="utf-8", newline="") as file:
            paths = [queries.parent / row["path"] for row in csv.DictReader(file)]
        gallery = shutil.copytree(_DEMO / "gallery", folder / "gallery")
        (folder / "models").mkdir()
        other = Path(shutil.copy(_DEMO / "untrained.onnx", folder / "models"))
        stage_model(gallery, other)
        return _DEMO / "model.onnx", gallery, paths[:: max(1, len(paths) // count)][:count], other
    drawn = photos(folder / "photos")
    model = demo_model(folder / "model.onnx")
    return model, photo_gallery(folder / "gallery", model, drawn), drawn[:count], None


@contextmanager
def _page(server: str) -> Iterator[str]:
    """Run `smserve ui` inside the block; yields the page's address."""
    command = (sys.executable, "-c", "from smserve.cli import main; main()", "ui", "--port", "0", "--no-browser")
    with subprocess.Popen([*command, "--server", server], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith("open "):
                sys.exit("Error: the page did not start; see above")
            yield line.split()[-1].rstrip("/")
        finally:
            process.terminate()


def _drop(browser: Browser, site: str, picture: Path, other: str = "") -> float:
    kind = "image/png" if picture.suffix == ".png" else "image/jpeg"
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(site)
        data = base64.b64encode(picture.read_bytes()).decode("ascii")
        took: float = page.evaluate(_DROP, [picture.name, kind, data, other])
        return took


def _findings(browser: Browser, site: str, picture: Path, others: list[str]) -> Iterator[list[str]]:
    """Yield what axe calls serious or critical in each state."""
    for size in (DESK, PHONE):
        for scheme in ("light", "dark"):
            with browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce") as context:
                page = context.new_page()
                for state in every_state(page, site, picture, others):
                    yield [f"{state}, {size['width']} pixels, {scheme}: {each}" for each in serious(page)]
