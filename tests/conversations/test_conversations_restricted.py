"""Who may see only some conversations gets into no other by writing, and a repeated request writes once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from conversations.office import ANA, Office
from frontdesk.people import actions as people

MAIL = "carl@x.example"
SCOPES = ["conversations:read", "conversations:write", "contacts:read", "contacts:write"]
Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ben(office: Office) -> int:
    """A user who sees only what is assigned to them."""
    made: int = await office.value(
        "insert into users (workspace_id, email, name, role, only_assigned)"
        " values ($1, 'ben@x.example', 'Ben', 'user', true) returning id",
        office.workspace,
    )
    return made


async def asking(office: Office, client: httpx.AsyncClient, user_id: int, scopes: list[str]) -> Ask:
    """Requests with a token of this user's."""
    async with office.db.begin(office.workspace) as tx:
        _, token = await people.create_token(tx, user_id, name="Test", scopes=scopes)

    async def ask(method: str, path: str, json: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        return await client.request(method, f"/api/v1{path}", json=json, headers=headers)

    return ask


@pytest.fixture
async def as_ben(office: Office, client: httpx.AsyncClient, ben: int) -> Ask:
    return await asking(office, client, ben, SCOPES)


@pytest.fixture
async def as_owner(office: Office, client: httpx.AsyncClient) -> Ask:
    return await asking(office, client, office.owner.user_id, [*SCOPES, "inboxes:write"])


async def test_opening_does_not_lead_into_a_conversation_of_others(office: Office, as_ben: Ask, ben: int) -> None:
    theirs = await office.hear("a secret", ANA)
    body = {"to": {"kind": "phone", "value": ANA}, "inbox_id": office.line, "message": {"text": "hello"}}
    made = await as_ben("POST", "/conversations", body)
    assert made.status_code == 201, made.text
    assert made.json()["id"] != theirs["conversation_id"]
    talk = await office.conversation(made.json()["id"])
    assert (talk["assignee_id"], talk["message_count"]) == (ben, 1)
    assert (await office.conversation(theirs["conversation_id"]))["message_count"] == 1
    assert (await as_ben("GET", f"/conversations/{talk['id']}")).status_code == 200


async def test_an_inbox_whose_channel_was_taken_back_is_a_sentence(office: Office, as_owner: Ask) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    await office.execute("update inboxes set channel = 'pigeon' where id = $1", office.line)
    path = f"/conversations/{talk}"
    assert (await as_owner("GET", f"{path}/routes")).json() == []
    for about in ({}, {"inbox_id": office.line}):
        answer = await as_owner("POST", f"{path}/messages", {"text": "hi", **about}, key=str(uuid4()))
        assert (answer.status_code, answer.json()["code"]) == (409, "no_channel")
    for method, there, body in (
        ("GET", path, None),
        ("GET", f"{path}/messages", None),
        ("GET", "/inboxes", None),
        ("PATCH", f"/inboxes/{office.line}", {"name": "Pigeons"}),
        ("POST", f"/inboxes/{office.line}/test", {}),
    ):
        assert (await as_owner(method, there, body)).status_code < 500, there


async def test_a_contact_of_others_is_not_there(office: Office, as_ben: Ask, as_owner: Ask, ben: int) -> None:
    """Nowhere: neither in the list nor by search, id, suggestion or address; nor can anything be done with it."""
    ids = {}
    for name, sender in (("theirs", ANA), ("own", "+30210333"), ("teams", "+30210444"), ("called", "+30210555")):
        talk = (await office.hear("hello", sender))["conversation_id"]
        ids[name] = (await office.conversation(talk))["contact_id"]
        if name == "own":
            await office.execute("update conversations set assignee_id = $1 where id = $2", ben, talk)
        if name == "teams":
            team = await office.value(
                "insert into teams (workspace_id, name) values ($1, 'T') returning id", office.workspace
            )
            await office.execute("insert into team_members values ($1, $2, $3)", office.workspace, team, ben)
            await office.execute("update conversations set team_id = $1 where id = $2", team, talk)
        if name == "called":
            mention = "update messages set mentions = array[$1::bigint] where conversation_id = $2"
            await office.execute(mention, ben, talk)
    made = await as_ben("POST", "/contacts", {"name": "Made by Ben", "points": []})
    ids["made"] = made.json()["id"]
    hers = await as_owner("POST", "/contacts", {"name": "Made by the owner", "points": []})
    seen = {ids[name] for name in ("own", "teams", "called", "made")}
    assert {one["id"] for one in (await as_ben("GET", "/contacts")).json()["items"]} == seen
    assert {one["id"] for one in (await as_ben("GET", "/contacts?q=made")).json()["items"]} == {ids["made"]}
    everything = {one["id"] for one in (await as_owner("GET", "/contacts")).json()["items"]}
    assert everything == seen | {ids["theirs"], hers.json()["id"]}
    for contact in everything:
        assert (await as_ben("GET", f"/contacts/{contact}")).status_code == (200 if contact in seen else 404)
    hidden = ids["theirs"]
    point = await office.value("select id from contact_points where contact_id = $1", hidden)
    tag = (await as_owner("POST", "/contacts", {"name": "x", "points": []})).json()["id"]
    for method, path, body in (
        ("PATCH", "/contacts/{}", {"note": "n"}), ("POST", "/contacts/{}/points", {"kind": "email", "value": MAIL}),
        ("DELETE", f"/contacts/{{}}/points/{point}", None), ("PUT", f"/contacts/{{}}/tags/{tag}", None),
        ("PUT", f"/contacts/{{}}/points/{point}/consent", {"opted_out": True, "reason": "r"}),
        ("DELETE", f"/contacts/{{}}/tags/{tag}", None),
    ):  # fmt: skip
        answer, never = [await as_ben(method, path.format(one), body) for one in (hidden, 987_654_321)]
        assert (answer.status_code, answer.content) == (404, never.content), path
    opened = await as_ben("POST", "/conversations", {"contact_id": hidden, "inbox_id": office.line})
    assert opened.status_code == 404
    taken = (await as_ben("POST", f"/contacts/{ids['own']}/points", {"kind": "phone", "value": ANA})).json()
    assert (taken["code"], str(hidden) in str(taken)) == ("point_taken", False)


async def test_a_suggestion_is_shown_and_answered_by_who_sees_both(
    office: Office, as_ben: Ask, as_owner: Ask, ben: int
) -> None:
    talks = [(await office.hear("hello", sender))["conversation_id"] for sender in (ANA, "+30210333")]
    pair = [(await office.conversation(talk))["contact_id"] for talk in talks]
    suggestion = await office.value(
        "insert into suggestions (workspace_id, contact_id, other_id, reason) values ($1, $2, $3, 'x') returning id",
        office.workspace, *pair,
    )  # fmt: skip
    for talk in talks:
        assert (await as_ben("GET", "/suggestions")).json() == []
        assert (await as_ben("POST", f"/suggestions/{suggestion}/dismiss")).status_code == 404
        await office.execute("update conversations set assignee_id = $1 where id = $2", ben, talk)
    assert [one["id"] for one in (await as_ben("GET", "/suggestions")).json()] == [suggestion]
    assert (await as_ben("POST", f"/suggestions/{suggestion}/dismiss")).status_code == 204
    assert (await as_owner("GET", "/suggestions")).json() == []


async def test_opening_leads_into_an_own_conversation(office: Office, as_ben: Ask, ben: int) -> None:
    own = (await office.hear("hello", ANA))["conversation_id"]
    await office.execute("update conversations set assignee_id = $1 where id = $2", ben, own)
    contact = (await office.conversation(own))["contact_id"]
    made = await as_ben("POST", "/conversations", {"contact_id": contact, "inbox_id": office.line})
    assert made.json()["id"] == own


async def test_forwarding_does_not_lead_into_a_conversation_of_others(office: Office, as_ben: Ask, ben: int) -> None:
    theirs = await office.hear("a secret", MAIL, inbox=office.post)
    own = await office.hear("for Carl", "dora@x.example", inbox=office.post)
    await office.execute("update conversations set assignee_id = $1 where id = $2", ben, own["conversation_id"])
    body = {"inbox_id": office.post, "to": MAIL, "text": "see below"}
    sent = await as_ben("POST", f"/messages/{own['id']}/forward", body)
    assert sent.status_code == 201, sent.text
    message = await office.message(sent.json()["id"])
    assert message["conversation_id"] != theirs["conversation_id"]
    assert (await office.conversation(message["conversation_id"]))["assignee_id"] == ben


async def test_a_file_belongs_to_who_uploaded_it(office: Office, as_ben: Ask, as_owner: Ask, ben: int) -> None:
    talk = (await office.hear("hello", MAIL, inbox=office.post))["conversation_id"]
    await office.execute("update conversations set assignee_id = $1 where id = $2", ben, talk)
    uploaded = (await as_owner("POST", "/files?name=salaries.txt", {"x": 1})).json()["id"]
    for path in ("messages", "comments"):
        stolen = await as_ben("POST", f"/conversations/{talk}/{path}", {"text": "look", "files": [uploaded]})
        assert (stolen.status_code, stolen.json()["code"]) == (400, "unknown_file")
        own = await as_owner("POST", f"/conversations/{talk}/{path}", {"text": "look", "files": [uploaded]})
        assert own.status_code == 201, own.text


async def test_contacts_are_merged_and_deleted_only_by_who_sees_everything(
    office: Office, as_ben: Ask, as_owner: Ask
) -> None:
    ana, carl = [
        (await office.conversation((await office.hear("hello", sender, inbox=inbox))["conversation_id"]))["contact_id"]
        for sender, inbox in ((ANA, office.line), (MAIL, office.post))
    ]
    async with office.db.begin(office.workspace) as tx:
        suggestion = await tx.fetchval(
            "insert into suggestions (workspace_id, contact_id, other_id, reason)"
            " values ($1, $2, $3, 'x') returning id",
            office.workspace,
            ana,
            carl,
        )
    for method, path, body in (
        ("DELETE", f"/contacts/{ana}", None),
        ("POST", f"/contacts/{ana}/merge", {"into": carl}),
        ("POST", f"/suggestions/{suggestion}/accept", None),
    ):
        refused = await as_ben(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    assert await office.value("select count(*) from contacts where merged_into is null") == 2
    assert (await as_owner("POST", f"/contacts/{ana}/merge", {"into": carl})).status_code == 200
    assert (await as_owner("DELETE", f"/contacts/{carl}")).status_code == 204


@pytest.mark.parametrize("case", ["first", "second", "restricted", "test"])
async def test_the_same_request_after_a_crash_is_the_same_message(
    office: Office, as_ben: Ask, as_owner: Ask, case: str
) -> None:
    """The answer was never kept: only the message itself knows its key."""
    contact = (await office.conversation((await office.hear("hello", ANA))["conversation_id"]))["contact_id"]
    whom = {"to": {"kind": "phone", "value": ANA}} if case == "restricted" else {"contact_id": contact}
    body = {**whom, "inbox_id": office.line, "message": {"text": "good day"}, "second": case == "second"}
    ask, path = (as_ben if case == "restricted" else as_owner), "/conversations"
    if case == "test":
        body, path = {"to": ANA}, f"/inboxes/{office.line}/test-message"
    key = str(uuid4())
    answers = []
    for _ in range(2):
        answers.append(await ask("POST", path, body, key))
        await office.execute("delete from idempotency")
    assert [answer.status_code for answer in answers] == [201, 201], answers[1].text
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await office.value("select count(*) from outbox") == 1
