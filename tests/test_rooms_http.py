"""What every route of people, inboxes and contacts must do, whoever calls it with whatever."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from conftest import PASSWORD, add_user
from frontdesk.contacts import routes as contacts
from frontdesk.inboxes import routes as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.people import actions
from frontdesk.people import routes as people
from frontdesk.people.rules import ALL, USER

CANARY = "canary-7f3e9a51"
OPEN = {"getSetup", "setUp", "signIn", "getChannelIcon"}  # answers anybody
OWN = {"getMe"}
SIGNED_IN_ONLY = {
    "changeMe", "signOut", "signOutEverywhere", "listSessions", "listTokens", "createToken", "revokeToken",
}  # fmt: skip

Route = tuple[str, str, str]  # operation, method, path
BODIES: dict[str, dict[str, Any]] = {
    "setUp": {"workspace": "W", "name": "Ana", "email": "ana@example.org", "password": PASSWORD},
    "signIn": {"email": "ana@example.org", "password": PASSWORD},
    "changeMe": {"name": "Ana"},
    "changeWorkspace": {"name": "W"},
    "createUser": {"name": "Ben", "email": "ben@example.org", "role": "user", "password": PASSWORD},
    "changeUser": {"name": "Ben"},
    "createTeam": {"name": "T"},
    "changeTeam": {"name": "T"},
    "createToken": {"name": "T", "scopes": ["contacts:read"]},
    "createInbox": {"channel": "paper", "name": "Box", "settings": {"host": "h.example", "password": CANARY}},
    "changeInbox": {"name": "Box"},
    "replayAllSetAside": {},
    "editSetAside": {"text": "corrected"},
    "createContact": {"name": "Ana"},
    "changeContact": {"name": "Ana"},
    "addPoint": {"kind": "paper", "value": "ana@hill"},
    "setConsent": {"opted_out": True},
    "mergeContact": {"into": 888_888},
    "createTag": {"name": "Lead"},
    "changeTag": {"name": "Lead"},
}

pytestmark = pytest.mark.usefixtures("paper")


def routes() -> list[Route]:
    found = []
    for handler in [*people.ROUTES, *inboxes.ROUTES, *contacts.ROUTES]:
        assert isinstance(handler, HTTPRouteHandler)
        assert isinstance(handler.operation_id, str)
        (path,), (method,) = handler.paths, handler.http_methods
        found.append(
            (handler.operation_id, method, re.sub(r"\{\w+:int\}", "{id}", re.sub(r"\{\w+:str\}", "paper", path)))
        )
    return found


ROUTES = routes()


async def call(
    client: httpx.AsyncClient, route: Route, *, number: int | str = 999_999, token: str | None = None, **more: Any
) -> httpx.Response:
    operation, method, path = route
    if operation in BODIES and not more.keys() & {"json", "content"}:
        more["json"] = BODIES[operation]
    headers = {**more.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    return await client.request(method, f"/api/v1{path.replace('{id}', str(number))}", headers=headers, **more)


async def token_of(resources: Resources, actor: Actor, *scopes: str) -> str:
    async with resources.db.begin(actor.workspace_id) as tx:
        _, token = await actions.create_token(tx, actor.user_id, name="T", scopes=scopes)
    return token


def test_every_route_has_a_name_of_its_own() -> None:
    names = [operation for operation, _, _ in ROUTES]
    assert len(names) == len(set(names)) > 45
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)
    assert set(BODIES) <= set(names)


async def test_nobody_gets_in_without_signing_in(client: httpx.AsyncClient, workspace: int) -> None:
    let_in = {}
    for route in ROUTES:
        for headers in ({}, {"Authorization": "Bearer fd_1-guess"}, {"Cookie": "frontdesk=1-guess"}):
            answer = await call(client, route, headers=headers)
            if answer.status_code != 401 or answer.headers["content-type"] != "application/problem+json":
                let_in[route[0]] = answer.status_code
    assert set(let_in) == OPEN - {"signIn"}


async def test_a_token_without_the_scope_is_refused(
    client: httpx.AsyncClient, resources: Resources, owner: Actor
) -> None:
    token = await token_of(resources, owner, "labels:write")
    codes = {}
    for route in ROUTES:
        answer = await call(client, route, token=token)
        codes[route[0]] = answer.json()["code"] if answer.status_code == 403 else None
    assert {name for name, code in codes.items() if code is None} == OPEN | OWN
    assert {name for name, code in codes.items() if code not in (None, "forbidden")} == SIGNED_IN_ONLY


async def test_what_a_user_may(client: httpx.AsyncClient, resources: Resources, workspace: int) -> None:
    """The matrix: a user is refused exactly what only admins may."""
    user = await add_user(resources.db, workspace, role="user")
    token = await token_of(resources, user, *ALL)
    refused = set()
    for route in ROUTES:
        answer = await call(client, route, token=token)
        assert answer.status_code < 500, answer.text
        if answer.status_code == 403 and answer.json()["code"] == "forbidden":
            refused.add(route[0])
    assert refused == {
        "changeWorkspace", "createUser", "changeUser", "createTeam", "changeTeam", "deleteTeam", "listAudit",
        "createInbox", "changeInbox", "deleteInbox", "testInbox", "listSetAside", "listSetAsideGroups",
        "getSetAside", "editSetAside", "replaySetAside", "replayAllSetAside", "discardSetAside",
    }  # fmt: skip


async def test_another_workspaces_id_a_guessed_one_and_a_huge_one_look_the_same(
    client: httpx.AsyncClient, resources: Resources, owner: Actor, other_workspace: int
) -> None:
    token = await token_of(resources, owner, *ALL)
    async with resources.db.begin(owner.workspace_id) as tx:
        ours = {owner.user_id, await tx.fetchval("select max(id) from tokens")}
    theirs = [number for number in await rows_of(resources, other_workspace) if number not in ours]
    wrong = {}
    for route in ROUTES:
        if "{id}" not in route[2] or route[0] in SIGNED_IN_ONLY:
            continue
        answers = [await call(client, route, number=number, token=token) for number in (*theirs, 10**9)]
        if {answer.status_code for answer in answers} != {404} or len({answer.text for answer in answers}) != 1:
            wrong[route[0]] = [answer.text for answer in answers]
        odd = [await call(client, route, number=number, token=token) for number in (0, -1, 2**63, 2**70, "x")]
        if not {answer.status_code for answer in odd} <= {400, 404, 405}:
            wrong[route[0]] = [answer.text for answer in odd]
    assert wrong == {}


async def rows_of(resources: Resources, workspace_id: int) -> list[int]:
    """One thing of each kind in a workspace; all their ids."""
    stranger = await add_user(resources.db, workspace_id)
    async with resources.db.begin(workspace_id) as tx:
        row, _ = await actions.create_token(tx, stranger.user_id, name="T", scopes=["contacts:read"])
        ids = [stranger.user_id, row["id"]]
        for statement in (
            "insert into teams (workspace_id, name) values ($1, 'T') returning id",
            "insert into tags (workspace_id, name) values ($1, 'T') returning id",
            "insert into contacts (workspace_id, name) values ($1, 'T') returning id",
            "insert into contacts (workspace_id, name) values ($1, 'U') returning id",
            "insert into inboxes (workspace_id, channel, name, public_key) values ($1, 'paper', 'T', 'k') returning id",
        ):
            ids.append(await tx.fetchval(statement, workspace_id))
    return ids


BAD_BODIES: dict[str, bytes] = {
    "empty": b"", "truncated": b'{"name": "x', "garbage": b"{}x", "list": b"[]", "null": b"null", "number": b"1e400",
    "text": b'"x"', "bytes": b'{"name": "\xff"}', "bom": b"\xef\xbb\xbf{}", "half a pair": b'{"name": "\\ud800"}',
    "nul": b'{"name": "\\u0000", "email": "a\\u0000@b", "note": "\\u0000", "value": "\\u0000", "reason": "\\u0000"}',
    "deep": b"[" * 100_000, "unknown": b'{"role": "owner", "workspace_id": 1, "surprise": 1}',
    "object": b'{"name": {"a": 1}}',
    "huge number": b'{"into": 99999999999999999999999, "member_ids": [1e30], "rate_per_minute": 1e99}',
    "long": b'{"name": "' + b"x" * 100_000 + b'"}',
}  # fmt: skip


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_malformed_body_is_a_400(
    client: httpx.AsyncClient, resources: Resources, owner: Actor, body: bytes
) -> None:
    token = await token_of(resources, owner, *ALL)
    wrong = {}
    for route in ROUTES:
        if route[0] in BODIES:
            answer = await call(client, route, token=token, content=body, headers={"Content-Type": "application/json"})
            if answer.status_code != 400 or answer.headers["content-type"] != "application/problem+json":
                wrong[route[0]] = (answer.status_code, answer.text[:200])
    assert wrong.keys() <= SIGNED_IN_ONLY, wrong


def test_a_user_may_what_the_matrix_says() -> None:
    assert {"inboxes:write", "people:write", "workspace:write", "audit:read", "set_aside:write"} == ALL - USER
