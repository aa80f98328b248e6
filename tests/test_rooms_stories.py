"""People, inboxes and contacts over HTTP, as a browser uses them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from conftest import PASSWORD
from frontdesk.channels.port import Raw
from frontdesk.contacts import actions as of_contacts
from frontdesk.inboxes import actions as of_inboxes
from frontdesk.kit.context import Resources
from test_rooms_http import BODIES, CANARY, ROUTES

pytestmark = pytest.mark.usefixtures("paper")


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser, signed in as nobody."""
    transport = client._transport
    async with httpx.AsyncClient(transport=transport, base_url=client.base_url) as opened:
        yield opened


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
    more = await stranger.post("/api/v1/tokens", json={"name": "More", "scopes": ["contacts:read"]})
    assert (more.status_code, more.json()["code"]) == (403, "session_needed")
    for method, path in [("GET", "tokens"), ("DELETE", f"tokens/{made['id']}"), ("DELETE", "sessions")]:
        assert (await stranger.request(method, f"/api/v1/{path}")).status_code == 403
    assert (await signed_in.delete("/api/v1/tokens/999999")).status_code == 404
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
