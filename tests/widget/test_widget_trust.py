"""Who may show the chat, and who may read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from channels.livechat.livechat_desk import KEY
from channels.livechat.visitor import identity
from widget.hosts import Server, Site, a_site, until, until_true

pytestmark = pytest.mark.peers
Newcomer = Callable[..., Any]


async def test_a_site_that_is_not_allowed_gets_no_chat(newcomer: Newcomer, server: Server, site: Site) -> None:
    server.settings["origins"] = ["https://example.org"]
    visitor = await newcomer()
    answers: list[int] = []
    visitor.page.on("response", lambda answer: answers.append(answer.status) if "/widget/app" in answer.url else None)
    await visitor.visit()
    await visitor.touch()
    await until_true(lambda: answers == [403], "the refusal")
    assert not any("/session" in url for url in visitor.requests)


async def test_no_site_can_borrow_the_name_of_another(newcomer: Newcomer, server: Server, site: Site) -> None:
    """A page that writes the frame itself and names an allowed site in it: the browser refuses to show it."""
    visitor = await newcomer()
    with a_site(server.base) as thief:
        thief.policy = "default-src *"
        await visitor.page.goto(thief.origin)
        await visitor.page.evaluate(
            "src => { const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame) }",
            f"{server.base}/widget/app?key={KEY}&o={quote(site.origin)}",
        )
        await until_true(lambda: any("frame-ancestors" in text for text in visitor.messages), "the browser's refusal")
    assert not any("/widget/assets/" in url for url in visitor.requests)


async def test_the_page_cannot_speak_in_the_name_of_the_chat(newcomer: Newcomer) -> None:
    """Messages from any other window or origin are ignored, on both sides."""
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    await visitor.page.evaluate("postMessage({ frontdesk: 1, message: { type: 'close' } }, '*')")
    await frame.evaluate("postMessage({ frontdesk: 1, message: { type: 'reset' } }, '*')")
    await visitor.say("still here")
    await frame.get_by_text("still here").wait_for()


async def test_a_signed_in_visitor_sees_the_same_thread_everywhere(newcomer: Newcomer, server: Server) -> None:
    token = identity(name="Ann", email="ann@example.org")
    first, second, stranger = [await newcomer() for _ in range(3)]
    for visitor in (first, second, stranger):
        await visitor.visit()
    await first.page.evaluate("token => frontdesk('identify', token)", token)
    await first.open()
    await first.say("From my phone")
    await until_true(lambda: server.texts() == ["From my phone"], "the message")
    frame = await second.open()
    assert await second.shown() == []
    await second.page.evaluate("token => frontdesk('identify', token)", token)
    await frame.get_by_text("From my phone").wait_for()
    await stranger.open()
    assert await stranger.shown() == []
    (written,) = server.state()["written"]
    assert (written["kind"], written["value"]) == ("external", "user-7")


async def test_signing_out_forgets_everything(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.page.evaluate("token => frontdesk('identify', token)", identity())
    frame = await visitor.open()
    await visitor.say("A secret")
    await frame.get_by_text("A secret").wait_for()
    await until_true(lambda: server.texts() == ["A secret"], "the message")
    await visitor.page.evaluate("frontdesk('reset')")
    await frame.get_by_text("A secret").wait_for(state="detached")
    await visitor.visit()
    await visitor.open()
    assert await visitor.shown() == []


async def test_an_inbox_can_insist_on_an_identity(newcomer: Newcomer, server: Server) -> None:
    server.settings["identity_required"] = True
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    await frame.get_by_text("Please sign in on this website").wait_for()
    await visitor.page.evaluate("token => frontdesk('identify', token)", identity())
    await frame.locator("textarea").wait_for()
    await visitor.say("Hello")
    await until_true(lambda: server.texts() == ["Hello"], "the message")


async def test_a_wrong_identity_is_reported_to_the_page(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.page.evaluate("window.heard = []; frontdesk('on', 'error', error => heard.push(error.code))")
    await visitor.page.evaluate(
        "token => frontdesk('identify', token)", identity("another secret of forty characters!!!!")
    )
    frame = await visitor.open()
    await frame.locator("textarea").wait_for()
    await until(lambda: visitor.page.evaluate("heard.includes('identity_invalid')"), "the report")


async def test_what_the_team_writes_never_becomes_markup(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    frame = await visitor.open()
    evil = "<img src=x onerror=alert(1)> javascript:alert(2) https://example.org/\"onclick='alert(3)'"
    await visitor.say(evil)
    await until_true(lambda: len(server.texts()) == 1, "the message")
    server.pull("say", text=evil, author="<b>Ada</b>")
    await until(lambda: frame.locator(".theirs.first .text").count(), "the answer")
    texts = await frame.locator(".item.first .text").all_inner_texts()
    assert texts == [evil, evil]
    assert await frame.locator(".log img, .log b").count() == 0
    links = await frame.locator(".log a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links == ["https://example.org/"] * 2
