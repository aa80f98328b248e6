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
    contact = (await office.conversation(theirs["conversation_id"]))["contact_id"]
    body = {"contact_id": contact, "inbox_id": office.line, "message": {"text": "hello"}}
    made = await as_ben("POST", "/conversations", body)
    assert made.status_code == 201, made.text
    assert made.json()["id"] != theirs["conversation_id"]
    talk = await office.conversation(made.json()["id"])
    assert (talk["assignee_id"], talk["message_count"]) == (ben, 1)
    assert (await office.conversation(theirs["conversation_id"]))["message_count"] == 1
    assert (await as_ben("GET", f"/conversations/{talk['id']}")).status_code == 200


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
    body = {"contact_id": contact, "inbox_id": office.line, "message": {"text": "good day"}, "second": case == "second"}
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
