"""The loader, the page in the frame, its assets, and the try-it page: what they allow and what they refuse."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from channels.livechat.livechat_desk import KEY, SITE, SqliteDesk, an_account
from channels.livechat.visitor import BASE
from frontdesk.channels.livechat import pages


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A built widget, small enough to know every byte."""
    assets = tmp_path / "app" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "widget.js").write_text("/* loader */" + " " * 600)
    (tmp_path / "app" / "index.html").write_text("<!doctype html><title>Chat</title>")
    (assets / "index-abc.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("not for you")
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    pages._built.cache_clear()
    yield tmp_path
    pages._built.cache_clear()


async def test_every_site_may_load_the_loader(http: httpx.AsyncClient) -> None:
    answer = await http.get("/widget.js", headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.startswith("/* loader */")
    again = await http.get("/widget.js", headers={"if-none-match": f'"other", {answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert (await http.get("/widget.js", headers={"accept-encoding": "br"})).headers.get("content-encoding") is None


async def test_the_loader_can_bring_the_look_along(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.here = False
    desk.the_account = an_account(BASE, colour="#0f766e", position="start", offline="hide", title="</script>")
    text = (await http.get("/widget.js", params={"key": KEY})).text
    look, loader = text.split("\n", 1)
    assert look == (
        'self.frontdeskLook={"key":"site-1","colour":"#0f766e","position":"start","title":"</script>","hidden":true};'
    )
    assert loader.startswith("/* loader */")
    assert (await http.get("/widget.js", params={"key": "nobody"})).text.startswith("/* loader */")


async def test_a_widget_that_was_not_built_says_so(http: httpx.AsyncClient, built: Path) -> None:
    (built / "widget.js").unlink()
    answer = await http.get("/widget.js")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_built")
    assert "npm" in answer.json()["detail"]


async def test_only_the_inboxs_sites_may_frame_the_app(http: httpx.AsyncClient) -> None:
    answer = await http.get("/widget/app", params={"key": KEY, "o": SITE})
    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == f"'self' {SITE}"
    assert policy["img-src"] == f"'self' data: blob: {BASE}"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "*", f"{SITE}.evil.example", f"{SITE};x"])
async def test_another_site_gets_no_app(http: httpx.AsyncClient, origin: str) -> None:
    answer = await http.get("/widget/app", params={"key": KEY, "o": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


async def test_a_setting_cannot_add_to_the_policy(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(BASE, origins=[SITE, "https://a.example; script-src *", "*"])
    answer = await http.get("/widget/app", params={"key": KEY, "o": SITE})
    assert answer.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {SITE}")


async def test_assets_never_change(http: httpx.AsyncClient) -> None:
    answer = await http.get("/widget/assets/index-abc.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.text == "export {}"


LONG = pytest.param("a" * 5000, id="long")


@pytest.mark.parametrize("name", ["none.js", "..%2f..%2fsecret.txt", "%2e%2e", "..%2findex.html", "%00", LONG])
async def test_assets_lead_nowhere_else(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/widget/assets/{name}")).status_code == 404


async def test_the_try_it_page_needs_no_inline_script(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(BASE, title='<script>alert("x")</script>')
    answer = await http.get("/widget/demo", params={"key": KEY})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert f'src="/widget.js?key={KEY}"' in answer.text
    assert "{{" not in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]
    for name in ("demo.css", "demo.js"):
        assert (await http.get(f"/widget/demo/{name}")).status_code == 200
    assert (await http.get("/widget/demo/demo.html")).status_code == 404
    assert (await http.get("/widget/demo", params={"key": "<script>"})).status_code == 404


def test_packing_is_repeatable() -> None:
    file = pages._file(b"x" * 1000, ".js")
    assert gzip.decompress(file.packed) == b"x" * 1000
    assert file == pages._file(b"x" * 1000, ".js")
