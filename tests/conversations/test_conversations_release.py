"""What was held while its inbox did not work: let go some at a time, and in its order."""

from __future__ import annotations

import asyncio

import pytest

from conversations.office import ANA, BEN, Office, open_office
from frontdesk.app.listening import InboxSink
from frontdesk.channels.port import Channel
from frontdesk.conversations.actions import outbox
from frontdesk.conversations.handlers import clocks
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database

STATES = "select state from outbox order by id"
TOGETHER = "select count(*) as n from outbox where state = 'queued' group by xmin::text"  # let go in one transaction


@pytest.fixture
async def live(live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


async def works(office: Office, health: str) -> None:
    await office.execute("update inboxes set health = $2, health_by = 'listening' where id = $1", office.line, health)


async def hold(office: Office, count: int) -> list[int]:
    """Messages that wait for their inbox, "0", "1" and so on, to two people in turn."""
    talks = [(await office.hear("hi", sender))["conversation_id"] for sender in (ANA, BEN)]
    ids = [await office.write(talks[n % 2], f"{n}") for n in range(count)]
    await works(office, "off")
    await office.dispatch()
    assert [await office.states(message_id) for message_id in ids] == [("held", "held")] * count
    return ids


async def release(office: Office) -> int:
    async with office.db.begin(office.workspace) as tx:
        return await outbox.release_held(tx, office.line)


async def test_a_long_queue_is_let_go_some_at_a_time_and_in_its_order(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "AT_ONCE", 3)
    ids = await hold(office, 8)
    await InboxSink(office.resources, office.workspace, office.line).healthy()
    assert [row["state"] for row in await office.fetch(STATES)] == ["queued"] * 3 + ["held"] * 5
    assert await clocks.release(office.resources) == 5
    assert sorted(row["n"] for row in await office.fetch(TOGETHER)) == [2, 3, 3]
    for message_id in ids:
        row = await office.message(message_id)
        assert (row["delivery"], row["delivery_code"], row["delivery_reason"]) == ("queued", None, None)
        assert await office.history(message_id) == ["held", "queued"]
    told = [row for row in await office.events("DeliveryChanged") if row["facts"]["state"] == "queued"]
    assert [row["message_id"] for row in told] == ids
    await office.dispatch()
    sent = [int(message.text) for message in office.driver().sent]
    assert sorted(sent) == list(range(8))
    assert [[n for n in sent if n % 2 == side] for side in (0, 1)] == [[0, 2, 4, 6], [1, 3, 5, 7]]


async def test_an_inbox_that_stopped_working_again_lets_nothing_go(office: Office) -> None:
    """Else what is held again between two batches would go round and round."""
    await hold(office, 2)
    assert await release(office) == 0
    await works(office, "ok")
    assert await release(office) == 2


async def test_what_somebody_is_at_is_not_waited_for_nor_passed_by_its_conversation(live: Office) -> None:
    ids = await hold(live, 6)
    await works(live, "ok")
    async with asyncio.timeout(30), live.db.begin(live.workspace) as tx:
        await tx.execute("select 1 from outbox where message_id = $1 for update", ids[2])
        assert await clocks.release(live.resources) == 3
        await live.dispatch()
    assert [message.text for message in live.driver().sent] == ["1", "3", "5"]
    assert await clocks.release(live.resources) == 3
    await live.dispatch()
    assert [message.text for message in live.driver().sent[3:]] == ["0", "2", "4"]
