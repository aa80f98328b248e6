"""Whoever runs it sees how a message got there, what could not be read, and what needs somebody."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from frontdesk.app import process
from frontdesk.channels.port import Raw
from frontdesk.inboxes import actions
from frontdesk.kit.settings import Settings
from web.desk import Demo
from web.test_conversations import box, opened
from web.test_pages import violations

pytestmark = [pytest.mark.peers, pytest.mark.slow]
Desk = Callable[..., Awaitable[Page]]


async def shot(page: Page, name: str) -> None:
    """A picture to look at, where somebody asked for them."""
    if folder := os.environ.get("FRONTDESK_SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def planted(demo: Demo, channel: str, body: bytes) -> None:
    """A delivery that cannot be read, as its provider would make it; what another test left behind is gone."""
    async with process.connected(Settings(home=demo.server.home)) as resources:
        async with resources.db.across() as tx:
            row: Any = await tx.fetchrow("select workspace_id, id from inboxes where channel = $1", channel)
        async with resources.db.begin(row["workspace_id"]) as tx:
            left = "update raw_deliveries set state = 'discarded' where workspace_id = $1 and state = 'set_aside'"
            await tx.execute(left, row["workspace_id"])
            raw = Raw(dedupe_key=f"planted {hash(body)}", body=body, headers={"x-twilio-signature": "abc"})
            await actions.store(tx, row["id"], [raw])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_somebody_looks_after_it(desk: Desk, demo: Demo, phone: bool, dark: bool) -> None:
    look = f"{'phone' if phone else 'wide'}-{'dark' if dark else 'light'}"
    await planted(demo, "sms", f"MessageSid=SM{look}&From=nobody&Body=".encode())
    page = await desk("/settings/health", phone=phone, dark=dark)
    # The server looks every 15 seconds, and the page asks as often.
    found = page.get_by_text(re.compile("could not be read and (is|are) set aside"))
    await expect(found).to_be_visible(timeout=60_000)
    await shot(page, f"health-{look}")
    assert await violations(page) == []
    await page.goto("/contacts")
    await page.get_by_role("status").get_by_role("link", name="Look").click()
    await expect(page.get_by_role("heading", name="Health", exact=True)).to_be_visible()

    await page.goto("/settings/set-aside")
    await page.get_by_role("button", name="Show all of it").first.click()
    await expect(page.get_by_text("x-twilio-signature: (hidden)")).to_be_visible()
    await shot(page, f"set-aside-{look}")
    assert await violations(page) == []
    await page.get_by_role("button", name="Correct and try again").click()
    await shot(page, f"set-aside-edit-{look}")
    assert await violations(page) == []
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Discard").first.click()
    await page.get_by_label("Why?").fill("Made up")
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await expect(page.get_by_text("Nothing is set aside")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_how_a_message_got_there(desk: Desk, demo: Demo, phone: bool, dark: bool) -> None:
    look = f"{'phone' if phone else 'wide'}-{'dark' if dark else 'light'}"
    who = demo.customer(f"Way {look.replace('-', ' ').title()}")
    asked = f"Is my order on its way? {look}"
    demo.text(who, asked)
    page = await desk("/conversations/all", phone=phone, dark=dark)
    await opened(page, asked)
    await box(page).fill("Yes, it left this morning.")
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("button", name=re.compile(r"(Accepted|Sent|Delivered)\. Show details")).last.click()
    details = page.get_by_role("dialog", name="How it got there")
    await expect(details.get_by_text("Taken by the provider")).to_be_visible()
    await expect(details.get_by_role("heading", name="Trace id in the log")).to_be_visible()
    await shot(page, f"way-{look}")
    assert await violations(page) == []
    await details.get_by_role("button", name="Copy Trace id in the log").click()
    assert re.fullmatch("[0-9a-f]{32}", await page.evaluate("navigator.clipboard.readText()"))
