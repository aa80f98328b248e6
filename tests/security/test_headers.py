"""What every answer tells browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from frontdesk.app.http import create
from frontdesk.kit.context import Resources

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
KINDS = {
    "the app": ("GET", "/", 200),
    "an answer": ("GET", "/api/v1/setup", 200),
    "not signed in": ("GET", "/api/v1/me", 401),
    "no such page": ("GET", "/api/v1/nothing", 404),
    "no such file": ("GET", "/files/x", 404),
    "a bad request": ("POST", "/api/v1/session", 400),
    "health": ("GET", "/livez", 200),
    "a hook": ("POST", "/hooks/1-x", 404),
    "a chat": ("GET", "/widget.js?key=x", None),
}


@pytest.fixture(params=["https://desk.example", "http://127.0.0.1:8080"], ids=["tls", "plain"])
async def browser(request: pytest.FixtureRequest, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    changed = Resources(
        settings=replace(resources.settings, url=request.param),
        db=resources.db,
        vault=resources.vault,
        files=resources.files,
    )
    transport = httpx.ASGITransport(app=create(changed), raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=request.param) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
async def test_every_answer_has_the_headers(browser: httpx.AsyncClient, kind: str) -> None:
    method, path, status = KINDS[kind]
    answer = await browser.request(method, path, json={} if method == "POST" else None)
    assert status is None or answer.status_code == status
    secure = str(browser.base_url).startswith("https")
    assert answer.headers.get_list("strict-transport-security") == (["max-age=31536000"] if secure else [])
    assert answer.headers["x-content-type-options"] == "nosniff"
    if kind not in ("a hook", "a chat"):  # nobody opens these as a page
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "script-src 'unsafe" not in answer.headers["content-security-policy"]
