"""What a reader sees without doing anything: the newest message, the text of every row, a draft where it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect

from web.desk import Demo
from web.test_conversations import box, opened, row

pytestmark = [pytest.mark.peers, pytest.mark.slow]
Desk = Callable[..., Awaitable[Page]]
MANY = 14


async def edges(found: Locator) -> tuple[float, float]:
    """Upper and lower edge on the screen, in CSS pixels."""
    place = await found.bounding_box()
    assert place is not None
    return place["y"], place["y"] + place["height"]


@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
async def test_a_long_conversation_opens_at_its_very_end(desk: Desk, demo: Demo, phone: bool) -> None:
    customer = demo.customer(f"Demo Many {phone}")
    for number in range(MANY):
        demo.text(customer, f"Part {number} of a long story {phone}. " + "And so it went on. " * 5)
    page = await desk("/conversations/all", phone=phone)
    await expect(row(page, f"Part {MANY - 1} of a long story {phone}")).to_be_visible()
    await opened(page, f"Part {MANY - 1} of a long story {phone}")
    newest = page.get_by_role("article").filter(has_text=f"Part {MANY - 1} of").locator("time")
    await expect(newest).to_be_in_viewport(ratio=1)
    assert (await edges(newest))[1] <= (await edges(page.get_by_role("region", name="Write")))[0]


async def test_a_day_stays_in_sight_while_one_reads_back(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Back")
    for number in range(MANY):
        demo.text(customer, f"Chapter {number} of the story. " + "And so it went on. " * 8)
    page = await desk("/conversations/all")
    await opened(page, f"Chapter {MANY - 1} of the story")
    log, day = page.get_by_role("log"), page.locator("p[aria-hidden=true]", has_text="Today")
    await expect(day).to_have_count(0)
    await log.evaluate("(log) => { log.scrollTop = log.scrollHeight / 4 }")
    await expect(day).to_be_in_viewport(ratio=1)
    await log.evaluate("(log) => { log.scrollTop = 0 }")
    await expect(day).to_have_count(0)
    await expect(page.get_by_role("separator", name="Today")).to_be_in_viewport(ratio=1)


async def test_a_row_can_be_read_while_the_pointer_is_over_it(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Hover"), "Please read all of me")
    page = await desk("/conversations/all")
    here = row(page, "Please read all of me")
    await here.hover()
    await expect(here.get_by_role("button", name="Done")).to_be_visible()
    preview = here.get_by_text("Please read all of me", exact=True)
    assert (await edges(here.get_by_role("button", name="Done")))[1] <= (await edges(preview))[0] + 1


async def test_whoever_comes_back_to_a_draft_goes_on_where_it_ends(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Again"), "Is it cheaper in spring?")
    page = await desk("/conversations/all")
    await opened(page, "Is it cheaper in spring?")
    await box(page).fill("In April")
    kept = "() => Object.values(localStorage).some((text) => text.includes('In April'))"
    while not await page.evaluate(kept):
        await asyncio.sleep(0.05)
    await page.reload()
    await expect(box(page)).to_have_value("In April")
    await page.keyboard.press("r")
    await page.keyboard.type(", by a third")
    await expect(box(page)).to_have_value("In April, by a third")


async def test_a_browser_is_named_as_people_name_it(desk: Desk, demo: Demo) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"
    page = await desk("/settings/profile", user_agent=agent)
    here = page.get_by_role("listitem").filter(has_text="This browser")
    await expect(here).to_contain_text("Firefox on Windows")


async def test_whoever_opens_the_palette_types_on_at_once(desk: Desk, demo: Demo) -> None:
    page = await desk("/conversations/all")
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("scheduled")
    await expect(page.get_by_role("combobox")).to_have_value("scheduled")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Scheduled")).to_be_visible()


async def test_an_address_that_leads_nowhere_leads_back(desk: Desk, demo: Demo) -> None:
    page = await desk("/nowhere")
    await page.get_by_role("link", name="Go to conversations").click()
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await page.goto("/conversations/all?c=987654321")
    await page.get_by_role("main").get_by_role("button", name="Back").click()
    await expect(page.get_by_text("Pick a conversation")).to_be_visible()


async def test_a_text_is_found_in_a_conversation_however_far_back(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Search")
    for text in ("It began with a zebra", *(f"Then came {number}" for number in range(55)), "It ended with a ZEBRA"):
        demo.text(customer, text)
    page = await desk("/conversations/all")
    await opened(page, "It ended with a ZEBRA")
    await page.keyboard.press("Control+f")
    await page.keyboard.type("a zebra")
    await expect(page.get_by_role("search").get_by_role("status")).to_contain_text("1 of 1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("It began with a zebra")).to_be_in_viewport()
    await expect(page.get_by_role("search").get_by_role("status")).to_have_text("2 of 2")
    await page.keyboard.press("Shift+Enter")
    await expect(page.get_by_role("log").get_by_text("It ended with a ZEBRA")).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("search")).to_have_count(0)


async def test_what_a_search_finds_is_opened_at_its_message(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Way Back")
    for text in ("Please keep the quagga for me", *(f"And then {number}" for number in range(55))):
        demo.text(customer, text)
    page = await desk("/conversations/all")
    await expect(row(page, "And then 54")).to_be_visible()
    await page.get_by_role("searchbox", name="Search").fill("quagga")
    await row(page, "quagga").locator("[data-open]").click(position={"x": 120, "y": 20})
    await expect(page.get_by_role("log").get_by_text("Please keep the quagga")).to_be_in_viewport()
