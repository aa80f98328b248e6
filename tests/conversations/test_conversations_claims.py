"""Where something is due, and taking it, however much else is due."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conftest import until_somebody_waits
from conversations.office import ANA, BEN, Office, Time
from frontdesk.app import worker
from frontdesk.channels.port import TryLater
from frontdesk.conversations.actions import claims
from frontdesk.conversations.handlers import dispatch, ingest
from frontdesk.conversations.queries import sending
from frontdesk.kit.transaction import Database, Tx


async def _asked(office: Office) -> list[int]:
    async with office.db.across() as tx:
        return await claims.workspaces_with_due(tx)


@pytest.fixture(params=["few", "many"])
def seen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether more is due than is looked at row by row."""
    if request.param == "many":
        monkeypatch.setattr(claims, "SEEN", 1)


@pytest.mark.usefixtures("seen")
async def test_where_something_is_due_is_found_among_much_and_among_little(
    office: Office, other_workspace: int, time: Time
) -> None:
    assert await _asked(office) == []
    ana, ben = [(await office.hear("hi", sender))["conversation_id"] for sender in (ANA, BEN)]
    await office.write(ana, "tomorrow", due_at=time.now + timedelta(days=1))
    assert await _asked(office) == []
    await office.write(ana, "now")
    await office.write(ben, "now")
    assert await _asked(office) == [office.workspace]
    office.driver().outcomes = [TryLater("busy", after=60.0), TryLater("busy", after=60.0)]
    await office.dispatch()
    assert await _asked(office) == []
    time.now += timedelta(seconds=61)
    assert await _asked(office) == [office.workspace]
    async with office.db.begin(office.workspace) as tx:
        assert len(await claims.claim(tx, 20)) == 2
    assert await _asked(office) == []
    time.now += claims.LEASE + timedelta(seconds=1)
    assert await _asked(office) == [office.workspace], "somebody began to send and is gone"


async def test_the_queue_of_an_inbox_without_room_is_in_nobodys_way(office: Office) -> None:
    ana = (await office.hear("hi", ANA))["conversation_id"]
    letter = (await office.hear("hi", "ben@x.example", inbox=office.post))["conversation_id"]
    await office.write(ana, "by text")
    wanted = await office.write(letter, "by mail")
    async with office.db.begin(office.workspace) as tx:
        [row] = await claims.claim(tx, 20, without=[office.line])
    assert row["outbox_id"] == (await office.outbox(wanted))["id"]


async def test_of_an_inbox_what_waited_longest_is_taken_first_and_no_more_than_asked_for(office: Office) -> None:
    written = []
    for number in range(6):
        conversation = (await office.hear("hi", f"+30210555{number:04d}"))["conversation_id"]
        written.append(await office.write(conversation))
        letter = (await office.hear("hi", f"c{number}@x.example", inbox=office.post))["conversation_id"]
        await office.write(letter)
    order = [(await office.outbox(message_id))["id"] for message_id in written]
    async with office.db.begin(office.workspace) as tx:
        for place in (0, 2, 4):
            taken = {row["outbox_id"] for row in await claims.claim(tx, 2, without=[office.post])}
            assert taken == set(order[place : place + 2])
        assert len(await claims.claim(tx, 4)) == 4


async def test_what_was_put_off_goes_before_what_is_due_since(office: Office, time: Time) -> None:
    first, *others = [(await office.hear("hi", f"+30210555{number:04d}"))["conversation_id"] for number in range(4)]
    put_off = await office.write(first)
    office.driver().outcomes = [TryLater("busy", after=60.0)]
    await office.dispatch()
    for conversation in others:
        time.move(seconds=20)
        await office.write(conversation)
    time.move(seconds=1)
    async with office.db.begin(office.workspace) as tx:
        [row] = await claims.claim(tx, 1)
    assert row["outbox_id"] == (await office.outbox(put_off))["id"]


async def test_a_claim_locks_what_it_takes_and_nothing_else(office: Office, live_db: Database) -> None:
    """Another worker takes the rest at the same moment, and who cancels need not wait."""
    for number in range(4):
        for inbox, sender in ((office.line, f"+30210555{number:04d}"), (office.post, f"c{number}@x.example")):
            await office.write((await office.hear("hi", sender, inbox=inbox))["conversation_id"])
    async with office.db.begin(office.workspace) as tx, office.db.begin(office.workspace) as other:
        taken = {row["outbox_id"] for row in await claims.claim(tx, 4)}
        free = await other.fetch("select id from outbox where state = 'queued' for update skip locked")
        assert len(taken) == len(free) == 4


async def test_two_workers_together_keep_to_an_inboxs_rate(office: Office, live_db: Database) -> None:
    await office.execute("update inboxes set rate_per_minute = 3 where id = $1", office.line)
    for number in range(8):
        await office.write((await office.hear("hi", f"+30210555{number:04d}"))["conversation_id"])

    async def take(tx: Tx, limit: int) -> int:
        claimed = await claims.claim(tx, limit, rated=[office.line])
        ready: list[Any] = [(row, None, None) for row, _ in await sending.batch(tx, claimed)]
        await dispatch._spread(tx, ready)
        return len(ready)

    async def another() -> int:
        async with office.db.begin(office.workspace) as tx:
            return await take(tx, 4)

    async with office.db.begin(office.workspace) as tx:
        assert await take(tx, 2) == 2
        later = asyncio.create_task(another())
        await until_somebody_waits(tx)
    assert await later == 1


async def test_a_workspace_with_much_to_read_lets_others_have_their_turn(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 2)
    monkeypatch.setattr(ingest, "TURN", 0.0)
    for number in range(5):
        await office.store(office.said(f"number {number}"))
    assert await office.ingest() == 2
    await worker._ingest(office.resources)
    assert await office.value("select count(*) from messages") == 5
