"""Conversations from end to end: simulated customers on one side, the screens on the other, real wires between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from web.desk import Demo, eventually

pytestmark = [pytest.mark.peers, pytest.mark.slow]
Desk = Callable[..., Awaitable[Page]]


def row(page: Page, text: str) -> Locator:
    """The row of the list whose preview has the text."""
    return page.get_by_role("grid").get_by_role("row").filter(has_text=text)


async def opened(page: Page, text: str) -> None:
    await row(page, text).locator("[data-open]").click(position={"x": 120, "y": 20})
    await expect(page.get_by_role("log").get_by_text(text).first).to_be_visible()


async def accepted(demo: Demo, customer: dict[str, Any], count: int) -> list[str]:
    def enough() -> list[str]:
        found = demo.accepted(customer)
        return found if len(found) >= count else []

    return await asyncio.to_thread(eventually, enough)


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


async def test_a_text_comes_in_live_and_the_answer_is_delivered(desk: Desk, demo: Demo) -> None:
    page = await desk("/conversations/all")
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    customer = demo.customer("Demo Live")
    demo.text(customer, "Is the blue lamp back in stock?")
    await expect(row(page, "Is the blue lamp")).to_be_visible()
    await opened(page, "Is the blue lamp back in stock?")
    await box(page).fill("It is, and we kept one for you.")
    await page.keyboard.press("Control+Enter")
    mine = page.get_by_role("article").filter(has_text="we kept one for you")
    await expect(mine).to_be_visible()
    assert await accepted(demo, customer, 1) == ["It is, and we kept one for you."]
    await expect(mine.get_by_role("button", name="Delivered. Show details")).to_be_visible()
    await expect(box(page)).to_have_value("")
    await mine.get_by_role("button", name="Delivered. Show details").click()
    await expect(page.get_by_role("dialog", name="How it got there").get_by_text("Delivered")).to_be_visible()


async def test_looking_at_a_conversation_reads_it_and_u_takes_that_back(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Unread"), "Can I pay by card?")
    page = await desk("/conversations/unread")
    await opened(page, "Can I pay by card?")
    name = row(page, "Can I pay by card?").locator("[data-open]")
    await expect(name).not_to_have_attribute("aria-label", re.compile("unread"))
    await page.keyboard.press("u")
    await expect(name).to_have_attribute("aria-label", re.compile("1 unread"))


async def test_a_comment_stays_in_the_house(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Secret")
    demo.text(customer, "Do you have parking?")
    page = await desk("/conversations/all")
    await opened(page, "Do you have parking?")
    await page.keyboard.press("m")
    await expect(page.get_by_text("Only your team sees this")).to_be_visible()
    field = page.get_by_role("textbox", name="Internal comment")
    await field.press_sequentially("@dan")
    await page.keyboard.press("Enter")
    await expect(field).to_have_value("@Dana Demo ")
    await field.press_sequentially("she asks for the third time")
    await page.get_by_role("button", name="Add comment").click()
    await expect(page.get_by_role("article", name="Internal comment by")).to_contain_text("for the third time")
    await page.keyboard.press("Escape")
    await page.keyboard.press("r")
    await box(page).fill("Yes, behind the house.")
    await page.keyboard.press("Control+Enter")
    assert await accepted(demo, customer, 1) == ["Yes, behind the house."]


async def test_who_opted_out_cannot_be_written_to_and_the_reason_is_there(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Stop")
    demo.text(customer, "Please tell me about offers")
    page = await desk("/conversations/all")
    await opened(page, "Please tell me about offers")
    demo.text(customer, "STOP")
    composer = page.get_by_role("region", name="Write")
    await expect(composer.get_by_role("alert")).to_contain_text("opted out")
    await box(page).fill("One more thing")
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


async def test_without_a_network_nothing_is_lost_and_nothing_is_sent_twice(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Tunnel")
    demo.text(customer, "When do you open tomorrow?")
    page = await desk("/conversations/all")
    await opened(page, "When do you open tomorrow?")
    await page.context.set_offline(True)
    await expect(page.get_by_text("Offline.")).to_be_visible()
    for text in ("At nine.", "And on Saturday at ten."):
        await box(page).fill(text)
        await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Waiting to be sent")).to_have_count(2)
    await page.context.set_offline(False)
    await expect(page.get_by_text("Waiting to be sent")).to_have_count(0)
    assert await accepted(demo, customer, 2) == ["At nine.", "And on Saturday at ten."]


async def test_what_was_written_is_still_there_after_a_reload(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Draft"), "How much is shipping?")
    page = await desk("/conversations/all")
    await opened(page, "How much is shipping?")
    await box(page).fill("That depends on")
    kept = "() => Object.values(localStorage).some((text) => text.includes('That depends on'))"
    while not await page.evaluate(kept):
        await asyncio.sleep(0.05)
    await page.reload()
    await expect(box(page)).to_have_value("That depends on")


async def test_a_scheduled_message_can_be_changed_and_called_off(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Later")
    demo.text(customer, "Remind me next week, please")
    page = await desk("/conversations/all")
    await opened(page, "Remind me next week, please")
    await box(page).fill("You asked us to remind you.")
    await page.get_by_role("button", name="More ways to send").click()
    await page.get_by_role("menuitem", name=re.compile("In a week")).click()
    waiting = page.get_by_role("region", name="Scheduled")
    await expect(waiting).to_contain_text("You asked us to remind you.")
    await waiting.get_by_role("button", name="Edit").click()
    await page.get_by_role("dialog").get_by_label("Message").fill("You asked us to remind you today.")
    await page.get_by_role("button", name="Save").click()
    await expect(waiting).to_contain_text("remind you today.")

    await page.goto("/scheduled")
    entry = page.get_by_role("listitem").filter(has_text="remind you today.")
    await entry.get_by_role("button", name="Cancel sending").click()
    await expect(entry).to_have_count(0)
    assert demo.accepted(customer) == []


async def test_done_moves_on_and_undo_brings_it_back(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Done"), "Thanks, all is well")
    page = await desk("/conversations/all")
    await opened(page, "Thanks, all is well")
    await page.mouse.move(900, 400)
    await page.keyboard.press("e")
    await expect(row(page, "Thanks, all is well")).to_have_count(0)
    await page.get_by_role("region", name="Notices").get_by_role("button", name="Undo").click()
    await expect(row(page, "Thanks, all is well")).to_be_visible()


async def test_labels_are_made_in_passing_and_filter_the_list(desk: Desk, demo: Demo) -> None:
    demo.text(demo.customer("Demo Label"), "The parcel is broken")
    page = await desk("/conversations/all")
    await opened(page, "The parcel is broken")
    await page.keyboard.press("l")
    await page.get_by_role("combobox", name="Add or remove a label…").fill("Complaint")
    await page.keyboard.press("Enter")
    await expect(row(page, "The parcel is broken")).to_contain_text("Complaint")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Filter").click()
    await page.get_by_role("menuitem", name="Label").click()
    await page.get_by_role("menuitemcheckbox", name="Complaint").click()
    await expect(page.get_by_role("grid").get_by_role("row")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("grid").get_by_role("row")).to_have_count(1)


async def test_two_tabs_share_one_stream_and_both_are_live(desk: Desk, demo: Demo) -> None:
    first = await desk("/conversations/all")
    second = await first.context.new_page()
    streams: list[str] = []
    second.on("request", lambda request: streams.append(request.url) if "/events" in request.url else None)
    await second.goto("/conversations/all")
    await expect(second.get_by_role("grid")).to_be_visible()
    demo.text(demo.customer("Demo Tabs"), "Hello from the other side")
    await expect(row(first, "Hello from the other side")).to_be_visible()
    await expect(row(second, "Hello from the other side")).to_be_visible()
    assert streams == []
    await first.close()
    demo.text(demo.customer("Demo Heir"), "Is anybody still there?")
    await expect(row(second, "Is anybody still there?")).to_be_visible()
    assert streams != []


async def test_mail_is_a_card_and_cannot_reach_out(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Mail")
    html = "<p>Is this the <b>right</b> lamp?</p><script>parent.document.title='owned'</script><img src='http://127.0.0.1:9/x.png'>"
    demo.mail(customer, "A question", "Is this the right lamp?", html)
    page = await desk("/conversations/all")
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if ":9/" in request.url else None)
    await opened(page, "Is this the right lamp?")
    card = page.get_by_role("article").filter(has_text="Is this the right lamp?")
    await card.get_by_role("button", name="Show original layout").click()
    await expect(page.frame_locator("iframe").get_by_text("right")).to_be_visible()
    assert await page.title() != "owned"
    assert foreign == []
    await page.get_by_label("Subject").fill("Re: A question about lamps")
    await box(page).fill("It is.")
    await page.keyboard.press("Control+Enter")
    sent = page.get_by_role("article").filter(has_text="It is.")
    await expect(sent).to_contain_text("Re: A question about lamps")


async def test_the_first_message_can_be_ours(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo First")
    page = await desk("/conversations/all")
    await expect(page.get_by_role("heading", name="Conversations")).to_be_visible()
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New conversation")
    await dialog.get_by_label("To").fill(customer["number"])
    await dialog.get_by_role("button", name=f"Write to {customer['number']}").click()
    await dialog.get_by_label("Message").fill("Your order is ready.")
    await dialog.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("log").get_by_text("Your order is ready.")).to_be_visible()
    assert await accepted(demo, customer, 1) == ["Your order is ready."]


async def test_a_formatted_mail_arrives_formatted(desk: Desk, demo: Demo) -> None:
    customer = demo.customer("Demo Rich")
    demo.mail(customer, "Which one?", "Which one should I take?")
    page = await desk("/conversations/all")
    await opened(page, "Which one should I take?")
    await page.get_by_role("button", name="Formatted text").click()
    field = page.get_by_role("textbox", name="Message")
    await expect(field).to_be_focused()
    await field.press_sequentially("Take the ")
    await page.keyboard.press("Control+b")
    await field.press_sequentially("blue")
    await page.keyboard.press("Control+b")
    await field.press_sequentially(" one.")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article").filter(has_text="Take the blue one.")).to_be_visible()
    await expect(field).to_be_empty()

    def arrived() -> list[Any]:
        return [
            mail for mail in demo.control("GET", f"/control/customers/{customer['id']}/mails") if "blue" in str(mail)
        ]

    (mail,) = await asyncio.to_thread(eventually, arrived)
    assert "<strong>blue</strong>" in str(mail)


async def test_a_message_is_forwarded_with_a_note(desk: Desk, demo: Demo) -> None:
    customer, colleague = demo.customer("Demo Asks"), demo.customer("Demo Knows")
    demo.mail(customer, "Warranty", "How long is the warranty on lamps?")
    page = await desk("/conversations/all")
    await opened(page, "How long is the warranty on lamps?")
    await page.get_by_role("button", name="More about this message").last.click()
    await page.get_by_role("menuitem", name="Forward…").click()
    dialog = page.get_by_role("dialog", name="Forward")
    await dialog.get_by_role("textbox", name="To").fill(colleague["email"])
    await dialog.get_by_label("Your note above it").fill("Do you know?")
    await dialog.get_by_role("button", name="Forward").click()

    def arrived() -> list[Any]:
        mails = demo.control("GET", f"/control/customers/{colleague['id']}/mails")
        return [mail for mail in mails if "How long is the warranty" in str(mail) and "Do you know?" in str(mail)]

    assert await asyncio.to_thread(eventually, arrived)
