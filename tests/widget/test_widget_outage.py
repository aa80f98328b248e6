"""What goes wrong between the widget and its server, and that no message is lost, doubled or out of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Request, Route

from channels.livechat.livechat_desk import SqliteDesk, an_account
from widget.hosts import Server, Visitor, until_true

pytestmark = pytest.mark.peers
Newcomer = Callable[..., Any]


async def a_conversation(newcomer: Newcomer, server: Server) -> Visitor:
    visitor: Visitor = await newcomer()
    await visitor.visit()
    await visitor.open()
    await visitor.say("first")
    await until_true(lambda: server.texts() == ["first"], "the first message")
    return visitor


async def test_an_answer_lost_after_the_commit_makes_no_second_message(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    lost: list[str] = []

    async def lose_the_answer(route: Route) -> None:
        body = route.request.post_data_json
        if body["id"] in lost:
            await route.continue_()
            return
        await route.fetch()  # the server commits …
        lost.append(body["id"])
        await route.abort("connectionreset")  # … and nobody hears of it

    await visitor.page.route("**/widget/v1/messages", lose_the_answer)
    await visitor.say("second")
    await visitor.say("third")
    await until_true(lambda: len(lost) == 2 and server.texts()[1:] == ["second", "third"], "both messages")
    frame = await visitor.frame()
    await frame.locator(".going").first.wait_for(state="detached")
    assert await visitor.shown() == ["first", "second", "third"]
    assert server.texts() == ["first", "second", "third"]


async def test_messages_typed_while_the_server_is_dead_arrive_once_and_in_order(
    newcomer: Newcomer, server: Server
) -> None:
    visitor = await a_conversation(newcomer, server)
    frame = await visitor.frame()
    server.kill()
    await visitor.say("second")
    await visitor.say("third")
    await frame.get_by_text("Connecting…").wait_for()
    assert await frame.locator(".going").count() == 2
    server.start()
    await until_true(lambda: server.texts() == ["first", "second", "third"], "what was typed meanwhile")
    await frame.locator(".going").first.wait_for(state="detached")
    await frame.locator(".banner").wait_for(state="detached")
    assert await visitor.shown() == ["first", "second", "third"]
    assert server.texts() == ["first", "second", "third"]


async def test_what_was_typed_survives_the_page(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    server.kill()
    await visitor.say("second")
    await visitor.visit("/another-page")
    server.start()
    await visitor.visit("/third-page")
    await until_true(lambda: server.texts() == ["first", "second"], "the message of a page that is gone")


async def test_the_stream_goes_on_where_it_broke(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    server.pull("say", text="one")
    frame = await visitor.frame()
    await frame.get_by_text("one", exact=True).wait_for()
    resumed: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/events"):
            resumed.append(request.headers.get("last-event-id", ""))

    visitor.page.on("request", note)
    server.kill()
    desk = SqliteDesk(an_account(), server.path)  # the team answers from another process meanwhile
    desk.say(desk.visitors()[-1], "two")
    desk.close()
    server.start()
    await frame.get_by_text("two", exact=True).wait_for()
    assert resumed[-1] == "2"  # the first message, and "one"
    assert await visitor.shown() == ["first", "one"]  # "two" continues the group of "one"
    assert await frame.locator(".theirs .text").all_inner_texts() == ["Hello! How can we help?", "one", "two"]


async def test_a_position_that_is_too_old_reads_the_thread_again(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    frame = await visitor.frame()
    server.kill()
    desk = SqliteDesk(an_account(), server.path)
    desk.say(desk.visitors()[-1], "while you were away")
    desk.forget(before=2)
    desk.close()
    server.start()
    await frame.get_by_text("while you were away").wait_for()
    assert any(url.endswith("/widget/v1/thread") for url in visitor.requests)


async def test_a_refused_message_can_be_tried_again_or_deleted(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    frame = await visitor.frame()
    refuse = {"status": 422, "content_type": "application/problem+json", "body": '{"code": "too_long"}'}
    await visitor.page.route("**/widget/v1/messages", lambda route: route.fulfill(**refuse))
    await visitor.say("second")
    await visitor.say("third")
    await frame.locator(".failed").nth(1).wait_for()
    await visitor.page.unroute("**/widget/v1/messages")
    await frame.locator(".failed").filter(has_text="second").get_by_text("Try again").click()
    await frame.locator(".failed").filter(has_text="third").get_by_text("Delete").click()
    await until_true(lambda: server.texts() == ["first", "second"], "the second attempt")
    assert await frame.locator(".failed").count() == 0


async def test_a_slow_down_is_obeyed(newcomer: Newcomer, server: Server) -> None:
    visitor = await a_conversation(newcomer, server)
    for number in range(24):  # more than the burst that one visitor may send
        await visitor.say(str(number))
    await until_true(lambda: len(server.texts()) == 25, "all of them in the end", seconds=30)
    assert server.texts()[1:] == [str(number) for number in range(24)]
