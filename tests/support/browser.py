"""A real browser: the system's Chromium, else the one that `python -m tests.support.chromium` fetched."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.support.chromium import FETCHED

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", str(FETCHED))
BROWSER: Final = next(filter(None, map(shutil.which, _NAMES)), None)
NO_BROWSER: Final = "there is no chromium here; `python -m tests.support.chromium` fetches one"
DESK: Final[ViewportSize] = {"width": 1366, "height": 860}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run it inside the block; its event loop is this thread's as long, so no other can run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])  # root has no sandbox
        yield browser
        browser.close()


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
