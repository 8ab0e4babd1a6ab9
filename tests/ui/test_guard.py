"""Who may ask the page, and what it answers by HTTP."""

import http.client
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from smserve.client import Client
from smserve.config import ImageLimits
from smserve.indexing import SourceItem, build_gallery
from smserve.server import open_engine
from tests.support.running import running_server
from tests.ui.conftest import running_page

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(site: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> http.client.HTTPResponse:
    return read(site, method, path, headers, body)[0]


def read(
    site: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=20)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def test_another_name_for_this_machine_is_refused(site: str) -> None:
    assert ask(site, "GET", "/", {"Host": "attacker.example"}).status == 400


def test_a_form_of_another_site_is_refused(site: str) -> None:
    headers = {"Origin": "https://attacker.example", "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(site, "POST", "/search", headers, b"item_id=red/0.png").status == 403
    assert ask(site, "POST", "/search", headers | {"Origin": site}, b"item_id=red/0.png").status == 200


def test_what_is_too_large_is_refused_before_it_is_read(site: str) -> None:
    headers = {"Content-Length": str(ImageLimits().max_bytes * 2), "Content-Type": "multipart/form-data"}
    assert ask(site, "POST", "/search", headers).status == 413


@pytest.mark.parametrize("path", ["/", "/server", "/static/search.js", "/nothing"])
def test_every_answer_keeps_the_browser_here(path: str, site: str) -> None:
    policy = ask(site, "GET", path, {}).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "form", [b"", b"item_id=red/0.png&top_k=many", b"item_id=red/0.png&top_k=1.5", b"item_id=red/0.png&min_score=nan"]
)
def test_a_wrong_field_is_told(form: bytes, site: str) -> None:
    assert ask(site, "POST", "/search", FORM, form).status == 400
    assert ask(site, "POST", "/judgement", FORM, form).status == 400


def test_an_item_that_is_not_there_is_told(site: str) -> None:
    assert ask(site, "POST", "/search", FORM, b"item_id=nothing").status == 404


def test_a_judgement_without_its_parts_is_refused(site: str) -> None:
    answer, text = read(site, "POST", "/judgement", FORM, b"item_id=red/0.png&hit=red/1.jpg")
    assert answer.status == 400
    assert "this is no judgement" in text


def test_names_and_payload_never_become_markup(tiny_model: Path, pictures: Path, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\"'"
    sources = [
        SourceItem(item_id=f"{hostile}{number}", path=path, label=hostile, payload={hostile: hostile})
        for number, path in enumerate(sorted(pictures.rglob("*.png"))[:2])
    ]
    build_gallery(model=tiny_model, sources=sources, gallery=tmp_path / "gallery")
    with (
        running_server(open_engine(tiny_model, [("g", tmp_path / "gallery")])) as server,
        Client(server.address) as client,
        running_page(client) as site,
    ):
        _, text = read(site, "POST", "/search", FORM, urlencode({"item_id": f"{hostile}0", "filter": "id"}).encode())
        assert "<img src=x" not in text
        _, text = read(site, "POST", "/search", FORM, urlencode({"item_id": f"{hostile}0"}).encode())
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 5
    assert "<img src=x" not in text
