"""Who may put which of our pages into a frame: what the browser says to it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from web.desk import Demo
from widget.hosts import a_site, until

pytestmark = pytest.mark.peers


async def test_nobody_frames_the_app_and_the_chat_only_its_own_sites(chromium: Browser, demo: Demo) -> None:
    """A page of another site puts each of our pages into a frame: the browser refuses all but the chat's, and that one
    too where the site is not among those of the inbox."""
    async with httpx.AsyncClient(base_url=demo.url) as desk:
        signed = await desk.post("/api/v1/session", json={"email": demo.email, "password": demo.password})
        inboxes = (await desk.get("/api/v1/inboxes")).json()["items"]
        chat = next(one for one in inboxes if one["channel"] == "livechat")
        key = chat["hook_url"].rpartition("/")[2]
        with a_site(demo.url) as site, a_site(demo.url) as stranger:
            site.policy = stranger.policy = "default-src *; script-src 'unsafe-inline'"
            patched = await desk.patch(
                f"/api/v1/inboxes/{chat['id']}",
                json={"settings": {"origins": [site.origin]}},
                headers={"X-CSRF-Token": signed.json()["csrf"]},
            )
            assert patched.status_code == 200, patched.text
            frame = f"/widget/app?key={key}&o={site.origin}"
            pages = ("/", "/conversations", "/settings/profile", "/api/v1/me", f"/widget/demo?key={key}", frame)
            context = await chromium.new_context()
            try:
                shown = {
                    (host.origin, path): await _is_framed(context, host.origin, demo.url + path)
                    for host in (site, stranger)
                    for path in pages
                }
            finally:
                await context.close()
    assert [what for what, is_shown in shown.items() if is_shown] == [(site.origin, frame)]


async def _is_framed(context: Any, origin: str, url: str) -> bool:
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(origin)
    await page.evaluate(
        "src => { const frame = document.createElement('iframe'); frame.src = src;"
        " frame.onload = () => window.loaded = true; document.body.append(frame) }",
        url,
    )
    await until(lambda: page.evaluate("window.loaded === true"), "the frame, or the browser's page in its place")
    (inside,) = [frame for frame in page.frames if frame != page.main_frame]
    refused = any("frame-ancestors" in text or "X-Frame-Options" in text for text in said)
    await page.close()
    return inside.url == url and not refused
