"""The page, in a browser."""

from __future__ import annotations

import base64
import csv
import zipfile
from pathlib import Path
from typing import Any, Literal

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, ViewportSize, expect

from smserve.cli.root import smserve
from smserve.client import Client
from smserve.config import ImageLimits
from smserve.model_file import fingerprint
from smserve.server import Security, Server, ServerSettings, open_engine
from smserve.server.entrance import Entrance
from smserve.server.security.keys import keys_to_json
from tests.support.browser import DESK, PHONE, serious
from tests.support.hostile import corrupt_png
from tests.support.running import running_server
from tests.ui.conftest import items, running_page
from tests.ui.states import every_state, upload

pytestmark = pytest.mark.browser

_DROP = """([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
    return transfer;
}"""


def transfer(page: Page, picture: Path) -> Any:
    return page.evaluate_handle(_DROP, [picture.name, base64.b64encode(picture.read_bytes()).decode()])


def test_an_uploaded_picture_finds_its_like(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    assert items(page)[0] == "red/0.png"
    assert len(items(page)) == 12
    first = page.locator(".hit").first
    expect(first).to_contain_text("1.000")
    expect(first).to_contain_text("red")
    expect(first).to_contain_text("95 % same class")
    assert first.locator("img").evaluate("image => image.naturalWidth") > 0
    first.get_by_text("Payload").click()
    expect(first.locator("dd")).to_be_visible()
    expect(page.locator("#status")).to_have_text("12 hits in shapes")


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_dropped_or_pasted_picture_is_searched_with(how: str, page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    data = transfer(page, pictures / "blue" / "0.png")
    if how == "drop":
        page.dispatch_event("#drop", "drop", {"dataTransfer": data})
    else:
        page.evaluate("data => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))", data)
    page.wait_for_selector(".hit")
    assert items(page)[0] == "blue/0.png"


def test_a_hit_can_be_searched_from_with_the_keyboard(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.locator("[name=filter]").focus()
    for _ in range(3):  # the button, the first hit
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.action") == "search":
            break
    with page.expect_response("**/search"):
        page.keyboard.press("Enter")
    expect(page.locator('.hit[data-item="red/0.png"]')).to_have_count(0)
    expect(page.locator("#preview")).to_have_attribute("alt", "The picture to search with: red/0.png")
    assert page.evaluate("document.activeElement.tagName") == "H2", "the focus goes on at the new hits"


def test_a_filter_narrows_the_hits(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.fill("[name=filter]", 'label = "green"')
    with page.expect_response("**/search"):
        page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(4)
    assert all(item.startswith("green/") for item in items(page))
    page.fill("[name=filter]", "label =")
    page.keyboard.press("Enter")
    expect(page.locator(".failure")).to_contain_text("This filter can't be read")


def test_number_of_hits_and_smallest_score_are_obeyed(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.fill("[name=top_k]", "3")
    with page.expect_response("**/search"):
        page.keyboard.press("Tab")
    expect(page.locator(".hit")).to_have_count(3)
    page.fill("[name=min_score]", "0.9999")
    with page.expect_response("**/search"):
        page.keyboard.press("Tab")
    expect(page.locator(".hit")).to_have_count(1)


@pytest.mark.parametrize("content", [corrupt_png(), b"no picture at all", b""])
def test_a_broken_file_is_refused_in_words(content: bytes, page: Page, site: str, tmp_path: Path) -> None:
    page.goto(site)
    (tmp_path / "broken.png").write_bytes(content)
    upload(page, tmp_path / "broken.png")
    expect(page.locator(".failure h2")).to_have_text("This picture can't be searched with")
    expect(page.locator("#status")).to_have_text("This picture can't be searched with")
    expect(page.locator("#unshown")).to_have_text("broken.png")
    assert not serious(page)


def test_a_picture_that_is_too_large_is_not_sent(page: Page, site: str, tmp_path: Path) -> None:
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(ImageLimits().max_bytes + 1)
    page.goto(site)
    page.set_input_files("#picture", tmp_path / "large.jpg")
    expect(page.locator(".failure h2")).to_have_text("This picture is too large")
    expect(page.locator("[data-action=again]")).to_have_count(0)


def test_a_part_of_the_picture_is_searched_with(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    whole = page.locator(".hit .score").all_text_contents()
    page.get_by_text("Crop").click()
    page.get_by_label("Right").focus()
    with page.expect_response("**/search"):
        page.keyboard.press("PageDown")
    expect(page.locator("#box")).to_be_visible()
    assert page.locator(".hit .score").all_text_contents() != whole
    frame = page.locator("#stage").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 10, frame["y"] + 10)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2, steps=3)
    with page.expect_response("**/search"):
        page.mouse.up()
    assert 45 <= int(page.get_by_label("Right").input_value()) <= 55
    with page.expect_response("**/search"):
        page.get_by_role("button", name="Whole picture").click()
    expect(page.locator(".hit .score").first).to_have_text(whole[0])


def test_the_staged_model_answers_beside_the_one_in_use(
    page: Page, site: str, calibrated_model: Path, other_model: Path, pictures: Path
) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    with page.expect_response("**/search"):
        page.select_option("[name=other]", "staged")
    sides = page.locator(".answer")
    expect(sides.locator("h2")).to_have_text(["shapes, model in use", "shapes, staged model"])
    in_use, staged = (
        [str(hit.get_attribute("data-item")) for hit in side.locator(".hit").all()] for side in sides.all()
    )
    assert [side.get_attribute("data-model") for side in sides.all()] == [
        fingerprint(model.read_bytes()) for model in (calibrated_model, other_model)
    ]
    common = {*in_use} & {*staged}
    assert 0 < len(common) < 12, "the marks below would show nothing"
    same = "the same" if in_use[0] == staged[0] else "not the same"
    expect(page.locator(".overlap")).to_have_text(f"Both have {len(common)} of 12 hits, and {same} nearest item.")
    for side, own, other in ((sides.first, in_use, staged), (sides.last, staged, in_use)):
        expect(side.locator(".hit.alone")).to_have_count(12 - len(common))
        for place, item in enumerate(own):
            said = f"number {other.index(item) + 1} there" if item in other else "only here"
            expect(side.locator(".elsewhere").nth(place)).to_have_text(said)
    expect(page.locator("#status")).to_have_text("12 hits in shapes, model in use; 12 hits in shapes, staged model")


def test_a_hit_of_both_models_is_judged_once(page: Page, site: str, pictures: Path, tmp_path: Path) -> None:
    page.goto(site)
    page.select_option("[name=other]", "staged")
    upload(page, pictures / "red" / "0.png")
    staged = page.locator(".answer").last
    alone = staged.locator(".hit.alone").first
    shared = staged.locator(".hit:not(.alone)").first
    alone.locator("[data-verdict=wrong]").click()
    expect(page.locator("#judged")).to_have_text("1")
    shared.locator("[data-verdict=right]").click()
    expect(page.locator("#judged")).to_have_text("2")
    expect(page.locator("[data-verdict=right][aria-pressed=true]")).to_have_count(2)
    expect(page.locator("[data-verdict=wrong][aria-pressed=true]")).to_have_count(1)
    alone.locator("[data-action=why]").click()
    expect(page.locator(".maps img")).to_have_count(2)
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.locator("#export").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    with (tmp_path / "judgements.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["wrong", "right"]
    assert {row["model_fingerprint"] for row in rows} == {staged.get_attribute("data-model")}
    for verdict, hit in (("wrong", alone), ("right", shared)):  # taken back, on both sides
        hit.locator(f"[data-verdict={verdict}]").click()
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)


def test_only_a_gallery_with_a_staged_model_offers_it(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    offered = page.locator("[name=other] [value=staged]")
    expect(offered).to_be_enabled()
    page.select_option("[name=other]", "staged")
    upload(page, pictures / "red" / "0.png")
    expect(page.locator(".answer")).to_have_count(2)
    with page.expect_response("**/search"):
        page.select_option("[name=gallery]", "bare")
    expect(offered).to_be_disabled()
    expect(page.locator("[name=other]")).to_have_value("")
    expect(page.locator(".answer")).to_have_count(1)


def test_two_galleries_stand_side_by_side(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.select_option("[name=other]", "gallery new")
    expect(page.locator(".answer")).to_have_count(2)
    models = {each.get_attribute("data-model") for each in page.locator(".answer").all()}
    assert len(models) == 2
    expect(page.locator(".elsewhere").first).to_have_text("number 1 there")


def test_a_gallery_without_thumbnails_works(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    page.select_option("[name=gallery]", "bare")
    upload(page, pictures / "red" / "0.png")
    expect(page.locator(".no-picture")).to_have_count(12)
    with page.expect_response("**/search"):
        page.locator("[data-action=search]").first.click()
    expect(page.locator("#unshown")).to_have_text("red/0.png")
    page.locator("[data-action=why]").first.click()
    expect(page.locator("#why-content")).to_contain_text("has no stored thumbnail")


def test_it_shows_why_a_hit_matched(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.locator("[data-action=why]").nth(1).click()
    expect(page.locator(".maps img")).to_have_count(2)
    assert not serious(page)
    page.keyboard.press("Escape")
    expect(page.locator("#why")).to_be_hidden()


def test_judgements_are_what_evaluate_takes(
    page: Page, site: str, address: str, pictures: Path, tmp_path: Path
) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.locator("[data-verdict=right]").first.click()
    expect(page.locator("#judged")).to_have_text("1")
    page.locator("[data-verdict=wrong]").last.click()
    expect(page.locator("#judged")).to_have_text("2")
    page.locator("[data-verdict=right]").nth(1).click()
    expect(page.locator("#judged")).to_have_text("3")
    page.locator("[data-verdict=right]").nth(1).click()  # taken back
    expect(page.locator("#judged")).to_have_text("2")
    with page.expect_response("**/search"):
        page.locator("[data-action=search]").first.click()
    page.locator("[data-verdict=wrong]").first.click()
    expect(page.locator("#judged")).to_have_text("3")
    with page.expect_download() as download:
        page.locator("#export").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    with (tmp_path / "judgements.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["query"], row["verdict"]) for row in csv.DictReader(file)]
    assert rows == [("0.png", "right"), ("0.png", "wrong"), ("red/0.png", "wrong")]
    assert (tmp_path / "queries.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "pictures/0001.png,red,pictures/0001.png"
    ]
    done = CliRunner().invoke(
        smserve, ["index", "evaluate", "--queries", str(tmp_path / "queries.csv"), "--server", address, "--json"]
    )
    assert done.exit_code == 0, done.output
    assert '"queries": 1' in done.stdout


def test_it_says_when_the_server_is_away_and_goes_on_when_it_is_back(
    page: Page, calibrated_model: Path, galleries: list[tuple[str, Path]], pictures: Path
) -> None:
    def served(port: int) -> Server:
        server = Server(ServerSettings(port=port))
        server.start(open_engine(calibrated_model, galleries[:1]))
        return server

    with served(0) as server:
        address = server.address
        client = Client(address)
    with client, running_page(client) as url:
        page.goto(url)
        expect(page.locator("h1")).to_have_text("The server is away")
        with served(int(address.rpartition(":")[2])) as server:
            expect(page.locator("#picture")).to_be_attached()
            upload(page, pictures / "red" / "0.png")
            expect(page.locator(".hit")).to_have_count(12)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator(".failure h2")).to_have_text("The server is away")
        assert not serious(page)
        with served(int(address.rpartition(":")[2])):
            expect(page.locator(".hit")).to_have_count(12)
        page.goto(f"{url}/server")
        expect(page.locator("h1")).to_have_text("The server is away")
        assert not serious(page)


def test_it_says_when_the_server_is_full(
    page: Page, calibrated_model: Path, galleries: list[tuple[str, Path]], pictures: Path
) -> None:
    engine = open_engine(calibrated_model, galleries[:1])
    with (
        running_server(engine, max_in_flight=1, max_waiting=0) as server,
        Client(server.address) as client,
        running_page(client) as url,
    ):
        page.goto(url)
        with Entrance(server._admission).admit(lambda: None):
            upload(page, pictures / "red" / "0.png")
            expect(page.locator(".failure h2")).to_have_text("The server is full")
        page.get_by_role("button", name="Try now").click()
        expect(page.locator(".hit")).to_have_count(12)


def test_it_says_when_the_server_refuses(
    page: Page, calibrated_model: Path, galleries: list[tuple[str, Path]], tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text(keys_to_json([]), encoding="utf-8")
    engine = open_engine(calibrated_model, galleries[:1])
    with (
        running_server(engine, security=Security(keys=tmp_path / "keys.json")) as server,
        Client(server.address) as client,
        running_page(client) as url,
    ):
        page.goto(url)
        expect(page.locator("h1")).to_have_text("The server refuses: it wants a key")


def test_it_says_when_its_own_server_has_ended(page: Page, address: str, pictures: Path) -> None:
    with Client(address) as client, running_page(client) as url:
        page.goto(url)
    page.set_input_files("#picture", pictures / "red" / "0.png")
    expect(page.locator(".failure h2")).to_have_text("This page has lost its own server")


def test_the_state_of_the_server_is_told(page: Page, site: str, pictures: Path) -> None:
    page.goto(site)
    upload(page, pictures / "red" / "0.png")
    page.get_by_role("link", name="Server").click()
    expect(page.locator("h1")).to_have_text("Server")
    for text in ("tiny-0", "CPUExecutionProvider", "1: median", "Gallery shapes", "in use", "staged", "Resident now"):
        expect(page.locator("main")).to_contain_text(text)
    assert not serious(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_serious_for_axe_and_nothing_wider_than_the_screen(
    size: ViewportSize, scheme: Literal["light", "dark"], page: Page, site: str, pictures: Path
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    for state in every_state(page, site, pictures / "red" / "0.png", ["staged", "gallery new"]):
        assert (state, serious(page)) == (state, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], state
