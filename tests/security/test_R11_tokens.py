"""R11: tokens that can be guessed, never end, work twice, or stand in the database as they are."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from conftest import add_user
from conversations.office import Office, Time
from frontdesk.channels.livechat import tokens as visits
from frontdesk.kit import clock, downloads, ids
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from frontdesk.people import actions, queries
from frontdesk.people.actions.signing import open_session


def bits(token: str) -> float:
    """What guessing a token costs: its random part, in characters of our alphabet."""
    random = token.rpartition("-")[2]
    assert set(random) <= set(ids.ALPHABET)
    return len(random) * math.log2(len(ids.ALPHABET))


async def made(db: Database, owner: Actor, **more: Any) -> tuple[Any, str]:
    async with db.begin(owner.workspace_id) as tx:
        return await actions.create_token(tx, owner.user_id, name="t", scopes=["contacts:read"], **more)


async def session_of(db: Database, owner: Actor) -> str:
    async with db.begin(owner.workspace_id) as tx:
        return (await open_session(tx, await queries.get_user(tx, owner.user_id), ip=None, agent="")).cookie


async def test_a_token_cannot_be_guessed(db: Database, owner: Actor) -> None:
    _, token = await made(db, owner)
    cookie = await session_of(db, owner)
    assert bits(token) >= 256
    assert bits(cookie) >= 128
    assert 22 * 6 >= 128 <= len(visits.new_visitor()) * 6
    assert bits(ids.tenant_key(1)) >= 112, "the address of an inbox's webhook"


async def test_no_two_are_alike_and_every_character_comes_equally_often(db: Database, owner: Actor) -> None:
    drawn = [ids.secret(53) for _ in range(400)]
    assert len(set(drawn)) == 400
    counted = Counter("".join(drawn))
    even = 400 * 53 / len(ids.ALPHABET)
    assert all(0.75 * even < counted[letter] < 1.25 * even for letter in ids.ALPHABET)


async def test_only_their_hash_is_kept(db: Database, owner: Actor) -> None:
    row, token = await made(db, owner)
    cookie = await session_of(db, owner)
    async with db.begin(owner.workspace_id) as tx:
        for table in ("tokens", "sessions", "audit", "events"):
            for found in await tx.fetch(f"select t::text as row from {table} t"):
                assert token not in found["row"]
                assert cookie not in found["row"]
                assert token.rpartition("-")[2][10:] not in found["row"]
    assert len(row["token_hash"]) == 32


@pytest.mark.parametrize("change", [
    lambda token: token[:-1], lambda token: token + "2", lambda token: token.upper(), lambda token: " ".join(token),
    lambda token: token.removeprefix("fd_"), lambda token: token.replace("-", "-2", 1),
    lambda token: "fd_0" + token.removeprefix("fd_"), lambda token: token[:10], lambda token: token + "\x00",
    lambda token: re.sub(r"fd_\d+", "fd_999999", token),
])  # fmt: skip
async def test_a_token_that_is_nearly_right_is_wrong(db: Database, owner: Actor, change: Any) -> None:
    _, token = await made(db, owner)
    assert await queries.actor_by_token(db, token, ip=None) is not None
    changed = change(token)
    if changed != token:
        found = await queries.actor_by_token(db, changed, ip=None)
        assert found is None


async def test_a_token_of_one_workspace_opens_no_other(db: Database, owner: Actor, other_workspace: int) -> None:
    await add_user(db, other_workspace)
    _, token = await made(db, owner)
    moved = token.replace(f"fd_{owner.workspace_id}-", f"fd_{other_workspace}-")
    assert moved != token
    assert await queries.actor_by_token(db, moved, ip=None) is None


async def test_a_token_ends_on_its_day_and_not_a_second_later(db: Database, owner: Actor, time: Time) -> None:
    _, token = await made(db, owner, expires_at=clock.now() + timedelta(hours=1))
    time.move(minutes=59)
    assert await queries.actor_by_token(db, token, ip=None) is not None
    time.move(minutes=1)
    assert await queries.actor_by_token(db, token, ip=None) is None


async def test_a_session_ends_thirty_days_after_the_last_visit(db: Database, owner: Actor, time: Time) -> None:
    cookie = await session_of(db, owner)
    time.move(days=29)
    assert await queries.actor_by_session(db, cookie, ip=None) is not None
    time.move(days=29)
    assert await queries.actor_by_session(db, cookie, ip=None) is not None
    time.move(days=30, seconds=1)
    assert await queries.actor_by_session(db, cookie, ip=None) is None


async def test_a_files_address_is_signed_and_ends(resources: Resources, time: Time) -> None:
    url = resources.file_url(1, "a" * 64, "a.txt", "text/plain")
    token, key = url.rpartition("/")[2], resources.vault.derive("files")
    assert downloads.verify(key, token, now=clock.now()) is not None
    for changed in (token[:-1], token + "A", token[1:], token.swapcase(), token.replace(".", "..", 1)):
        assert changed == token or downloads.verify(key, changed, now=clock.now()) is None
    assert downloads.verify(resources.vault.derive("inbox", 1, 1), token, now=clock.now()) is None
    time.move(days=2, seconds=1)
    assert downloads.verify(key, token, now=clock.now()) is None


def test_a_visitors_token_is_worth_nothing_as_a_files_ticket_and_nothing_elsewhere() -> None:
    at, secret = clock.now(), b"k" * 32
    visit = visits.Visit(visitor="v", inbox="a", issued=int(at.timestamp()))
    ticket = visits.FileTicket(visitor="v", hash="h", name="n", type="t", size=1, issued=int(at.timestamp()))
    for token, kind, key in (
        (visits.sign(visit, secret), visits.FileTicket, secret), (visits.sign(ticket, secret), visits.Visit, secret),
        (visits.sign(visit, secret), visits.Visit, b"x" * 32),
    ):  # fmt: skip
        with pytest.raises(visits.BadToken):
            visits.read(token, kind, key, at=at)  # type: ignore[type-var]


async def test_a_token_is_shown_once(office: Office) -> None:
    row, token = await made(office.db, office.owner)
    async with office.db.begin(office.workspace) as tx:
        listed = await queries.tokens(tx, office.owner.user_id)
    assert [one.id for one in listed] == [row["id"]]
    assert token not in str(listed)
    assert listed[0].prefix == token[:10]


async def test_a_new_token_needs_a_sign_in_not_a_token(signed_in: httpx.AsyncClient) -> None:
    """One that leaked cannot make itself a successor."""
    made = (await signed_in.post("/api/v1/tokens", json={"name": "a", "scopes": ["contacts:read"]})).json()
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as program:
        program.headers["Authorization"] = f"Bearer {made['token']}"
        again = await program.post("/api/v1/tokens", json={"name": "b", "scopes": ["contacts:read"]})
        assert (again.status_code, again.json()["code"]) == (403, "session_needed")


def test_an_identity_of_a_visitor_ends_within_a_day() -> None:
    assert timedelta(hours=24) >= visits.IDENTITY_LIFE
    assert timedelta(days=7) >= visits.FILE_LIFE
