"""Who may ask the page, and what it answers by HTTP."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from smserve.config import ImageLimits


def ask(site: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=20)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


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
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(site, "POST", "/search", headers, form).status == 400
    assert ask(site, "POST", "/judgement", headers, form).status == 400


def test_an_item_that_is_not_there_is_told(site: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask(site, "POST", "/search", headers, b"item_id=nothing").status == 404
