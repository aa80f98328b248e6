"""The widget on a customer's page: what it loads, how it looks, what it says and hears."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from widget.hosts import Server, Site, until_true

pytestmark = pytest.mark.peers
Newcomer = Callable[..., Any]


async def test_before_the_first_touch_only_the_loader_is_loaded(newcomer: Newcomer, site: Site, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.page.wait_for_timeout(1_500)  # nothing may happen, so there is nothing to wait for
    assert [url for url in visitor.requests if url.startswith(server.base)] == [f"{server.base}/widget.js"]
    await visitor.reach()
    await visitor.frame()
    assert any("/widget/app?" in url for url in visitor.requests)


async def test_a_conversation(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    assert await frame.locator("textarea").evaluate("element => element === document.activeElement")
    await visitor.say("Do you ship to Crete?")
    await until_true(lambda: server.texts() == ["Do you ship to Crete?"], "the message")
    server.pull("typing")
    await frame.locator(".typing").wait_for()
    server.pull("say", text="Yes, see https://example.org/shipping.")
    await frame.get_by_text("Yes, see").wait_for()
    await frame.locator(".typing").wait_for(state="detached")
    link = frame.locator(".theirs a")
    assert await link.get_attribute("href") == "https://example.org/shipping"
    await until_true(lambda: [r[2] for r in server.state()["receipts"]] == ["read"], "the receipt")
    server.pull("read")
    await frame.get_by_text("Seen").wait_for()
    assert [message for message in visitor.messages if "error" in message] == []
    (written,) = server.state()["written"]
    assert written["meta"]["page"]["title"] == "Shop"
