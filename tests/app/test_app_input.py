"""Every operation of the API against bad input, strangers and other sites: a problem, never a failure."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.operations import ENDS_SESSION, OPEN, Operation, addresses, bodies, operations
from conftest import PASSWORD, add_user
from conversations.office import Office, open_office
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from frontdesk.people.rules import PERMISSIONS

ALL = operations()
CHANGES = [one for one in ALL if one.method != "GET" and one.name not in OPEN]


@pytest.fixture
async def browser(
    signed_in: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel]
) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in, in a workspace where the ids that are asked for exist."""
    me = (await signed_in.get("/api/v1/me")).json()
    async with resources.db.across() as tx:
        workspace = await tx.fetchval("select max(id) from workspaces")
    ana = Actor(
        workspace_id=workspace, user_id=me["user"]["id"], name="Ana", role="owner", permissions=PERMISSIONS["owner"]
    )
    office = await open_office(resources, ana, registry)
    row = await office.hear("hello")
    office.ids = await furnish(office, row["conversation_id"])  # type: ignore[attr-defined]
    signed_in.office = office  # type: ignore[attr-defined]
    return signed_in


async def furnish(office: Office, conversation: int) -> dict[str, int]:
    """One of everything; its id by the name of the parameter."""
    message = await office.write(conversation, "answer")
    contact = (await office.conversation(conversation))["contact_id"]
    made = {"conversation_id": conversation, "message_id": message, "contact_id": contact, "inbox_id": office.line}
    made["point_id"] = await office.value("select id from contact_points where contact_id = $1", contact)
    made["raw_id"] = await office.value("update raw_deliveries set state = 'set_aside' returning id")
    for column, table, names, values in (
        ("label_id", "labels", "name", "'L'"), ("tag_id", "tags", "name", "'T'"),
        ("team_id", "teams", "name", "'Night'"),
        ("token_id", "tokens", "user_id, name, token_hash, prefix, scopes",
         f"{office.owner.user_id}, 't', '\\x00', 'fd_', '{{}}'"),
        ("user_id", "users", "email, name, role", "'z@x.example', 'Z', 'user'"),
    ):  # fmt: skip
        made[column] = await office.value(
            f"insert into {table} (workspace_id, {names}) values ({office.workspace}, {values}) returning id"
        )
    other = await office.value(
        f"insert into contacts (workspace_id, name) values ({office.workspace}, 'Other') returning id"
    )
    made["suggestion_id"] = await office.value(
        "insert into suggestions (workspace_id, contact_id, other_id, reason, state)"
        f" values ({office.workspace}, {contact}, {other}, 'x', 'open') returning id"
    )
    return made


def wrong(answer: httpx.Response) -> str | None:
    """What is wrong with an answer to bad input; None if it is as it should be."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.status_code < 400:
        return None
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{answer.status_code} as {answer.headers.get('content-type')}"
    problem = answer.json()
    good = problem["status"] == answer.status_code and problem["code"] and problem["detail"] and problem["title"]
    return None if good else f"not a problem: {problem}"


async def judge(browser: httpx.AsyncClient, operation: Operation, path: str, body: bytes | None) -> str | None:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    answer = await browser.request(operation.method, path, content=body, headers=headers)
    found = wrong(answer)
    return f"{operation.name} {path[:90]} {(body or b'')[:90]!r}: {found}" if found else None


async def test_bad_bodies_are_answered_with_a_problem(browser: httpx.AsyncClient) -> None:
    """Nested in a savepoint each, because many of these bodies are good enough to change something."""
    ids: dict[str, int] = browser.office.ids  # type: ignore[attr-defined]
    bad, tried = [], 0
    for operation in ALL:
        if operation.name in ENDS_SESSION or operation.name in ("changeMe", "signIn", "setUp"):
            continue
        path = operation.at(**{name: str(ids[name]) for name in operation.ids})
        for body in bodies(operation):
            tried += 1
            bad.append(await judge(browser, operation, path, body))
    assert [one for one in bad if one] == []
    assert tried > 1500


async def test_bad_addresses_are_answered_with_a_problem(browser: httpx.AsyncClient) -> None:
    bad = []
    for operation in ALL:
        if operation.name in ENDS_SESSION:
            continue
        body = None if operation.body is None else json.dumps(operation.body).encode()
        bad += [await judge(browser, operation, path, body) for path in addresses(operation)]
    assert [one for one in bad if one] == []
    assert len(bad) > 800


async def test_who_is_not_signed_in_gets_nothing(client: httpx.AsyncClient, registry: dict[str, Channel]) -> None:
    for operation in ALL:
        answer = await client.request(operation.method, operation.at(), json=operation.body)
        if operation.name not in OPEN:
            assert (operation.name, answer.status_code) == (operation.name, 401)
            assert wrong(answer) is None
        for token in ("fd_1-x", "fd_", "x", "fd_999999999999-y", "\u00ff"):
            headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
            answer = await client.request(operation.method, operation.at(), json=operation.body, headers=headers)
            if operation.name not in OPEN:
                assert (operation.name, token, answer.status_code) == (operation.name, token, 401)


async def test_another_site_cannot_change_anything(signed_in: httpx.AsyncClient, registry: dict[str, Channel]) -> None:
    for headers, code in [
        ({"X-CSRF-Token": ""}, "bad_csrf"),
        ({"X-CSRF-Token": "wrong"}, "bad_csrf"),
        ({"X-CSRF-Token": "\u00ff"}, "bad_csrf"),
        ({"Origin": "https://evil.example"}, "cross_site"),
        ({"Origin": "http://testserver.local.evil.example"}, "cross_site"),
        ({"Origin": "http://testserver.local:81"}, "cross_site"),
    ]:
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        for operation in CHANGES:
            answer = await signed_in.request(operation.method, operation.at(), json=operation.body, headers=sent)
            assert (operation.name, answer.status_code) == (operation.name, 403)
            assert answer.json()["code"] == code


async def test_what_is_another_workspaces_does_not_exist(
    browser: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel], db: Database, other_workspace: int
) -> None:
    """The same answer, to the byte, as for what was never there."""
    theirs = await open_office(resources, await add_user(db, other_workspace), registry)
    row = await theirs.hear("secret of the hill", "+302109999999")
    foreign = await furnish(theirs, row["conversation_id"])
    mine: dict[str, int] = browser.office.ids  # type: ignore[attr-defined]
    compared = 0
    for operation in ALL:
        for name in operation.ids:
            paths = [
                operation.at(**{**{other: str(mine[other]) for other in operation.ids}, name: str(value)})
                for value in (foreign[name], 987_654_321)
            ]
            known, never = [await browser.request(operation.method, path, json=operation.body) for path in paths]
            assert (operation.name, name, known.status_code) == (operation.name, name, never.status_code)
            assert known.content == never.content
            assert b"hill" not in known.content
            compared += known.status_code == 404
    assert compared > 30
    assert await theirs.value("select status from conversations") == "open"
    assert await theirs.value("select count(*) from messages") == 2


async def test_foreign_ids_in_bodies_and_filters_lead_nowhere(
    browser: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel], db: Database, other_workspace: int
) -> None:
    theirs = await open_office(resources, await add_user(db, other_workspace), registry)
    row = await theirs.hear("secret of the hill", "+302109999999")
    foreign = await furnish(theirs, row["conversation_id"])
    office: Office = browser.office  # type: ignore[attr-defined]
    mine = office.ids["conversation_id"]  # type: ignore[attr-defined]
    attempts: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/conversations/{mine}", {"assignee_id": foreign["user_id"]}),
        ("PATCH", f"/conversations/{mine}", {"team_id": foreign["team_id"]}),
        ("POST", f"/conversations/{mine}/messages", {"text": "x", "inbox_id": foreign["inbox_id"]}),
        ("POST", f"/conversations/{mine}/messages", {"text": "x", "point_id": foreign["point_id"]}),
        ("POST", f"/conversations/{mine}/merge", {"into": foreign["conversation_id"]}),
        ("POST", f"/messages/{office.ids['message_id']}/move", {"conversation_id": foreign["conversation_id"]}),  # type: ignore[attr-defined]
        ("POST", "/conversations", {"inbox_id": foreign["inbox_id"], "contact_id": 1}),
        ("POST", "/conversations", {"inbox_id": office.line, "contact_id": foreign["contact_id"]}),
        ("POST", f"/contacts/{office.ids['contact_id']}/merge", {"into": foreign["contact_id"]}),  # type: ignore[attr-defined]
    ]
    for method, path, body in attempts:
        answer = await browser.request(method, f"/api/v1{path}", json=body)
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
    for name in ("inbox_id", "assignee_id", "team_id", "label_id", "contact_id"):
        key = {"assignee_id": "user_id"}.get(name, name)
        assert (await browser.get(f"/api/v1/conversations?view=any&{name}={foreign[key]}")).json()["items"] == []
    assert (await browser.get("/api/v1/conversations?view=any&q=hill")).json()["items"] == []


async def test_what_does_not_exist_is_a_problem_too(signed_in: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/conversations", 405), ("GET", "/files/x", 404),
        ("GET", "/hooks/x", 404), ("TRACE", "/api/v1/conversations", 405),
        ("GET", "/api/v1/conversations/1/", 404),
    ):  # fmt: skip
        answer = await signed_in.request(method, path)
        assert (path, answer.status_code) == (path, status)
        assert (path, wrong(answer)) == (path, None)


@pytest.mark.parametrize("path", ["session", "setup"])
async def test_another_site_cannot_sign_a_browser_in(signed_in: httpx.AsyncClient, path: str) -> None:
    """Nor set the workspace up: a form that a page posts without asking needs no cookie here, only our answer's."""
    body = json.dumps({"email": "ana@example.org", "password": PASSWORD})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = {"Content-Type": content_type} if content_type else {}
        answer = await signed_in.post(f"/api/v1/{path}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), content_type
        assert "set-cookie" not in answer.headers
    elsewhere = {"Content-Type": "application/json", "Origin": "https://evil.example"}
    answer = await signed_in.post(f"/api/v1/{path}", content=body, headers=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/conversations", {"contact_id": "7", "inbox_id": 1}, "contact_id"),
        ("POST", "/conversations", {"contact_id": 7, "inbox_id": 1, "second": "true"}, "second"),
        ("POST", "/conversations", {"contact_id": 7, "inbox_id": 1, "second": 1}, "second"),
        ("POST", "/conversations", {"contact_id": 7, "inbox_id": 1, "message": {"text": "x", "files": ["1"]}},
         "message.files[0]"),
        ("POST", "/teams", {"name": "T", "member_ids": ["1"]}, "member_ids[0]"),
        ("PATCH", "/workspace", {"settings": {"reopen_days": "14"}}, "settings.reopen_days"),
    ],
)  # fmt: skip
async def test_digits_in_a_text_are_no_number(
    signed_in: httpx.AsyncClient, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    """What the description calls an integer is one in JSON; in an address, where all is text, digits are."""
    answer = await signed_in.request(method, f"/api/v1{path}", json=body)
    assert (answer.status_code, answer.json()["code"], list(answer.json()["fields"])) == (400, "invalid", [field])
    assert (await signed_in.get("/api/v1/conversations?inbox_id=1&limit=2")).status_code == 200


async def test_json_may_name_its_character_set(signed_in: httpx.AsyncClient) -> None:
    for content_type in ("application/json; charset=utf-8", "Application/JSON"):
        body = json.dumps({"email": "ana@example.org", "password": PASSWORD})
        answer = await signed_in.post("/api/v1/session", content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 200, answer.text


HEADERS = (
    "accept-encoding", "authorization", "content-type", "cookie", "host", "idempotency-key", "if-none-match",
    "last-event-id", "origin", "traceparent", "user-agent", "x-csrf-token", "x-forwarded-for",
)  # fmt: skip
HOSTILE = ("http://[", "[::1", "Bearer fd_1-\xff", "frontdesk=1-\xff", "\xb2", "9" * 5000, "=?;,", "charset=\x7f")


async def test_no_header_can_be_read_wrongly(signed_in: httpx.AsyncClient) -> None:
    failed = []
    for method, path in (("POST", "/api/v1/labels"), ("POST", "/api/v1/session"), ("GET", "/widget/app"), ("GET", "/")):
        for name in HEADERS:
            for value in HOSTILE:
                headers = [(b"content-type", b"application/json")] if name != "content-type" else []
                headers.append((name.encode(), value.encode("latin-1")))
                answer = await signed_in.request(method, path, content=b"{}", headers=headers)
                if answer.status_code == 500 or (answer.status_code == 503 and "screens" not in answer.text):
                    failed.append((path, name, value, answer.text))
    assert failed == []


@pytest.mark.parametrize("origin", ["http://[", "https://[::1", "//", "elsewhere"])
async def test_an_origin_that_is_no_address_is_another_site(signed_in: httpx.AsyncClient, origin: str) -> None:
    answer = await signed_in.post("/api/v1/labels", json={"name": "Lead"}, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("url", {"provider": "kannel", "username": "u", "password": "p", "hook_token": "t" * 40}),
        ("api_base", {"provider": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": "t"}),
    ],
)
async def test_a_setting_that_is_no_address_is_refused(
    signed_in: httpx.AsyncClient, name: str, given: dict[str, Any]
) -> None:
    given = {**given, "number": "+302100000000", name: "http://["}
    body = {"name": "Texts", "channel": "sms", "settings": given}
    answer = await signed_in.post("/api/v1/inboxes", json=body)
    assert (answer.status_code, [field.rpartition(".")[2] for field in answer.json()["fields"]]) == (400, [name])
