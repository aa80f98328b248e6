"""The page's own calls, the questions before the chat, absence, files, unread answers, and the try-it page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from channels.livechat.livechat_desk import KEY
from widget.hosts import Server, Site, Visitor, until, until_true
from widget.server import PICTURE
from widget.test_widget_access import FORM

pytestmark = pytest.mark.peers
Newcomer = Callable[..., Any]
STUB = "window.frontdesk = window.frontdesk || function () { (frontdesk.q = frontdesk.q || []).push(arguments) };"
EARLY = """
  window.heard = []
  for (const name of ['ready', 'open', 'close']) {
    addEventListener('frontdesk:' + name, () => heard.push(name))
    frontdesk('on', name, () => heard.push('on ' + name))
  }
  frontdesk('set', { theme: 'dark' })
  frontdesk('open')
"""


async def test_what_the_page_asked_before_the_script_came_is_done(newcomer: Newcomer) -> None:
    visitor = await newcomer()
    await visitor.page.add_init_script(STUB + EARLY)
    await visitor.visit()
    frame = await visitor.frame()
    await frame.locator("textarea").wait_for()
    assert await frame.evaluate("document.documentElement.dataset.theme") == "dark"
    await visitor.page.evaluate("frontdesk('toggle')")
    assert await visitor.page.evaluate("heard") == [
        "open",
        "on open",
        "ready",
        "on ready",
        "close",
        "on close",
    ]


async def test_hide_and_show(newcomer: Newcomer) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.page.evaluate("frontdesk('hide')")
    await visitor.touch()
    assert not any("/widget/app" in frame.url for frame in visitor.page.frames)
    await visitor.page.evaluate("frontdesk('show')")
    await visitor.open()


async def test_messages_name_the_page_on_which_they_were_written(
    newcomer: Newcomer, server: Server, site: Site
) -> None:
    visitor = await newcomer()
    await visitor.visit("/one")
    await visitor.open()
    await visitor.say("here")
    await until_true(lambda: len(server.texts()) == 1, "the first")
    await visitor.page.evaluate("history.pushState({}, '', '/two?x=1'); document.title = 'Two'")
    await visitor.say("and there")
    await until_true(lambda: len(server.texts()) == 2, "the second")
    pages = [row["meta"]["page"] for row in server.state()["written"]]
    assert [(page["url"], page["title"]) for page in pages] == [
        (f"{site.origin}/one", "Shop"),
        (f"{site.origin}/two?x=1", "Two"),
    ]


async def test_the_questions_before_the_chat(newcomer: Newcomer, server: Server) -> None:
    server.settings["pre_chat"] = FORM
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    await until(lambda: frame.evaluate("document.activeElement?.id === 'q-name'"), "the focus on the first question")
    await frame.get_by_label("Name").fill("Ann")
    await frame.get_by_label("Email").fill("ann@localhost")  # good enough for the browser, not for the server
    await frame.get_by_label("Topic").select_option("Sales")
    await frame.get_by_label("privacy").check()
    await frame.get_by_text("Start chat").click()
    await visitor.say("Hello")
    await frame.get_by_text("This is not an email address.").wait_for()
    assert server.texts() == []
    await until(lambda: frame.evaluate("document.activeElement?.id === 'q-mail'"), "the focus on the mistake")
    await frame.get_by_label("Name").fill("Ann")
    await frame.get_by_label("Email").fill("ann@example.org")
    await frame.get_by_label("privacy").check()
    await frame.get_by_text("Start chat").click()
    await until_true(lambda: server.texts() == ["Hello"], "the message that had waited")
    (written,) = server.state()["written"]
    assert written["meta"]["also"] == [{"kind": "email", "value": "ann@example.org", "verified": False}]
    await visitor.visit()
    frame = await visitor.open()
    await frame.locator("textarea").wait_for()


async def test_when_nobody_is_here_an_email_is_left(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    server.pull("here", here=False)
    frame = await visitor.open()
    await visitor.say("Call me")
    assert await frame.locator("#leave:invalid").count() == 1
    await frame.locator("#leave").fill("ann@example.org")
    await frame.locator("textarea").press("Enter")
    await until_true(lambda: server.texts() == ["Call me"], "the message")
    await frame.get_by_text("We will answer to ann@example.org.").wait_for()
    (written,) = server.state()["written"]
    assert written["meta"]["continue_by_email"] is True
    assert written["meta"]["also"] == [{"kind": "email", "value": "ann@example.org", "verified": False}]


async def test_a_chat_that_hides_when_nobody_is_here(newcomer: Newcomer, server: Server, site: Site) -> None:
    server.settings["offline"] = "hide"
    visitor = await newcomer()
    server.pull("here", here=False)
    await visitor.visit()
    await visitor.reach()
    frame = await visitor.frame()
    await frame.locator(".chat h1").wait_for(state="attached")
    tree = await visitor.page.context.new_cdp_session(visitor.page)

    async def gone() -> bool:
        nodes = (await tree.send("Accessibility.getFullAXTree"))["nodes"]
        return not any(node.get("name", {}).get("value") == "Open chat" for node in nodes)

    await until(gone, "the button's absence")


async def test_files_both_ways(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    files = [
        {"name": "photo.png", "mimeType": "image/png", "buffer": PICTURE},
        {"name": "page.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"},
    ]
    await frame.locator("input[type=file]").set_input_files(files)
    await frame.get_by_text("Files of this kind cannot be sent").wait_for()
    await frame.get_by_label("Remove page.svg").click()
    await frame.locator(".uploads .done").wait_for()
    await frame.get_by_label("Send").click()
    await until_true(lambda: server.texts() == [""], "the message")
    picture = frame.locator(".picture img")
    await until(lambda: picture.evaluate("image => image.complete && image.naturalWidth"), "the picture")
    assert await picture.get_attribute("alt") == "photo.png"


async def test_an_unread_answer_calls_the_visitor_back(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.open()
    await visitor.say("Hello")
    await until_true(lambda: len(server.texts()) == 1, "the message")
    await visitor.page.evaluate(
        "frontdesk('close'); window.unread = []; frontdesk('on', 'unread', n => unread.push(n))"
    )
    server.pull("say", text="one")
    server.pull("say", text="two")
    await until(lambda: visitor.page.evaluate("unread.at(-1) === 2"), "two unread answers")
    assert server.state()["receipts"] == []
    await visitor.visit("/later")  # without a touch
    await visitor.frame()
    frame = await visitor.open()
    await frame.get_by_text("two", exact=True).wait_for()
    await until_true(lambda: {row[2] for row in server.state()["receipts"]} == {"read"}, "the receipts")


async def test_a_returning_visitor_who_never_wrote_loads_nothing(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.open()
    await visitor.page.evaluate("frontdesk('close')")
    visitor.requests.clear()
    await visitor.visit()
    await visitor.page.wait_for_timeout(2_000)  # nothing may happen, so there is nothing to wait for
    assert not any("/widget/" in url for url in visitor.requests)


async def test_two_windows_of_one_visitor_are_one_conversation(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    await visitor.say("from the first window")
    other = Visitor(await visitor.page.context.new_page(), visitor.site)
    await other.visit()
    second = await other.open()
    await second.get_by_text("from the first window").wait_for()
    await other.say("from the second window")
    await frame.get_by_text("from the second window").wait_for()
    assert server.texts() == ["from the first window", "from the second window"]


async def test_the_try_it_page(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.page.goto(f"{server.base}/widget/demo?key={KEY}")
    await visitor.page.get_by_text("Open the chat").click()
    frame = await visitor.frame()
    await frame.locator("textarea").wait_for()
    await visitor.say("It works")
    await until_true(lambda: server.texts() == ["It works"], "the message")
    assert [text for text in visitor.messages if text.startswith(("error", "pageerror"))] == []
