"""Every state that the page can be in."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Page, expect


def every_state(page: Page, site: str, picture: Path, others: Sequence[str]) -> Iterator[str]:
    """Bring the page into one after the other, and yield its name.

    Args:
        page: A tab.
        site: Where the page is; its server answers.
        picture: Finds at least two hits.
        others: To compare with, as the page has them.
    """
    page.goto(site)
    yield "empty"
    upload(page, picture)
    yield "hits"
    page.locator("[data-verdict=right]").first.click()
    page.locator("[data-verdict=wrong]").nth(1).click()
    expect(page.locator("#judged")).to_have_text("2")
    page.locator("#cropping summary").click()
    for summary in page.locator(".payload summary").all()[:1]:
        summary.click()
    yield "judged, with all that unfolds unfolded"
    page.locator("[data-action=why]").first.click()
    expect(page.locator(".maps img")).to_have_count(2)
    yield "why"
    page.keyboard.press("Escape")
    for verdict, place in (("right", 0), ("wrong", 1)):  # taken back, for whoever comes next
        page.locator(f"[data-verdict={verdict}]").nth(place).click()
    expect(page.locator("#export")).to_be_hidden()
    for other in others:
        with page.expect_response("**/search"):
            page.select_option("[name=other]", other)
        expect(page.locator("#answers:not([aria-busy]) .answer")).to_have_count(2)
        yield f"side by side: {other}"
    page.fill("[name=filter]", 'label = "no such label"')
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(0)
    yield "no hit"
    page.fill("[name=filter]", "label =")
    page.keyboard.press("Enter")
    expect(page.locator("#answers .failure")).to_be_visible()
    yield "refused"
    page.goto(f"{site}/server")
    yield "server"


def upload(page: Page, picture: Path) -> None:
    """Choose a file, and wait for what becomes of it."""
    with page.expect_response("**/search"):
        page.set_input_files("#picture", picture)
    page.wait_for_selector("#answers:not([aria-busy])")
