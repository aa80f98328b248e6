"""Session, thread, messages, typing and seen over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from channels.livechat.livechat_desk import KEY, SITE, SqliteDesk, an_account
from channels.livechat.visitor import BASE, Visitor
from frontdesk.channels.port import Address


async def test_a_session_tells_the_widget_all_it_needs(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(BASE, title="Help", greeting="Hi!", hours={"reply_minutes": 10})
    session = (await Visitor(http).begin()).json()
    assert session["site"]["title"] == "Help"
    assert session["site"]["greeting"] == "Hi!"
    assert session["presence"] == {"online": True, "away": None, "next_opening": None, "reply_minutes": 10}
    assert session["thread"] == {"items": [], "cursor": 0}
    assert not session["identified"]


async def test_a_visitor_leaves_no_trace_before_writing(visitor: Visitor, desk: SqliteDesk) -> None:
    await visitor.thread()
    assert desk.stored() == {}


async def test_a_message_is_stored_before_it_is_confirmed(visitor: Visitor, desk: SqliteDesk) -> None:
    name = str(uuid4())
    page = {"url": "https://example.org/prices?x=1", "title": "Prices", "referrer": "javascript:alert(1)"}
    answer = await visitor.post(
        "messages", {"id": name, "text": " Hi\r\nthere\0 ", "page": page, "tz": "Europe/Athens"}
    )
    assert answer.status_code == 200
    assert answer.json()["id"] == name
    assert answer.json()["new"] is True
    (written,) = desk.written()
    assert written["text"] == "Hi\nthere"
    assert written["meta"]["page"] == {"url": "https://example.org/prices?x=1", "title": "Prices"}
    assert written["meta"]["tz"] == "Europe/Athens"
    (item,) = await visitor.thread()
    assert item["client"] == name
    assert item["mine"]


async def test_the_same_message_again_is_the_same_message(visitor: Visitor, desk: SqliteDesk) -> None:
    body = {"id": str(uuid4()), "text": "once"}
    first, second = await visitor.post("messages", body), await visitor.post("messages", body)
    assert (first.json()["new"], second.json()["new"]) == (True, False)
    assert second.json()["id"] == body["id"]
    assert [row["text"] for row in desk.written()] == ["once"]


async def test_nothing_is_confirmed_when_nothing_was_stored(visitor: Visitor, desk: SqliteDesk) -> None:
    desk.broken = OSError("the disk is full")
    answer = await visitor.say()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    desk.broken = None
    assert (await visitor.say()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "no id"}, 400, "bad_request"),
        ({"id": "not-a-uuid", "text": "x"}, 400, "bad_request"),
        ({"id": str(uuid4()), "text": ""}, 422, "empty"),
        ({"id": str(uuid4()), "text": "\0\n "}, 422, "empty"),
        ({"id": str(uuid4()), "text": "x" * 8001}, 422, "too_long"),
        ({"id": str(uuid4()), "text": "x", "files": ["forged"]}, 422, "file_gone"),
        ({"id": str(uuid4()), "text": "x", "email": "nobody"}, 422, "email"),
        ([], 400, "bad_request"),
        (None, 400, "bad_request"),
    ],
)
async def test_what_is_not_a_message_is_refused(
    visitor: Visitor, desk: SqliteDesk, body: Any, status: int, code: str
) -> None:
    answer = await visitor.post("messages", body) if body is not None else await visitor.post("messages", 7)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert desk.stored() == {}


async def test_eight_thousand_characters_fit_however_they_are_escaped(visitor: Visitor, desk: SqliteDesk) -> None:
    assert (await visitor.say("😀" * 8000)).status_code == 200
    assert len(desk.written()[0]["text"]) == 8000


async def test_a_body_without_end_is_not_read_to_the_end(visitor: Visitor) -> None:
    async def endless() -> Any:
        for _ in range(1_000):
            sent.append(1)
            yield b" " * 65_536

    sent: list[int] = []
    answer = await visitor.http.post(
        "/widget/v1/messages",
        content=endless(),
        headers={**visitor.headers, "content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_big")
    assert len(sent) < 20


@pytest.mark.parametrize("token", ["", "x", "x.y", "e30.e30", "é.é", "A" * 9000])
async def test_without_a_session_nothing_is_told(http: httpx.AsyncClient, token: str) -> None:
    visitor = Visitor(http)
    headers = {"authorization": f"Bearer {token}".encode()}
    for method, path in [
        ("GET", "thread"),
        ("GET", "events"),
        ("POST", "messages"),
        ("POST", "seen"),
        ("POST", "files"),
    ]:
        answer = await visitor.http.request(method, f"/widget/v1/{path}", headers=headers)
        assert answer.status_code == 401, path
        assert answer.json()["code"] in ("no_session", "bad_session")


async def test_a_changed_token_is_worth_nothing(visitor: Visitor) -> None:
    for at in range(0, len(visitor.token), 7):
        other = "A" if visitor.token[at] != "A" else "B"
        forged = visitor.token[:at] + other + visitor.token[at + 1 :]
        answer = await visitor.http.get("/widget/v1/thread", headers={"authorization": f"Bearer {forged}"})
        assert answer.status_code in (401, 404), at


async def test_visitors_do_not_see_each_other(http: httpx.AsyncClient, visitor: Visitor) -> None:
    await visitor.say("mine alone")
    other = Visitor(http)
    await other.begin()
    assert await other.thread() == []


async def test_a_session_goes_on_with_its_token(visitor: Visitor) -> None:
    await visitor.say("first")
    again = await visitor.begin()
    assert [item["text"] for item in again.json()["thread"]["items"]] == ["first"]


async def test_a_token_that_is_not_ours_begins_a_new_visit(visitor: Visitor) -> None:
    await visitor.say("first")
    visitor.token = "e30.e30"
    assert (await visitor.begin()).json()["thread"]["items"] == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://example.org.evil.example", "http://example.org", "null", ""]
)
async def test_only_the_inboxs_own_sites_begin_a_session(http: httpx.AsyncClient, origin: str) -> None:
    answer = await Visitor(http).begin(origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


@pytest.mark.parametrize("origin", [SITE, BASE])
async def test_the_site_and_our_own_address_may(http: httpx.AsyncClient, origin: str) -> None:
    assert (await Visitor(http).begin(origin=origin)).status_code == 200


@pytest.mark.parametrize("key", ["nobody", "../etc", "a" * 201, ""])
async def test_an_unknown_key_has_no_chat(http: httpx.AsyncClient, key: str) -> None:
    assert (await Visitor(http).begin(key=key)).status_code in (400, 404)


async def test_a_disabled_inbox_ends_every_session(visitor: Visitor, desk: SqliteDesk) -> None:
    desk.the_account = None
    assert (await visitor.say()).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_other_pages_cannot_ask(visitor: Visitor, headers: dict[str, str]) -> None:
    answer = await visitor.http.get("/widget/v1/thread", headers={**visitor.headers, **headers})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    session = {"key": KEY, "origin": SITE}
    assert (await visitor.http.post("/widget/v1/session", json=session, headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": BASE}, {}])
async def test_our_own_frame_can(visitor: Visitor, headers: dict[str, str]) -> None:
    answer = await visitor.http.get("/widget/v1/thread", headers={**visitor.headers, **headers})
    assert answer.status_code == 200


async def test_typing_is_whispered_and_not_stored(visitor: Visitor, desk: SqliteDesk) -> None:
    assert (await visitor.post("typing", {"on": True})).status_code == 204
    (whisper,) = desk.whispers
    assert (whisper.kind, whisper.on, whisper.sender.kind) == ("typing", True, "visitor")
    assert desk.stored() == {}


async def test_seen_becomes_a_receipt_of_our_message(visitor: Visitor, desk: SqliteDesk) -> None:
    await visitor.say()
    (address,) = desk.visitors()
    name = desk.say(address, "Hello back")
    assert (await visitor.post("seen", {"ids": [name]})).status_code == 204
    await visitor.post("seen", {"ids": [name]})
    assert desk.receipts() == [(name, name.removeprefix("wm:"), "read")]


async def test_nobody_marks_anothers_messages_as_read(visitor: Visitor, desk: SqliteDesk) -> None:
    await visitor.say()
    stranger = desk.say(Address(kind="visitor", value="somebody else", scope=KEY), "Not for you")
    mine = (await visitor.thread())[0]["id"]
    assert (await visitor.post("seen", {"ids": [stranger, mine, "wm:unknown"]})).status_code == 204
    assert desk.receipts() == []


async def test_the_questions_before_the_chat_are_asked_once(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(
        BASE,
        pre_chat=[
            {"name": "name", "type": "name", "label": {"en": "Name", "el": "Όνομα"}, "required": True},
            {"name": "mail", "type": "email", "label": "Email", "required": True},
            {"name": "topic", "type": "select", "label": "Topic", "options": ["Sales", "Support"]},
            {"name": "ok", "type": "consent", "label": "I agree", "required": True},
        ],
    )
    visitor = Visitor(http)
    assert not (await visitor.begin()).json()["asked"]
    refused = await visitor.say()
    assert (refused.status_code, refused.json()["fields"]) == (
        422,
        {"name": "required", "mail": "required", "ok": "required"},
    )
    wrong = await visitor.say(answers={"name": "Ann", "mail": "x", "topic": "Other", "ok": "yes"})
    assert wrong.json()["fields"] == {"mail": "email", "topic": "option", "ok": "required"}
    answers = {"name": "Ann", "mail": "Ann@Example.org", "topic": "Sales", "ok": True, "extra": "ignored"}
    assert (await visitor.say("one", answers=answers, locale="el-GR")).status_code == 200
    assert (await visitor.say("two")).status_code == 200
    first, second = desk.written()
    assert first["meta"]["name"] == "Ann"
    assert first["meta"]["also"] == [{"kind": "email", "value": "ann@example.org", "verified": False}]
    assert first["meta"]["answers"][0] == {"name": "name", "type": "name", "label": "Όνομα", "value": "Ann"}
    assert first["meta"]["answers"][-1]["value"] is True
    assert "answers" not in second["meta"]
    assert (await visitor.begin()).json()["asked"]


async def test_when_nobody_is_here_the_answer_goes_by_email(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.here = False
    visitor = Visitor(http)
    assert (await visitor.begin()).json()["presence"]["away"] == "email"
    await visitor.say("by mail please", email=" Ann@Example.org ")
    await visitor.say("never mind")
    first, second = desk.written()
    assert first["meta"]["continue_by_email"] is True
    assert first["meta"]["also"] == [{"kind": "email", "value": "ann@example.org", "verified": False}]
    assert "continue_by_email" not in second["meta"]


@pytest.mark.parametrize("offline", ["message", "hide"])
async def test_an_inbox_can_do_otherwise_when_nobody_is_here(
    http: httpx.AsyncClient, desk: SqliteDesk, offline: str
) -> None:
    desk.here, desk.the_account = False, an_account(BASE, offline=offline)
    assert (await Visitor(http).begin()).json()["presence"]["away"] == offline


async def test_too_much_at_once_has_to_wait(visitor: Visitor, desk: SqliteDesk) -> None:
    answers = [await visitor.say(f"{number}") for number in range(25)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["code"] == "too_fast"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert len(desk.written()) == 25 - len(refused)


async def test_another_visitor_is_not_slowed_down_by_the_first(http: httpx.AsyncClient, visitor: Visitor) -> None:
    while (await visitor.say()).status_code != 429:
        pass
    other = Visitor(http)
    await other.begin()
    assert (await other.say()).status_code == 200
