"""R12: sign-ins that go on after they should have ended, or that somebody else chose."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from conftest import PASSWORD
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Database
from frontdesk.people import actions, queries
from realtime.site import Site, site  # noqa: F401  (a fixture)

NEW = "another good password"


async def _ended(stream: object) -> None:
    async with asyncio.timeout(60):
        await stream.ended.wait()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change", [{"role": "admin"}, {"active": False}, {"role": "admin", "name": "B"}], ids=["promoted", "gone", "both"]
)
async def test_another_role_or_the_end_of_somebody_ends_their_sessions_and_streams(
    site: Site, change: dict[str, object]  # noqa: F811
) -> None:  # fmt: skip
    browser, ben = await site.sign_in()
    stream = await site.stream(client=browser)
    await site.call("PATCH", f"/users/{ben}", json=change)
    assert (await browser.get("/api/v1/me")).status_code == 401, "from the next request on"
    await _ended(stream)


async def test_a_new_password_ends_the_other_sessions_and_their_streams(site: Site) -> None:  # noqa: F811
    browser, _ = await site.sign_in()
    async with httpx.AsyncClient(base_url=site.url) as other:
        me = await other.post("/api/v1/session", json={"email": "ben@example.org", "password": PASSWORD})
        other.headers["X-CSRF-Token"] = me.json()["csrf"]
        theirs, own = await site.stream(client=other), await site.stream(client=browser)
        changed = await browser.patch("/api/v1/me", json={"password": {"current": PASSWORD, "new": NEW}})
        assert changed.status_code == 200
        assert (await other.get("/api/v1/me")).status_code == 401
        await _ended(theirs)
        assert not own.ended.is_set()
        assert (await browser.get("/api/v1/me")).status_code == 200
        await theirs.close()


async def test_a_new_password_ends_the_tokens_and_says_so(signed_in: httpx.AsyncClient) -> None:
    made = (await signed_in.post("/api/v1/tokens", json={"name": "t", "scopes": ["contacts:read"]})).json()
    program = {"Authorization": f"Bearer {made['token']}"}
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url, headers=program) as other:
        assert (await other.get("/api/v1/contacts")).status_code == 200
        change = {"password": {"current": PASSWORD, "new": NEW}}
        assert (await signed_in.patch("/api/v1/me", json=change)).json()["ended"] == {"sessions": 0, "tokens": 1}
        assert (await other.get("/api/v1/contacts")).status_code == 401
    assert "ended" not in (await signed_in.patch("/api/v1/me", json={"name": "Ana"})).json()


@pytest.mark.parametrize(
    ("change", "stays"),
    [({"role": "user"}, False), ({"active": False}, False), ({"role": "owner"}, True), ({"name": "B"}, True)],
    ids=["lowered", "gone", "promoted", "renamed"],
)
async def test_a_lower_role_or_the_end_of_somebody_ends_their_tokens(
    db: Database, owner: Actor, change: dict[str, object], stays: bool
) -> None:
    async with db.begin(owner.workspace_id) as tx:
        admin = await actions.create_user(
            tx, name="A", email="admin@x.example", role="admin", password_hash=None, by=owner
        )
        _, token = await actions.create_token(tx, admin["id"], name="t", scopes=["people:write"])
        await actions.change_user(tx, admin["id"], by=owner, **change)  # type: ignore[arg-type]
    assert (await queries.actor_by_token(db, token, ip=None) is not None) is stays


async def test_signing_out_everywhere_means_everywhere(site: Site) -> None:  # noqa: F811
    browser, _ = await site.sign_in()
    stream = await site.stream(client=browser)
    assert (await browser.delete("/api/v1/sessions")).status_code == 204
    assert (await browser.get("/api/v1/me")).status_code == 401
    await _ended(stream)


async def test_what_somebody_sees_changes_under_an_open_stream(site: Site) -> None:  # noqa: F811
    browser, ben = await site.sign_in()
    stream = await site.stream(client=browser)
    await site.call("PATCH", f"/users/{ben}", json={"only_assigned": True})
    await _ended(stream)
    heard = await site.office.hear("secret")
    assert (await browser.get(f"/api/v1/conversations/{heard['conversation_id']}")).status_code == 404


async def test_a_revoked_token_is_refused_at_once(site: Site) -> None:  # noqa: F811
    made = await site.call("POST", "/tokens", json={"name": "t", "scopes": ["contacts:read"]})
    async with httpx.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {made['token']}"}) as program:
        assert (await program.get("/api/v1/contacts")).status_code == 200
        await site.call("DELETE", f"/tokens/{made['id']}")
        assert (await program.get("/api/v1/contacts")).status_code == 401


async def test_a_session_that_somebody_planted_is_not_taken_over(signed_in: httpx.AsyncClient) -> None:
    """Fixation: whatever cookie a browser brings, signing in gives it another."""
    planted = str(signed_in.cookies["frontdesk"])
    for brought in (planted, "1-" + "2" * 32, "x"):
        async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as victim:
            victim.cookies.set("frontdesk", brought)
            answer = await victim.post("/api/v1/session", json={"email": "ana@example.org", "password": PASSWORD})
            assert answer.status_code == 200
            fresh = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
            assert fresh not in (planted, brought)
    assert (await signed_in.get("/api/v1/me")).status_code == 200


async def test_a_csrf_token_belongs_to_one_session(signed_in: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as other:
        answer = await other.post("/api/v1/session", json={"email": "ana@example.org", "password": PASSWORD})
        assert answer.json()["csrf"] != signed_in.headers["X-CSRF-Token"]
        wrong = await other.patch(
            "/api/v1/me", json={"name": "X"}, headers={"X-CSRF-Token": signed_in.headers["X-CSRF-Token"]}
        )
        assert (wrong.status_code, wrong.json()["code"]) == (403, "bad_csrf")


async def test_ones_own_session_stays_when_one_gives_away_a_role(db: Database) -> None:
    first = await actions.first_run(db, workspace="W", name="A", email="a@x.example", password=PASSWORD)
    async with db.begin(first.actor.workspace_id) as tx:
        second = await actions.create_user(
            tx, name="B", email="b@x.example", role="owner", password_hash=None, by=first.actor
        )
        await actions.change_user(tx, first.actor.user_id, by=first.actor, role="user")
    actor = await queries.actor_by_session(db, first.cookie, ip=None)
    assert actor is not None
    assert (actor.role, second["role"]) == ("user", "owner")


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-frontdesk"), (False, "frontdesk")])
def test_no_other_host_can_plant_the_cookie(secure: bool, name: str) -> None:
    assert queries.cookie_name(secure=secure) == name
