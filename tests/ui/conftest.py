"""A real server, the page on it, and a real browser."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from smserve.client import Client
from smserve.indexing import build_gallery, items_from_csv, pictures_in, stage_model
from smserve.model_file import Calibration
from smserve.server import open_engine
from smserve.ui import make_application
from tests.support.browser import BROWSER, DESK, running_browser
from tests.support.running import running_server
from tests.support.tiny_model import write_tiny_model

TIMEOUT_MS = 20_000
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def calibrated_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    calibration = Calibration(
        slope=9.0, intercept=-6.0, fitted_on="drawn", neighbours=5, pairs=100, same_class_share=0.3, error=0.02
    )
    return write_tiny_model(tmp_path_factory.mktemp("model") / "calibrated.onnx", calibration=calibration)


@pytest.fixture(scope="session")
def galleries(
    calibrated_model: Path, other_model: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[str, Path]]:
    """Of the same pictures: by one model, and another one staged; by that other; and without thumbnails."""
    root = tmp_path_factory.mktemp("galleries")
    paths = sorted(pictures.rglob("*.*g"))
    with (root / "all.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "id", "price"])
        for number, path in enumerate(paths):
            writer.writerow([path, path.parent.name, path.relative_to(pictures), number])
    labelled = items_from_csv(root / "all.csv")
    build_gallery(model=calibrated_model, sources=labelled, gallery=root / "shapes")
    stage_model(root / "shapes", other_model)
    build_gallery(model=other_model, sources=labelled, gallery=root / "new")
    build_gallery(model=calibrated_model, sources=pictures_in(pictures), gallery=root / "bare", thumbnails=False)
    return [(name, root / name) for name in ("shapes", "new", "bare")]


@pytest.fixture(scope="session")
def address(calibrated_model: Path, other_model: Path, galleries: list[tuple[str, Path]]) -> Iterator[str]:
    """Where they are served."""
    with running_server(open_engine(calibrated_model, galleries, models=other_model.parent)) as server:
        yield server.address


@contextmanager
def running_page(client: Client) -> Iterator[str]:
    """Serve the page on a free loopback port; yields its address."""
    config = uvicorn.Config(
        make_application(client, hosts=["127.0.0.1"]), host="127.0.0.1", port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the page did not start"
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(TIMEOUT_MS / 1000)


@pytest.fixture
def site(address: str) -> Iterator[str]:
    """The page of the server."""
    with Client(address) as client, running_page(client) as url:
        yield url


@pytest.fixture(scope="module")  # a browser that lived longer would leave its event loop to other tests
def browser() -> Iterator[Browser]:
    if BROWSER is None:
        pytest.skip(
            "there is no chromium here; `python -m tests.support.chromium` fetches one: the page was not looked at"
        )
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab; the page must not fail in it, nor ask anybody else."""
    with browser.new_context(viewport=DESK, reduced_motion="reduce") as context:  # axe would see half-faded colours
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if is_outside(request.url) else None)
        yield page
        assert not wrong


def is_outside(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def items(page: Page) -> list[str]:
    """The ids of the hits shown, in order."""
    return [str(hit.get_attribute("data-item")) for hit in page.locator(".hit").all()]
