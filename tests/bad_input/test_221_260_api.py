"""Classes 221-260: who may do what, and requests that try to be somebody or something else."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any
from uuid import uuid4

import pytest

from bad_input.callers import ask, ask_in_person, browser, new_user, sign_in
from bad_input.cases import Cases
from bad_input.site import ORIGIN, Site, refused
from conftest import add_user
from frontdesk.people import actions as people
from frontdesk.people.actions.signing import PER_ACCOUNT, PER_IP

case = Cases()


@pytest.fixture
async def neighbours(site: Site) -> dict[str, int]:
    """One thing of each kind in another workspace; the same for all cases of this file."""
    if not hasattr(site, "foreign"):
        site.foreign = await _foreign(site)  # type: ignore[attr-defined]
    found: dict[str, int] = site.foreign  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", case)
async def test_api(site: Site, neighbours: dict[str, int], name: str) -> None:
    await case[name](site)


async def _foreign(site: Site) -> dict[str, int]:
    async with site.db.across() as tx:
        other = await tx.fetchval("insert into workspaces (name) values ('Hill Garage') returning id")
    user = await add_user(site.db, other)
    made = {"user": user.user_id, "workspace": other}
    async with site.db.begin(other) as tx:
        for name, table, columns, values in (
            ("label", "labels", "name", "'L'"), ("tag", "tags", "name", "'T'"), ("team", "teams", "name", "'T'"),
            ("contact", "contacts", "name", "'Secret of the hill'"),
            ("inbox", "inboxes", "channel, name, public_key", "'sms', 'B', 'k'"),
            ("conversation", "conversations", "contact_id, last_at", "(select max(id) from contacts), now()"),
        ):  # fmt: skip
            columns_of = f"(workspace_id, {columns}) values ($1, {values})"
            made[name] = await tx.fetchval(f"insert into {table} {columns_of} returning id", other)
    return made


def foreign(site: Site, name: str) -> int:
    found: int = site.foreign[name]  # type: ignore[attr-defined]
    return found


# --- other people's things ----------------------------------------------------------------------------------------


@case("221-anothers-id-in-the-path")
async def _(site: Site) -> None:
    talk = "conversations/{conversation}"
    for path in ("contacts/{contact}", "inboxes/{inbox}", talk, f"{talk}/messages", f"{talk}/routes"):
        refused(await site.call("GET", "/" + path.format(**site.foreign)), "not_found")  # type: ignore[attr-defined]
    for path in ("labels/{label}", "tags/{tag}", "teams/{team}", "contacts/{contact}"):
        refused(await site.call("DELETE", "/" + path.format(**site.foreign)), "not_found")  # type: ignore[attr-defined]


@case("222-anothers-id-in-the-body")
async def _(site: Site) -> None:
    mine = await site.talk()
    for body in ({"assignee_id": foreign(site, "user")}, {"team_id": foreign(site, "team")}):
        refused(await site.call("PATCH", f"/conversations/{mine}", body))
    refused(await site.call("POST", f"/conversations/{mine}/merge", {"into": foreign(site, "conversation")}))
    refused(await site.call("POST", "/conversations", {"inbox_id": foreign(site, "inbox"), "contact_id": 1}))
    refused(await site.call("PUT", f"/conversations/{mine}/labels/{foreign(site, 'label')}"))
    refused(await site.write(mine, "x", inbox_id=foreign(site, "inbox")))


@case("223-anothers-id-in-a-filter")
async def _(site: Site) -> None:
    for name in ("label", "team", "contact", "inbox"):
        found = await site.call("GET", f"/conversations?view=any&{name}_id={foreign(site, name)}")
        assert found.json()["items"] == []


@case("224-anothers-id-in-a-list")
async def _(site: Site) -> None:
    team = await site.call("POST", "/teams", {"name": f"T{site.unique()}", "member_ids": [foreign(site, "user")]})
    assert team.status_code >= 400 or team.json()["member_ids"] == []
    comment = {"text": "psst", "mentions": [foreign(site, "user")]}
    answer = await site.call("POST", f"/conversations/{await site.talk()}/comments", comment)
    assert answer.json()["mentions"] == []


@case("225-a-stream-is-of-one-workspace")
async def _(site: Site) -> None:
    async with site.db.begin(foreign(site, "workspace")) as tx:
        await tx.execute("insert into event_counters (workspace_id, seq) values ($1, 50) on conflict do nothing",
                         foreign(site, "workspace"))  # fmt: skip
    async with site.api.stream("GET", "/api/v1/events?after=0") as answer:
        assert answer.status_code == 200
        first = await anext(answer.aiter_bytes())
    assert b"hill" not in first.lower()
    async with browser(site) as nobody:
        refused(await nobody.get("/api/v1/events"), "not_signed_in")


@case("226-anothers-words-in-a-search")
async def _(site: Site) -> None:
    for path in ("/contacts?q=Secret%20of%20the%20hill", "/conversations?view=any&q=Secret%20of%20the%20hill"):
        assert (await site.call("GET", path)).json()["items"] == []


# --- parameters ---------------------------------------------------------------------------------------------------


@case("227-operators-in-filters")
async def _(site: Site) -> None:
    for value in (
        "'",
        "' or 1=1--",
        "%",
        "_",
        "\\",
        "*:*",
        "a & b | !c",
        "<->",
        '"',
        "(",
        "x'::int",
        "{{}}",
        "$1",
        "%00",
    ):
        for path in (f"/contacts?q={value}", f"/conversations?view=any&q={value}", f"/conversations?view={value}",
                     f"/contacts?sort={value}&order={value}", f"/conversations?channel={value}"):  # fmt: skip
            answer = await site.call("GET", path)
            assert answer.status_code in (200, 400), (path, answer.text)


@case("228-fields-that-nobody-asked-for")
async def _(site: Site) -> None:
    refused(await site.call("POST", "/labels", {"name": "x", "workspace_id": 1}), "invalid")
    refused(await site.call("POST", "/contacts", {"name": "x", "role": "admin"}), "invalid")
    refused(await site.call("PATCH", f"/users/{site.owner.user_id}", {"workspace_id": 2}), "invalid")


@case("229-an-id-that-is-no-number")
async def _(site: Site) -> None:
    for value in ({}, [], "x", True, 1.5, None, [1], {"id": 1}):
        refused(await site.call("POST", "/contacts/1/merge", {"into": value}), "invalid")
    for path in ("/contacts/[1]", "/contacts/%7B%7D", "/contacts/1.0", "/contacts/1e3", "/contacts/true"):
        refused(await site.call("GET", path))


@case("230-a-page-that-cannot-be")
async def _(site: Site) -> None:
    for value in ("-1", "0", "1.5", "x", "", str(2**64)):
        answer = await site.call("GET", f"/contacts?limit={value}")
        assert answer.status_code in (200, 400), answer.text


@case("231-a-billion-at-once")
async def _(site: Site) -> None:
    for path in ("/contacts", "/conversations", "/audit", "/users", f"/conversations/{await site.talk()}/messages"):
        refused(await site.call("GET", f"{path}?limit=1000000000"), "invalid")


@case("232-a-cursor-of-ones-own")
async def _(site: Site) -> None:
    def cursor(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    for value in ("x", "====", cursor([]), cursor({}), cursor([1, 2, 3]), cursor(["' or 1=1", 1]), cursor([None, None]),
                  cursor(["9999-12-31T23:59:59Z", 2**70]), "A" * 5000):  # fmt: skip
        for path in ("/contacts", "/conversations", "/audit", "/users", "/scheduled", "/set-aside"):
            answer = await site.call("GET", f"{path}?cursor={value}")
            assert answer.status_code in (200, 400), (path, value, answer.text)


@case("234-a-key-for-another-request")
async def _(site: Site) -> None:
    key = {"Idempotency-Key": "k234"}
    assert (await site.call("POST", "/tags", {"name": "one"}, headers=key)).status_code == 201
    refused(await site.call("POST", "/tags", {"name": "two"}, headers=key), "idempotency_key_reused")


@case("235-a-key-twice-at-once")
async def _(site: Site) -> None:
    conversation, key = await site.talk(), {"Idempotency-Key": str(uuid4())}
    path, body = f"/conversations/{conversation}/messages", {"text": "once"}
    answers = await asyncio.gather(*(site.call("POST", path, body, headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    count = "select count(*) from messages where conversation_id = $1 and text = 'once'"
    assert await site.value(count, conversation) == 1


# --- who somebody is ----------------------------------------------------------------------------------------------


@case("236-a-role-taken-away-meanwhile")
async def _(site: Site) -> None:
    user, token = await new_user(site, "admin")
    assert (await ask(site, "GET", "/audit", token)).status_code == 200
    lowered = await ask_in_person(site, site.owner.user_id, "PATCH", f"/users/{user}", {"role": "user"})
    assert lowered.status_code == 200
    refused(await ask(site, "GET", "/audit", token), "bad_token")
    _, token = await new_user(site, "user")
    refused(await ask(site, "GET", "/audit", token), "forbidden")


@case("237-somebody-who-left")
async def _(site: Site) -> None:
    user, token = await new_user(site)
    assert (await ask(site, "GET", "/me", token)).status_code == 200
    left = await ask_in_person(site, site.owner.user_id, "PATCH", f"/users/{user}", {"active": False})
    assert left.status_code == 200
    for path in ("/me", "/events", "/conversations"):
        refused(await ask(site, "GET", path, token), "bad_token")


@case("238-the-last-owner-stays")
async def _(site: Site) -> None:
    for change in ({"active": False}, {"role": "user"}):
        owner = site.owner.user_id
        refused(await ask_in_person(site, owner, "PATCH", f"/users/{owner}", change), "last_owner")


@case("239-nobody-promotes-themselves")
async def _(site: Site) -> None:
    user, token = await new_user(site)
    for body in ({"role": "owner"}, {"role": "admin"}, {"only_assigned": False}):
        refused(await ask(site, "PATCH", f"/users/{user}", token, body), "forbidden")
        refused(await ask_in_person(site, user, "PATCH", f"/users/{user}", body), "forbidden")
    admin, token = await new_user(site, "admin")
    refused(await ask(site, "PATCH", f"/users/{admin}", token, {"role": "owner"}), "session_needed")
    refused(await ask_in_person(site, admin, "PATCH", f"/users/{admin}", {"role": "owner"}), "forbidden")


@case("242-unknown-and-wrong-look-the-same")
async def _(site: Site) -> None:
    async with browser(site) as client:
        answers = []
        for email in ("ana@example.org", "nobody@example.org"):
            people.ATTEMPTS.clear()
            answers.append(await client.post("/api/v1/session", json={"email": email, "password": "wrong" * 3}))
    assert answers[0].content == answers[1].content
    refused(answers[0], "wrong_credentials")


@case("245-a-session-that-was-there-before")
async def _(site: Site) -> None:
    async with browser(site, Cookie="frontdesk=1-chosen-by-somebody-else") as client:
        answer = await sign_in(client)
        given = answer.headers["set-cookie"]
        assert "chosen-by-somebody-else" not in given
        assert all(word in given.lower() for word in ("httponly", "samesite=lax", "path=/"))


@case("246-a-cookie-of-8-kb")
async def _(site: Site) -> None:
    async with browser(site, Cookie="frontdesk=" + "x" * 8192) as client:
        refused(await client.get("/api/v1/me"), "not_signed_in")
    async with browser(site, Cookie="; ".join(f"c{n}=x" for n in range(2000))) as client:
        refused(await client.get("/api/v1/me"), "not_signed_in")


# --- other sites --------------------------------------------------------------------------------------------------


async def from_another_site(site: Site, kind: str, body: bytes, *codes: str) -> None:
    """What a page elsewhere can make a signed-in browser send."""
    async with browser(site) as client:
        assert (await sign_in(client)).status_code == 200
        refused(await client.post("/api/v1/labels", content=body, headers={"content-type": kind}), *codes)


@case("247-a-form-on-another-site")
async def _(site: Site) -> None:
    await from_another_site(site, "application/x-www-form-urlencoded", b"name=x", "bad_csrf", "unsupported_media_type")


@case("248-json-as-plain-text")
async def _(site: Site) -> None:
    await from_another_site(site, "text/plain", b'{"name": "x"}', "bad_csrf", "unsupported_media_type")
    await from_another_site(site, "application/json", b'{"name": "x"}', "bad_csrf")


@case("249-a-stream-for-another-site")
async def _(site: Site) -> None:
    async with browser(site, Origin="https://evil.example") as client:
        refused(await sign_in(client), "cross_site")
    answer = await site.api.get("/api/v1/me", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


@case("250-framed-by-another-site")
async def _(site: Site) -> None:
    async with browser(site) as client:
        for path in ("/", "/api/v1/me", "/login"):
            answer = await client.get(path)
            framing = answer.headers.get("content-security-policy", "") + answer.headers.get("x-frame-options", "")
            html = answer.headers.get("content-type", "").startswith("text/html")
            assert not html or "frame-ancestors" in framing or "DENY" in framing, path


@case("251-a-redirect-elsewhere")
async def _(site: Site) -> None:
    for path in ("//evil.example", "/\\evil.example", "/%2f%2fevil.example", "/login?next=//evil.example",
                 "/%0d%0aLocation:%20x", "/api/v1//evil.example", "/https://evil.example"):  # fmt: skip
        answer = await site.wire(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), seconds=3)
        assert b"\r\nlocation:" not in answer.split(b"\r\n\r\n")[0].lower(), path


# --- signed claims ------------------------------------------------------------------------------------------------


@case("252-a-token-that-signs-itself")
async def _(site: Site) -> None:
    """The identity that a site's server vouches for: nothing but HS256 with this inbox's secret, for a while."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": "boss", "exp": int(time.time()) + 600}
    key = site.hooks[site.chat].rsplit("/", 1)[-1]
    for head in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "HS256", "kid": "../../dev/null"},
                 {"alg": "HS256", "jwk": {"kty": "oct", "k": ""}},
                 {"alg": "HS256", "jku": "https://evil.example"}):  # fmt: skip
        for signature in ("", "AAAA"):
            jwt = f"{part(head)}.{part(claims)}.{signature}"
            asked = {"key": key, "origin": ORIGIN, "identity": jwt}
            answer = await site.api.post("/widget/v1/session", json=asked)
            refused(answer, "identity_invalid")
    assert not await site.value("select count(*) from contact_points where value = 'boss'")


@case("254-a-name-in-a-header")
async def _(site: Site) -> None:
    names = ("X-Remote-User", "Remote-User", "X-Forwarded-User", "X-Auth-Request-Email", "X-Webauth-User", "X-User-Id")
    async with browser(site, **dict.fromkeys(names, "ana@example.org")) as client:
        refused(await client.get("/api/v1/me"), "not_signed_in")


@case("255-an-address-in-a-header")
async def _(site: Site) -> None:
    """Nobody is trusted to name it, so attempts are counted where they come from."""
    people.ATTEMPTS.clear()
    for _ in range(PER_IP):
        people.ATTEMPTS.count("ip", "127.0.0.1", PER_IP)
    async with browser(site, **{"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7"}) as client:
        answer = await client.post("/api/v1/session", json={"email": "x@example.org", "password": "wrong" * 3})
    people.ATTEMPTS.clear()
    assert answer.status_code == 429
    refused(answer, "too_many_attempts")


@case("256-a-password-of-ten-megabytes")
async def _(site: Site) -> None:
    people.ATTEMPTS.clear()
    async with browser(site) as client:
        began = time.process_time()
        refused(await client.post("/api/v1/session", json={"email": "ana@example.org", "password": "x" * (10 << 20)}))
        assert time.process_time() - began < 3


@case("257-the-same-account-under-other-names")
async def _(site: Site) -> None:
    people.ATTEMPTS.clear()
    for _ in range(PER_ACCOUNT):
        people.ATTEMPTS.count("account", "ana@example.org", PER_ACCOUNT)
    async with browser(site) as client:
        for email in ("ana@example.org", "ANA@example.org", " ana@example.org", "Ana@Example.Org ", "aNa@example.org"):
            answer = await client.post("/api/v1/session", json={"email": email, "password": "wrong" * 3})
            refused(answer, "too_many_attempts")
    people.ATTEMPTS.clear()


@case("259-two-robots-that-answer-each-other")
async def _(site: Site) -> None:
    """Whatever the other side answers, it is told three times an hour at most."""
    robot = site.phone()
    for _ in range(8):
        row = await site.hear("HELP", robot)
    told = await site.value(
        "select count(*) from messages where conversation_id = $1 and direction = 'out'", row["conversation_id"]
    )
    assert told == 3
