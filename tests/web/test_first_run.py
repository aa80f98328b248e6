"""From an empty machine to a first conversation, as a newcomer does it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from web.desk import Frontdesk

pytestmark = [pytest.mark.peers, pytest.mark.slow]


async def test_three_steps_lead_to_a_chat_that_can_be_tried_at_once(chromium: Browser, fresh: Frontdesk) -> None:
    context = await chromium.new_context(base_url=fresh.url, viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    await page.get_by_label("Your name").fill("Robin Demo")
    await page.get_by_label("Email address").fill("robin@example.org")
    await page.get_by_label("Password").fill("short")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()  # too short: still here
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Continue").click()

    await page.get_by_label("Name of your business").fill("Harbour House")
    await page.get_by_role("button", name="Create workspace").click()

    await page.get_by_role("button", name="Live chat").click()
    await page.get_by_label("Websites").fill("https://example.org")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_text("widget.js")).to_be_visible()
    async with context.expect_page() as opened:
        await page.get_by_role("link", name="Try it here").click()
    trial = await opened.value
    await trial.wait_for_load_state()
    assert "/widget/demo" in trial.url

    await page.get_by_role("button", name="Open your conversations").click()
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await expect(page.get_by_text("When somebody writes to you")).to_be_visible()

    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("menuitem", name="Sign out", exact=True).click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.get_by_label("Email address").fill("robin@example.org")
    await page.get_by_label("Password").fill("wrong horse battery")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await context.close()
