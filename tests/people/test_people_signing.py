"""Setting up, signing in, sessions and tokens, against a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from conftest import PASSWORD, add_user
from frontdesk.kit import clock, ids
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused, TooMany, Unauthorised, Unavailable
from frontdesk.kit.transaction import Database
from frontdesk.people import actions, queries, rules
from frontdesk.people.actions import passwords


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[timedelta]]:
    """Moves the clock: what stands in the list is added to the present time."""
    ahead = [timedelta()]
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + ahead[0])
    return ahead


async def set_up(db: Database) -> actions.SignedIn:
    return await actions.first_run(
        db, workspace="Harbour Dental", name="Ana", email="Ana@Example.org", password=PASSWORD, timezone="Europe/Athens"
    )


async def test_the_first_run_makes_a_workspace_and_signs_its_owner_in(db: Database) -> None:
    assert await queries.setup_needed(db)
    signed_in = await set_up(db)
    assert not await queries.setup_needed(db)
    actor = await actor_of(db, signed_in.cookie)
    assert (actor.name, actor.role, actor.csrf) == ("Ana", "owner", signed_in.actor.csrf)
    assert actor.permissions == rules.ALL
    async with db.begin(actor.workspace_id) as tx:
        me = await queries.me(tx, actor, 0)
    assert (me.workspace.name, me.workspace.timezone, me.workspace.settings.joining) == (
        "Harbour Dental", "Europe/Athens", "contact",
    )  # fmt: skip


async def test_a_second_first_run_is_refused(db: Database) -> None:
    await set_up(db)
    with pytest.raises(Refused, match="already set up"):
        await set_up(db)


async def test_two_first_runs_at_once_make_one_workspace(live_db: Database) -> None:
    ended = await asyncio.gather(*(set_up(live_db) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Refused", "Refused", "Refused", "SignedIn"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workspace", "  "), ("name", "\u200b"), ("email", "nobody"), ("email", "a@b@c"), ("email", "a b@example.org"),
        ("timezone", "Mars/Olympus"), ("timezone", "../etc/passwd"), ("password", "short"), ("password", "é" * 600),
    ],
)  # fmt: skip
async def test_the_first_run_says_what_is_wrong(db: Database, field: str, value: str) -> None:
    given = {"workspace": "W", "name": "Ana", "email": "ana@example.org", "password": PASSWORD, field: value}
    with pytest.raises(Invalid) as caught:
        await actions.first_run(db, **given)
    assert field in caught.value.fields


async def actor_of(db: Database, cookie: str) -> Actor:
    actor = await queries.actor_by_session(db, cookie, ip="192.0.2.7")
    assert actor is not None
    return actor


async def test_signing_in_takes_the_address_in_any_case(db: Database) -> None:
    await set_up(db)
    signed_in = await actions.sign_in(db, email=" ana@EXAMPLE.org ", password=PASSWORD, ip="192.0.2.7", agent="x" * 900)
    assert (await actor_of(db, signed_in.cookie)).name == "Ana"


@pytest.mark.parametrize(("email", "password"), [("ana@example.org", "wrong horse"), ("nobody@example.org", PASSWORD)])
async def test_a_wrong_password_and_an_unknown_user_look_the_same(db: Database, email: str, password: str) -> None:
    await set_up(db)
    with pytest.raises(Unauthorised) as caught:
        await actions.sign_in(db, email=email, password=password, ip=None)
    assert (caught.value.code, caught.value.status) == ("wrong_credentials", 401)


async def test_an_unknown_user_costs_one_hash_with_the_present_parameters(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    verify = passwords._ARGON.verify
    monkeypatch.setattr(
        passwords._ARGON, "verify", lambda password, stored: (hashes.append(stored), verify(password, stored))[1]
    )
    with pytest.raises(Unauthorised):
        await actions.sign_in(db, email="nobody@example.org", password=PASSWORD, ip=None)
    assert hashes == [passwords.NOBODY]
    assert not passwords._ARGON.current_hasher.check_needs_rehash(passwords.NOBODY)


async def test_a_sixth_attempt_within_a_minute_waits(db: Database, later: list[timedelta]) -> None:
    await set_up(db)
    for _ in range(5):
        with pytest.raises(Unauthorised):
            await actions.sign_in(db, email="ana@example.org", password="wrong horse", ip="192.0.2.7")
    with pytest.raises(TooMany) as caught:
        await actions.sign_in(db, email="ANA@example.org", password=PASSWORD, ip="192.0.2.8")
    assert caught.value.code == "too_many_attempts"
    assert 1 <= caught.value.retry_after <= 12
    later[0] = timedelta(seconds=caught.value.retry_after)
    await actions.sign_in(db, email="ana@example.org", password=PASSWORD, ip="192.0.2.8")


async def test_one_address_cannot_try_many_accounts(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr("frontdesk.people.actions.signing.verified", never)
    for number in range(20):
        with pytest.raises(Unauthorised):
            await actions.sign_in(db, email=f"u{number}@example.org", password="wrong horse", ip="192.0.2.7")
    with pytest.raises(TooMany):
        await actions.sign_in(db, email="u21@example.org", password="wrong horse", ip="192.0.2.7")


async def test_a_network_of_many_addresses_cannot_either(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer's own /64 has more addresses than anybody can count."""

    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr("frontdesk.people.actions.signing.verified", never)
    for number in range(20):
        with pytest.raises(Unauthorised):
            await actions.sign_in(
                db, email=f"u{number}@example.org", password="wrong horse", ip=f"2001:db8:1:2:{number:x}::7"
            )
    with pytest.raises(TooMany):
        await actions.sign_in(db, email="u21@example.org", password="wrong horse", ip="2001:db8:1:2::8")
    with pytest.raises(Unauthorised):
        await actions.sign_in(db, email="u21@example.org", password="wrong horse", ip="2001:db8:1:3::8")


async def test_signing_in_rightly_does_not_use_up_attempts(db: Database) -> None:
    await set_up(db)
    for _ in range(7):
        await actions.sign_in(db, email="ana@example.org", password=PASSWORD, ip="192.0.2.7")


async def test_memory_of_attempts_is_bounded() -> None:
    attempts = actions.Attempts(most=10)
    for number in range(50):
        attempts.count("account", str(number), 5)
    assert len(attempts._buckets) == 10


async def test_a_full_queue_of_hashes_is_an_honest_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_waiting", passwords.QUEUE)
    with pytest.raises(Unavailable):
        await actions.hashed(PASSWORD)


async def test_a_session_ends_thirty_days_after_the_last_visit(db: Database, later: list[timedelta]) -> None:
    cookie = (await set_up(db)).cookie
    later[0] = timedelta(days=29)
    assert await queries.actor_by_session(db, cookie, ip=None)
    later[0] = timedelta(days=58)
    assert await queries.actor_by_session(db, cookie, ip=None)
    later[0] = timedelta(days=89)
    assert await queries.actor_by_session(db, cookie, ip=None) is None


async def test_last_seen_is_written_at_most_once_a_minute(db: Database, later: list[timedelta]) -> None:
    signed_in = await set_up(db)
    seen = set()
    for seconds in (5, 30, 59, 61, 90, 119):
        later[0] = timedelta(seconds=seconds)
        await queries.actor_by_session(db, signed_in.cookie, ip=None)
        async with db.begin(signed_in.actor.workspace_id) as tx:
            seen.add(await tx.fetchval("select seen_at from sessions"))
    assert len(seen) == 2


@pytest.mark.parametrize("cookie", ["", "x", "1-", "1-guess", "99999999999999999999-x", "-1-x", "٣-x", "1-\xff\x00"])
async def test_a_cookie_that_is_not_ours_is_nobody(db: Database, workspace: int, cookie: str) -> None:
    assert await queries.actor_by_session(db, cookie, ip=None) is None
    assert await queries.actor_by_token(db, f"fd_{cookie}", ip=None) is None
    assert await queries.actor_by_token(db, cookie, ip=None) is None


async def test_the_secret_of_a_session_is_not_in_the_database(db: Database) -> None:
    signed_in = await set_up(db)
    async with db.begin(signed_in.actor.workspace_id) as tx:
        rows = str(await tx.fetch("select * from sessions")) + str(await tx.fetch("select * from audit"))
        assert await tx.fetchval("select token_hash from sessions") == ids.digest(signed_in.cookie)
    assert signed_in.cookie not in rows
    assert signed_in.cookie.partition("-")[2] not in rows


async def test_signing_out_ends_one_session_or_all(db: Database) -> None:
    first = await set_up(db)
    second, third = [await actions.sign_in(db, email="ana@example.org", password=PASSWORD, ip=None) for _ in range(2)]
    async with db.begin(first.actor.workspace_id) as tx:
        listed = await queries.sessions(tx, second.actor)
        assert [one.id for one in listed if one.current] == [second.actor.session_id]
        assert len(listed) == 3
        await actions.sign_out(tx, second.actor)
    assert await queries.actor_by_session(db, second.cookie, ip=None) is None
    assert await queries.actor_by_session(db, third.cookie, ip=None)
    async with db.begin(first.actor.workspace_id) as tx:
        assert await actions.sign_out_everywhere(tx, first.actor) == 2
    assert await queries.actor_by_session(db, third.cookie, ip=None) is None


async def test_a_new_password_ends_the_other_sessions(db: Database) -> None:
    here = await set_up(db)
    there = await actions.sign_in(db, email="ana@example.org", password=PASSWORD, ip=None)
    with pytest.raises(Invalid) as caught:
        await actions.new_password(db, here.actor, current="wrong horse", new="another good one")
    assert caught.value.code == "wrong_password"
    hashed = await actions.new_password(db, here.actor, current=PASSWORD, new="another good one")
    async with db.begin(here.actor.workspace_id) as tx:
        await actions.set_password(tx, here.actor.user_id, hashed, keep=here.actor.session_id, by=here.actor)
    assert await queries.actor_by_session(db, here.cookie, ip=None)
    assert await queries.actor_by_session(db, there.cookie, ip=None) is None
    with pytest.raises(Unauthorised):
        await actions.sign_in(db, email="ana@example.org", password=PASSWORD, ip=None)
    await actions.sign_in(db, email="ana@example.org", password="another good one", ip=None)


@pytest.mark.parametrize("wrong", [{"name": " "}, {"preferences": {"x": "x" * 20_000}}], ids=["name", "preferences"])
async def test_a_refused_change_leaves_the_password_and_the_tokens(
    signed_in: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    made = (await signed_in.post("/api/v1/tokens", json={"name": "t", "scopes": ["contacts:read"]})).json()
    change = {"password": {"current": PASSWORD, "new": "another good one"}}
    assert (await signed_in.patch("/api/v1/me", json={**change, **wrong})).status_code == 400
    program = {"Authorization": f"Bearer {made['token']}"}
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url, headers=program) as other:
        assert (await other.get("/api/v1/contacts")).status_code == 200
    changed = await signed_in.patch("/api/v1/me", json={**change, "name": "Anna"})
    assert (changed.json()["user"]["name"], changed.json()["ended"]["tokens"]) == ("Anna", 1)


async def test_the_same_address_in_two_workspaces_signs_in_where_the_password_fits(
    db: Database, workspace: int, other_workspace: int
) -> None:
    for where, password in ((workspace, "first password"), (other_workspace, "second password")):
        async with db.begin(where) as tx:
            await actions.create_user(
                tx,
                name="Ana",
                email="ana@example.org",
                role="owner",
                password_hash=await actions.hashed(password),
                by=None,
            )
    for where, password in ((workspace, "first password"), (other_workspace, "second password")):
        signed_in = await actions.sign_in(db, email="ana@example.org", password=password, ip=None)
        assert signed_in.actor.workspace_id == where


async def make_token(db: Database, owner: Actor, *scopes: str, expires_at: datetime | None = None) -> tuple[int, str]:
    async with db.begin(owner.workspace_id) as tx:
        row, token = await actions.create_token(tx, owner.user_id, name="Sync", scopes=scopes, expires_at=expires_at)
    return row["id"], token


async def test_a_token_may_do_what_its_scopes_and_its_user_may(db: Database, workspace: int, owner: Actor) -> None:
    _, token = await make_token(db, owner, "contacts:read", "inboxes:write")
    actor = await queries.actor_by_token(db, token, ip=None)
    assert actor is not None
    assert actor.permissions == {"contacts:read", "inboxes:write"}
    assert actor.csrf is None
    clerk = await add_user(db, workspace, role="user")
    _, token = await make_token(db, clerk, "contacts:read", "inboxes:write")
    actor = await queries.actor_by_token(db, token, ip=None)
    assert actor is not None
    assert actor.permissions == {"contacts:read"}


async def test_a_token_is_stored_as_a_hash_and_found_by_its_prefix(db: Database, owner: Actor) -> None:
    _, token = await make_token(db, owner, "contacts:read")
    async with db.begin(owner.workspace_id) as tx:
        stored = str(await tx.fetch("select * from tokens")) + str(await tx.fetch("select * from audit"))
        (listed,) = await queries.tokens(tx, owner.user_id)
    assert token not in stored
    assert token.startswith(f"fd_{owner.workspace_id}-")
    assert token.startswith(listed.prefix)
    assert len(token) - len(listed.prefix) > 40


async def test_a_token_ends_when_it_expires_or_is_revoked(db: Database, owner: Actor, later: list[timedelta]) -> None:
    _, short = await make_token(db, owner, "contacts:read", expires_at=clock.now() + timedelta(hours=1))
    token_id, lasting = await make_token(db, owner, "contacts:read")
    later[0] = timedelta(hours=2)
    assert await queries.actor_by_token(db, short, ip=None) is None
    assert await queries.actor_by_token(db, lasting, ip=None)
    async with db.begin(owner.workspace_id) as tx:
        await actions.revoke_token(tx, token_id, user_id=owner.user_id)
        with pytest.raises(NotFound):
            await actions.revoke_token(tx, token_id, user_id=owner.user_id)
    assert await queries.actor_by_token(db, lasting, ip=None) is None


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("scopes", {"scopes": ["contacts:read", "everything"]}),
        ("name", {"name": " "}),
        ("expires_at", {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("expires_at", {"expires_at": datetime(2990, 1, 1)}),
    ],
)
async def test_a_token_says_what_is_wrong(db: Database, owner: Actor, field: str, given: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        async with db.begin(owner.workspace_id) as tx:
            await actions.create_token(tx, owner.user_id, **{"name": "Sync", "scopes": ["contacts:read"], **given})  # type: ignore[arg-type]
    assert set(caught.value.fields) == {field}


async def test_deactivation_ends_sessions_and_tokens_at_once(db: Database) -> None:
    ana = await set_up(db)
    async with db.begin(ana.actor.workspace_id) as tx:
        ben = await actions.create_user(
            tx,
            name="Ben",
            email="ben@example.org",
            role="user",
            password_hash=await actions.hashed(PASSWORD),
            by=ana.actor,
        )
        _, token = await actions.create_token(tx, ben["id"], name="Sync", scopes=["contacts:read"])
    session = await actions.sign_in(db, email="ben@example.org", password=PASSWORD, ip=None)
    async with db.begin(ana.actor.workspace_id) as tx:
        await actions.deactivate(tx, ben["id"], by=ana.actor)
    assert await queries.actor_by_session(db, session.cookie, ip=None) is None
    assert await queries.actor_by_token(db, token, ip=None) is None
    with pytest.raises(Unauthorised):
        await actions.sign_in(db, email="ben@example.org", password=PASSWORD, ip=None)
    async with db.begin(ana.actor.workspace_id) as tx:  # and coming back does not bring the old ones back
        await actions.change_user(tx, ben["id"], by=ana.actor, active=True)
    assert await queries.actor_by_token(db, token, ip=None) is None


async def test_a_user_who_is_not_active_is_nobody_whatever_is_left_of_them(db: Database) -> None:
    ana = await set_up(db)
    _, token = await make_token(db, ana.actor, "contacts:read")
    async with db.begin(ana.actor.workspace_id) as tx:
        await tx.execute("update users set active = false")
    assert await queries.actor_by_session(db, ana.cookie, ip=None) is None
    assert await queries.actor_by_token(db, token, ip=None) is None


async def test_a_role_taken_away_counts_from_the_next_request(db: Database, workspace: int) -> None:
    admin = await add_user(db, workspace, role="admin")
    _, token = await make_token(db, admin, "people:write")
    async with db.begin(workspace) as tx:  # behind the back of what would end the token
        await tx.execute("update users set role = 'user', only_assigned = true where id = $1", admin.user_id)
    actor = await queries.actor_by_token(db, token, ip=None)
    assert actor is not None
    assert not actor.may("people:write")
    assert not actor.sees_all


async def test_forgiving_what_was_forgotten_is_nothing() -> None:
    attempts = actions.Attempts(most=1)
    attempts.count("account", "a", 5)
    attempts.count("account", "b", 5)
    attempts.forgive("account", "a", 5)
    assert [who for _, who in attempts._buckets] == ["b"]
