"""People, inboxes and contacts over HTTP: what every one of their routes must do, and the stories that cross them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler

from conftest import PASSWORD, add_user
from frontdesk.channels.port import Raw
from frontdesk.contacts import actions as of_contacts
from frontdesk.contacts import routes as contacts
from frontdesk.inboxes import actions as of_inboxes
from frontdesk.inboxes import routes as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.people import actions
from frontdesk.people import routes as people
from frontdesk.people.rules import ALL, USER

CANARY = "canary-7f3e9a51"
OPEN = {"getSetup", "setUp", "signIn", "getChannelIcon"}  # answers anybody
OWN = {"signOut", "signOutEverywhere", "listSessions", "getMe", "listTokens", "createToken", "revokeToken"}
SIGNED_IN_ONLY = {"changeMe"}

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
    "createContact": {"name": "Ana"},
    "changeContact": {"name": "Ana"},
    "addPoint": {"kind": "paper", "value": "ana@hill"},
    "setConsent": {"opted_out": True},
    "mergeContact": {"into": 888_888},
    "createTag": {"name": "Lead"},
    "changeTag": {"name": "Lead"},
}

pytestmark = pytest.mark.usefixtures("paper")


@pytest.fixture(autouse=True)
def forgiven() -> Iterator[None]:
    actions.ATTEMPTS.clear()
    yield
    actions.ATTEMPTS.clear()


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


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser, signed in as nobody."""
    transport = client._transport
    async with httpx.AsyncClient(transport=transport, base_url=client.base_url) as opened:
        yield opened


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
    assert {name for name, code in codes.items() if code is None} == OPEN | OWN - {"createToken"}
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
        "createInbox", "changeInbox", "deleteInbox", "testInbox", "listSetAside", "replaySetAside", "discardSetAside",
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
        if "{id}" not in route[2]:
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


# --- stories -------------------------------------------------------------------------------------------------------


async def test_setting_up_once(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/setup")).json() == {"needed": True}
    answer = await client.post("/api/v1/setup", json=BODIES["setUp"])
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert re.match(r"frontdesk=\d+-[a-z0-9]{32};", cookie)
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["cache-control"] == "no-store"
    me = answer.json()
    assert set(me) == {"user", "workspace", "csrf", "cursor", "permissions"}
    assert me["workspace"]["settings"] == {"joining": "contact", "reopen_days": 14}
    assert (await client.get("/api/v1/setup")).json() == {"needed": False}
    again = await client.post("/api/v1/setup", json=BODIES["setUp"])
    assert (again.status_code, again.json()["code"]) == (409, "already_set_up")
    assert (await client.get("/api/v1/me")).json()["user"] == me["user"]


async def test_signing_in_and_out(signed_in: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    wrong = await stranger.post("/api/v1/session", json={"email": "ana@example.org", "password": "wrong horse"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_credentials")
    right = await stranger.post("/api/v1/session", json=BODIES["signIn"])
    assert right.status_code == 200
    listed = (await stranger.get("/api/v1/sessions")).json()["items"]
    assert sorted(one["current"] for one in listed) == [False, True]
    assert listed[0]["ip"] == "192.0.2.7"
    refused = await stranger.delete("/api/v1/session")
    assert refused.status_code == 403
    gone = await stranger.delete("/api/v1/session", headers={"X-CSRF-Token": right.json()["csrf"]})
    assert gone.status_code == 204
    assert stranger.cookies.get("frontdesk") is None
    assert (await signed_in.get("/api/v1/me")).status_code == 200
    assert (await signed_in.delete("/api/v1/sessions")).status_code == 204
    assert (await signed_in.get("/api/v1/me")).status_code == 401


async def test_too_many_attempts_say_when_to_come_back(signed_in: httpx.AsyncClient) -> None:
    wrong = {"email": "ana@example.org", "password": "wrong horse"}
    statuses = [(await signed_in.post("/api/v1/session", json=wrong)).status_code for _ in range(5)]
    assert statuses == [401] * 5
    stopped = await signed_in.post("/api/v1/session", json=wrong)
    assert (stopped.status_code, stopped.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(stopped.headers["retry-after"]) <= 12


async def test_changing_oneself(signed_in: httpx.AsyncClient) -> None:
    change = {
        "name": "Anna",
        "preferences": {"theme": "dark"},
        "password": {"current": PASSWORD, "new": "another good one"},
    }
    assert (await signed_in.patch("/api/v1/me", json={"name": "An"})).json()["user"]["name"] == "An"
    changed = await signed_in.patch("/api/v1/me", json=change)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["user"]["name"], changed.json()["user"]["preferences"]) == ("Anna", {"theme": "dark"})
    for wrong in ({"role": "owner"}, {"password": {"current": "x", "new": "another good one"}}, {"email": "x@y"}):
        assert (await signed_in.patch("/api/v1/me", json=wrong)).status_code == 400


async def test_a_token_is_shown_once_and_gives_no_more_than_its_maker_has(
    signed_in: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = (await signed_in.post("/api/v1/tokens", json={"name": "Sync", "scopes": ["contacts:read"]})).json()
    listed = (await signed_in.get("/api/v1/tokens")).text
    assert made["token"] not in listed
    assert made["prefix"] in listed
    stranger.headers["Authorization"] = f"Bearer {made['token']}"
    assert (await stranger.get("/api/v1/contacts")).status_code == 200
    assert (await stranger.post("/api/v1/contacts", json={"name": "X"})).status_code == 403
    more = await stranger.post("/api/v1/tokens", json={"name": "More", "scopes": ["people:write"]})
    assert more.status_code == 403
    assert (await signed_in.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await stranger.get("/api/v1/contacts")).status_code == 401


async def test_a_workspace_with_people(signed_in: httpx.AsyncClient) -> None:
    ben = (await signed_in.post("/api/v1/users", json=BODIES["createUser"])).json()
    assert set(ben) == {"id", "name", "email", "role", "active", "only_assigned"}
    team = (await signed_in.post("/api/v1/teams", json={"name": "Front", "member_ids": [ben["id"]]})).json()
    assert team == {"id": team["id"], "name": "Front", "member_ids": [ben["id"]]}
    changed = await signed_in.patch(f"/api/v1/teams/{team['id']}", json={"member_ids": []})
    assert changed.json()["member_ids"] == []
    changed = await signed_in.patch(f"/api/v1/users/{ben['id']}", json={"active": False})
    assert changed.json()["active"] is False
    assert (await signed_in.delete(f"/api/v1/teams/{team['id']}")).status_code == 204
    changed = await signed_in.patch(
        "/api/v1/workspace", json={"settings": {"reopen_days": 0}, "timezone": "Asia/Tokyo"}
    )
    assert changed.json()["settings"] == {"joining": "contact", "reopen_days": 0}
    for wrong in (
        {"settings": {"reopen_days": 366}},
        {"settings": {"joining": "chance"}},
        {"timezone": "Mars"},
        {"id": 7},
    ):
        assert (await signed_in.patch("/api/v1/workspace", json=wrong)).status_code == 400, wrong
    users = (await signed_in.get("/api/v1/users", params={"limit": 1})).json()
    assert users["next"]
    rest = (await signed_in.get("/api/v1/users", params={"limit": 1, "cursor": users["next"]})).json()
    assert [one["name"] for one in users["items"] + rest["items"]] == ["Ana", "Ben"]
    told = [entry["action"] for entry in (await signed_in.get("/api/v1/audit")).json()["items"]]
    assert told[:2] == ["workspace.changed", "team.deleted"]
    assert (await signed_in.get("/api/v1/audit", params={"cursor": "???"})).status_code == 400


async def test_an_inbox_from_connecting_to_letting_go(signed_in: httpx.AsyncClient) -> None:
    (channel,) = (await signed_in.get("/api/v1/channels")).json()
    icon = await signed_in.get(channel["icon"])
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in icon.headers["content-security-policy"]
    assert (await signed_in.get("/api/v1/channels/..%2F..%2Fkit/icon.svg")).status_code == 404
    wrong = await signed_in.post("/api/v1/inboxes", json={"channel": "paper", "name": "Box", "settings": {"tls": "x"}})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_settings")
    assert set(wrong.json()["fields"]) == {"host", "password", "tls"}
    made = await signed_in.post("/api/v1/inboxes", json=BODIES["createInbox"])
    assert made.status_code == 201
    inbox = made.json()
    assert inbox["secrets"] == {"password": True}
    path = f"/api/v1/inboxes/{inbox['id']}"
    assert (await signed_in.post(f"{path}/test")).json() == {
        "ok": True,
        "message": f"Signed in with {len(CANARY)} letters.",
    }
    assert (await signed_in.get(path)).json()["health"]["state"] == "ok"
    changed = await signed_in.patch(path, json={"settings": {"mode": "fails"}, "rate_per_minute": 5, "name": "Letters"})
    assert (changed.json()["name"], changed.json()["rate_per_minute"]) == ("Letters", 5)
    assert (await signed_in.post(f"{path}/test")).json() == {"ok": False, "message": "The password is wrong."}
    assert [one["health"]["state"] for one in (await signed_in.get("/api/v1/inboxes")).json()["items"]] == ["attention"]
    assert (await signed_in.patch(path, json={"rate_per_minute": None, "enabled": False})).json()["health"][
        "state"
    ] == "off"
    assert (await signed_in.patch(path, json={"rate_per_minute": 0})).status_code == 400
    assert (await signed_in.delete(path)).status_code == 204
    assert (await signed_in.get(path)).status_code == 404


async def test_what_was_set_aside_is_replayed_or_discarded(signed_in: httpx.AsyncClient, resources: Resources) -> None:
    inbox = (await signed_in.post("/api/v1/inboxes", json=BODIES["createInbox"])).json()
    me = (await signed_in.get("/api/v1/me")).json()
    async with resources.db.begin(me["workspace"]["id"]) as tx:
        await of_inboxes.store(tx, inbox["id"], [Raw(dedupe_key=key, body=key.encode()) for key in "abc"])
        await tx.execute("update raw_deliveries set state = 'set_aside', error = 'odd'")
    first = (await signed_in.get("/api/v1/set-aside", params={"limit": 2})).json()
    rest = (await signed_in.get("/api/v1/set-aside", params={"limit": 2, "cursor": first["next"]})).json()
    listed = first["items"] + rest["items"]
    assert [(one["preview"], one["error"]) for one in listed] == [("c", "odd"), ("b", "odd"), ("a", "odd")]
    for one, how in zip(listed, ("replay", "discard"), strict=False):
        assert (await signed_in.post(f"/api/v1/set-aside/{one['id']}/{how}")).status_code == 204
        assert (await signed_in.post(f"/api/v1/set-aside/{one['id']}/{how}")).status_code == 404
    assert len((await signed_in.get("/api/v1/set-aside")).json()["items"]) == 1


async def test_a_secret_is_in_no_answer(signed_in: httpx.AsyncClient) -> None:
    inbox = (await signed_in.post("/api/v1/inboxes", json=BODIES["createInbox"])).json()
    answers = [await signed_in.patch(f"/api/v1/inboxes/{inbox['id']}", json={"settings": {"certificate": CANARY}})]
    wrong = {"settings": {"password": [CANARY], "certificate": CANARY, "surprise": CANARY}}
    answers += [await signed_in.patch(f"/api/v1/inboxes/{inbox['id']}", json=wrong)]
    await signed_in.patch(f"/api/v1/inboxes/{inbox['id']}", json={"settings": {"mode": "breaks"}})
    answers += [await signed_in.post(f"/api/v1/inboxes/{inbox['id']}/test")]
    for _, method, path in ROUTES:
        if method == "GET":
            answers.append(await signed_in.get(f"/api/v1{path.replace('{id}', str(inbox['id']))}"))
    assert sum(answer.status_code == 200 for answer in answers) > 15
    assert CANARY not in "".join(answer.text + str(answer.headers) for answer in answers)
    assert "secret-in-a-traceback" not in "".join(answer.text for answer in answers)


async def test_contacts_from_making_to_merging(signed_in: httpx.AsyncClient) -> None:
    ana = await signed_in.post(
        "/api/v1/contacts", json={"name": "Ana", "points": [{"kind": "paper", "value": "ANA@Hill"}]}
    )
    assert ana.status_code == 201, ana.text
    one = ana.json()
    assert set(one) == {"id", "name", "points", "tags", "note", "timezone", "locale", "created_at", "rev"}
    (point,) = one["points"]
    assert (point["value"], point["display"], point["primary"], point["opt_out"]) == (
        "ana@hill",
        "ana@hill",
        True,
        None,
    )
    assert one["created_at"].endswith("Z")
    ben = (await signed_in.post("/api/v1/contacts", json={"name": "Be"})).json()
    changed = await signed_in.patch(f"/api/v1/contacts/{ben['id']}", json={"name": "Ben", "timezone": "Europe/Athens"})
    assert (changed.json()["name"], changed.json()["timezone"], changed.json()["rev"]) == ("Ben", "Europe/Athens", 2)
    added = await signed_in.post(f"/api/v1/contacts/{ben['id']}/points", json={"kind": "paper", "value": "ben@hill"})
    assert [one["value"] for one in added.json()["points"]] == ["ben@hill"]
    taken = await signed_in.post(f"/api/v1/contacts/{ben['id']}/points", json={"kind": "paper", "value": "ana@hill"})
    assert (taken.status_code, taken.json()["code"], taken.json()["fields"]["contact_id"]) == (
        409,
        "point_taken",
        str(one["id"]),
    )
    consent = f"/api/v1/contacts/{one['id']}/points/{point['id']}/consent"
    out = await signed_in.put(consent, json={"opted_out": True, "reason": "On the phone."})
    assert out.json()["points"][0]["opt_out"]["source"] == "user"
    assert (await signed_in.put(consent, json={"opted_out": False})).json()["points"][0]["opt_out"] is None
    other = f"/api/v1/contacts/{ben['id']}/points/{point['id']}"
    assert (await signed_in.put(f"{other}/consent", json={"opted_out": True})).status_code == 404
    assert (await signed_in.delete(other)).status_code == 404
    tag = (await signed_in.post("/api/v1/tags", json={"name": "Lead"})).json()
    assert (await signed_in.put(f"/api/v1/contacts/{one['id']}/tags/{tag['id']}")).status_code == 204
    merged = await signed_in.post(f"/api/v1/contacts/{one['id']}/merge", json={"into": ben["id"]})
    assert (merged.json()["id"], merged.json()["tags"], len(merged.json()["points"])) == (ben["id"], [tag["id"]], 2)
    assert (await signed_in.get(f"/api/v1/contacts/{one['id']}")).json()["id"] == ben["id"]
    again = await signed_in.post(f"/api/v1/contacts/{ben['id']}/merge", json={"into": one["id"]})
    assert (again.status_code, again.json()["code"]) == (409, "already_merged")
    assert [c["name"] for c in (await signed_in.get("/api/v1/contacts", params={"q": "hill\0"})).json()["items"]] == [
        "Ben"
    ]
    assert (await signed_in.delete(f"/api/v1/contacts/{ben['id']}/points/{point['id']}")).status_code == 204
    assert (await signed_in.delete(f"/api/v1/contacts/{ben['id']}/tags/{tag['id']}")).status_code == 204
    assert (await signed_in.delete(f"/api/v1/tags/{tag['id']}")).status_code == 204
    assert (await signed_in.delete(f"/api/v1/contacts/{ben['id']}")).status_code == 204
    assert (await signed_in.get("/api/v1/contacts")).json() == {"items": [], "next": None}


async def test_suggestions_are_answered(signed_in: httpx.AsyncClient, resources: Resources) -> None:
    ids = [(await signed_in.post("/api/v1/contacts", json={"name": name})).json()["id"] for name in ("A", "B", "C")]
    me = (await signed_in.get("/api/v1/me")).json()
    async with resources.db.begin(me["workspace"]["id"]) as tx:
        await of_contacts.suggest(tx, ids[0], {ids[1]: "Same firm.", ids[2]: "Same name."})
    first, second = (await signed_in.get("/api/v1/suggestions", params={"contact_id": ids[0]})).json()
    assert first == {
        "id": first["id"],
        "contact": {"id": ids[0], "name": "A"},
        "other": {"id": ids[2], "name": "C"},
        "reason": "Same name.",
    }
    assert (await signed_in.post(f"/api/v1/suggestions/{first['id']}/accept")).json()["id"] == ids[0]
    assert (await signed_in.post(f"/api/v1/suggestions/{second['id']}/dismiss")).status_code == 204
    assert (await signed_in.post(f"/api/v1/suggestions/{second['id']}/dismiss")).status_code == 404
    assert (await signed_in.get("/api/v1/suggestions")).json() == []


def test_a_user_may_what_the_matrix_says() -> None:
    assert {"inboxes:write", "people:write", "workspace:write", "audit:read", "set_aside:write"} == ALL - USER
