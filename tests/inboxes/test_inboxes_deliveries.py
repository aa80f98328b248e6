"""Deliveries: stored once, whatever they hold; set aside, replayed, discarded."""

from __future__ import annotations

import asyncio

import pytest

from frontdesk.channels.port import Raw
from frontdesk.inboxes import actions, queries
from frontdesk.kit.context import Actor
from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Database
from frontdesk.people import queries as people

pytestmark = pytest.mark.usefixtures("paper")


@pytest.fixture
async def inbox(db: Database, vault: Vault, owner: Actor) -> int:
    async with db.begin(owner.workspace_id) as tx:
        row = await actions.create(
            tx, vault, channel="paper", name="Box", settings={"host": "h.example", "password": "p"}, by=owner
        )
    made: int = row["id"]
    return made


def letters(*keys: str) -> list[Raw]:
    return [Raw(dedupe_key=key, body=f"letter {key}".encode(), headers={"h": "1"}, meta={"uid": 7}) for key in keys]


async def test_a_repeated_delivery_is_nothing(db: Database, workspace: int, inbox: int) -> None:
    async with db.begin(workspace) as tx:
        assert await actions.store(tx, inbox, letters("a", "b", "a")) == 2
        assert await actions.store(tx, inbox, letters("b", "c")) == 1
        assert await actions.store(tx, inbox, letters("c")) == 0
        assert await actions.store(tx, inbox, []) == 0
        rows = await tx.fetch("select * from raw_deliveries order by id")
        assert [(row["dedupe_key"], row["state"]) for row in rows] == [("a", "new"), ("b", "new"), ("c", "new")]
        assert (rows[0]["headers"], rows[0]["meta"], rows[0]["body"]) == ({"h": "1"}, {"uid": 7}, b"letter a")
        assert (await queries.get(tx, inbox))["last_inbound_at"] is not None


async def test_the_same_delivery_fifty_times_at_once_is_stored_once(
    live_db: Database, workspace: int, inbox: int
) -> None:
    async def deliver() -> int:
        async with live_db.begin(workspace) as tx:
            return await actions.store(tx, inbox, letters("same"))

    assert sum(await asyncio.gather(*(deliver() for _ in range(50)))) == 1


async def test_deliveries_of_one_inbox_do_not_wait_for_each_other(
    live_db: Database, workspace: int, inbox: int
) -> None:
    async with live_db.begin(workspace) as first:
        assert await actions.store(first, inbox, letters("first")) == 1
        async with asyncio.timeout(60), live_db.begin(workspace) as second:
            assert await actions.store(second, inbox, letters("second")) == 1


async def test_what_a_database_cannot_hold_is_left_out(db: Database, workspace: int, inbox: int) -> None:
    raw = Raw(
        dedupe_key="k\0" + "x" * 4000, body=b"\0\xff", headers={"a\0": "\0b"}, meta={"c": ["\ud83d", {"d": "\0"}]}
    )
    async with db.begin(workspace) as tx:
        assert await actions.store(tx, inbox, [raw, raw]) == 1
        row = await tx.fetchrow("select * from raw_deliveries")
        await actions.save_checkpoint(tx, inbox, {"uid": 9, "token": "\0x"})
        assert (await queries.get(tx, inbox))["checkpoint"] == {"uid": 9, "token": "x"}
    assert row is not None
    assert (row["body"], row["headers"], row["meta"]) == (b"\0\xff", {"a": "b"}, {"c": ["?", {"d": ""}]})


async def test_set_aside_is_listed_replayed_and_discarded(
    db: Database, workspace: int, inbox: int, owner: Actor
) -> None:
    async with db.begin(workspace) as tx:
        await actions.store(
            tx, inbox, [*letters("a", "b", "c", "d"), Raw(dedupe_key="e", body=b"\xff\0\x1b[31m" + b"x" * 900)]
        )
        await tx.execute(
            "update raw_deliveries set state = 'set_aside', attempts = 3, error = 'odd' where dedupe_key <> 'd'"
        )
        first = await queries.set_aside_listing(tx, None, 3)
        rest = await queries.set_aside_listing(tx, first.next, 3)
        assert [item.preview for item in (first.items + rest.items)[1:]] == ["letter c", "letter b", "letter a"]
        assert first.items[0].preview.startswith("\ufffd··[31mx")
        assert len(first.items[0].preview) <= queries.PREVIEW
        assert rest.next is None
        newest, *_, oldest = [item.id for item in first.items + rest.items]
        assert await actions.replay(tx, [oldest], by=owner) == 1
        assert await actions.replay(tx, [oldest], by=owner) == 0
        assert await actions.discard(tx, [newest, oldest], by=owner) == 1
        again = await tx.fetchrow("select * from raw_deliveries where id = $1", oldest)
        assert again is not None
        assert (again["state"], again["attempts"], again["error"]) == ("new", 0, None)
        assert len((await queries.set_aside_listing(tx, None, None)).items) == 2
        assert await actions.replay(tx, [newest], states=("discarded", "done")) == 1
    async with db.begin(workspace) as tx:
        told = [entry.action for entry in (await people.audit(tx, None, 3)).items]
        assert told == ["set_aside.replayed", "set_aside.discarded", "set_aside.replayed"]


async def test_another_workspaces_delivery_is_not_replayed(
    db: Database, workspace: int, inbox: int, other_workspace: int
) -> None:
    async with db.begin(workspace) as tx:
        await actions.store(tx, inbox, letters("a"))
        raw_id = await tx.fetchval("update raw_deliveries set state = 'set_aside' returning id")
    async with db.begin(other_workspace) as tx:
        assert await actions.replay(tx, [raw_id]) == 0
        assert await actions.discard(tx, [raw_id]) == 0
        assert (await queries.set_aside_listing(tx, None, None)).items == []
