"""The other pages, by hand and by axe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from web.desk import AXE, Demo

pytestmark = [pytest.mark.peers, pytest.mark.slow]
Desk = Callable[..., Awaitable[Page]]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SETTINGS = "inboxes labels tags teammates teams workspace tokens set-aside health audit profile appearance"
PAGES = [
    "/conversations/all",
    "/conversations/snoozed",
    "/contacts",
    "/scheduled",
    *(f"/settings/{page}" for page in SETTINGS.split()),
]


# What fades in is pale until it is there. What goes on for ever (a skeleton's shimmer) is not waited for.
MOVED = """() => Promise.allSettled(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime < Infinity).map((one) => one.finished))"""


async def violations(page: Page) -> list[str]:
    await page.evaluate(MOVED)
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("(tags) => axe.run(document, {runOnly: tags})", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_axe_finds_nothing(desk: Desk, demo: Demo, phone: bool, dark: bool) -> None:
    page = await desk("/", phone=phone, dark=dark)
    found = {}
    for path in PAGES:
        await page.goto(path)
        await expect(page.get_by_role("main")).to_be_visible()
        await expect(page.get_by_role("main").get_by_role("status", name="Loading")).to_have_count(0)
        if problems := await violations(page):
            found[path] = problems
    await page.goto("/conversations/all")
    await page.locator("[data-open]").first.click(position={"x": 120, "y": 20})
    await expect(page.get_by_role("log")).to_be_visible()
    if problems := await violations(page):
        found["a conversation"] = problems
    assert found == {}


@pytest.mark.parametrize("width", [320, 390, 768, 1100, 1440])
async def test_nothing_sticks_out_sideways(desk: Desk, demo: Demo, width: int) -> None:
    page = await desk("/conversations/all")
    await page.set_viewport_size({"width": width, "height": 800})
    for path in ("/conversations/all", "/contacts", "/settings/inboxes"):
        await page.goto(path)
        await expect(page.get_by_role("main")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


async def test_a_contact_is_renamed_tagged_and_annotated(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Contact"), "Please call me Ada")
    page = await desk("/conversations/all")
    await (
        page.get_by_role("row")
        .filter(has_text="Please call me Ada")
        .locator("[data-open]")
        .click(position={"x": 120, "y": 20})
    )
    panel = page.get_by_role("complementary", name="Contact")
    await panel.get_by_role("button", name="Rename").click()
    await panel.get_by_role("textbox", name="Name").fill("Ada Example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("grid").get_by_text("Ada Example")).to_be_visible()
    await panel.get_by_role("button", name="Add a tag").click()
    await page.get_by_role("combobox", name="Add or remove a tag…").fill("Regular")
    await page.keyboard.press("Enter")
    await expect(panel.get_by_text("Regular")).to_be_visible()
    await page.keyboard.press("Escape")
    await panel.get_by_role("textbox", name="Note").fill("Likes lamps.")
    await panel.get_by_role("textbox", name="Note").blur()
    await page.goto("/contacts?q=Ada")
    await page.get_by_role("link", name="Ada Example").click()
    await expect(page.get_by_role("textbox", name="Note")).to_have_value("Likes lamps.")
    await expect(page.get_by_text("Regular")).to_be_visible()


async def test_a_token_is_shown_once(desk: Desk, demo: Demo) -> None:
    page = await desk("/settings/tokens")
    await page.get_by_role("button", name="New token").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Till system")
    await page.get_by_role("button", name="Create").click()
    token = await page.get_by_role("dialog", name="Your new token").locator("code").inner_text()
    read = await page.request.get("/api/v1/conversations", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    assert read.status == 200
    await page.get_by_role("dialog").get_by_role("button", name="Done").click()
    await expect(page.get_by_role("listitem").filter(has_text="Till system")).to_be_visible()
    assert token not in await page.content()


async def test_an_inbox_proves_itself_and_tells_where_it_is(desk: Desk, demo: Demo) -> None:
    page = await desk("/settings/inboxes")
    card = page.get_by_role("listitem").filter(has_text="Demo mailbox")
    await card.get_by_role("button", name="Test connection").click()
    await expect(card.get_by_role("status")).not_to_be_empty()
    website = page.get_by_role("listitem").filter(has_text="Demo website")
    await website.get_by_text("Addresses and installation").click()
    await expect(website.get_by_text("/widget.js")).to_be_visible()


async def test_keys_and_palette_reach_everything(desk: Desk, demo: Demo) -> None:
    page = await desk("/conversations/all")
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox").fill("scheduled")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Scheduled")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
