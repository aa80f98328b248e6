"""What providers took side by side is written down together; whatever is in the way of one is in nobody else's."""

from __future__ import annotations

import asyncio
import contextlib

import asyncpg
import pytest

from conversations.office import Office
from conversations.pretend import line, post
from conversations.test_conversations_under_way import Hanging, letters, rounds
from frontdesk.channels.port import DeliveryState, Rejected, Sent
from frontdesk.conversations.actions import claims, outbox
from frontdesk.conversations.actions.accept import accepted_together
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.conversations.queries import sending
from frontdesk.kit.transaction import Database

COUNT = 8
_TRANSACTIONS = "select count(distinct xmin::text) from attempts where workspace_id = $1"
_HISTORIES = """
select m.id, m.delivery, m.external_id, m.meta ->> 'parts' as parts, o.state, count(distinct a.id) as attempts,
  array_agg(distinct r.state) as history
from messages m join outbox o on o.workspace_id = m.workspace_id and o.message_id = m.id
left join attempts a on a.workspace_id = m.workspace_id and a.message_id = m.id
left join receipts r on r.workspace_id = m.workspace_id and r.message_id = m.id
where m.workspace_id = $1 and m.id = any($2) group by m.workspace_id, m.id, o.state order by m.id
"""


async def all_sent(office: Office, *outcomes: Sent | BaseException) -> list[int]:
    """Letters that all leave at once; their provider answers them all at the same moment."""
    driver = Hanging("email")
    driver.outcomes = list(outcomes)
    office.install(post(driver))
    messages = await letters(office, COUNT)
    here = UnderWay()
    async with asyncio.timeout(30):
        await rounds(office, here)
        driver.free.set()
        with contextlib.suppress(asyncpg.DataError):
            await here.settled()
    return messages


async def test_outcomes_that_come_together_share_a_transaction(live_db: Database, office: Office) -> None:
    messages = await all_sent(office)
    rows = await office.fetch(_HISTORIES, office.workspace, messages)
    assert [(row["state"], row["delivery"], row["attempts"], row["history"]) for row in rows] == [
        ("accepted", "accepted", 1, ["accepted"])
    ] * COUNT
    assert len({row["external_id"] for row in rows}) == COUNT
    assert {row["parts"] for row in rows} == {"1"}
    assert await office.value(_TRANSACTIONS, office.workspace) == 1
    told = [row for row in await office.events("DeliveryChanged") if row["facts"]["state"] == "accepted"]
    assert sorted(row["message_id"] for row in told) == messages


async def test_one_that_cannot_be_written_is_in_nobody_elses_way(office: Office) -> None:
    """PostgreSQL has no place for a zero byte in its JSON."""
    poison = Sent(external_id="poison", meta={"said": "\x00"})
    messages = await all_sent(office, Sent(external_id="a"), poison, Rejected("No.", code="no"), Sent(external_id="d"))
    states = [(await office.outbox(one))["state"] for one in messages]
    assert sorted(states) == ["accepted"] * (COUNT - 2) + ["failed", "sending"]


async def test_what_somebody_else_is_at_is_not_waited_for_by_the_others(live_db: Database, office: Office) -> None:
    messages = await letters(office, 3)
    async with office.db.begin(office.workspace) as tx:
        rows = [row for row, _ in await sending.batch(tx, await claims.claim(tx, 20))]
        await outbox.begin_sending(tx, [(row, None) for row in rows])
    taken = [(row, Sent(external_id=f"x-{row['message_id']}", state=DeliveryState.sent)) for row in rows]
    async with office.db.begin(office.workspace) as other:
        await other.execute("select 1 from outbox where message_id = $1 for update", messages[1])
        async with asyncio.timeout(30), office.db.begin(office.workspace) as tx:
            ours = await accepted_together(tx, taken)
    assert ours == {rows[0]["outbox_id"], rows[2]["outbox_id"]}
    async with office.db.begin(office.workspace) as tx:
        assert await accepted_together(tx, taken, waiting=True) == {rows[1]["outbox_id"]}
    assert [await office.states(one) for one in messages] == [("accepted", "sent")] * 3


async def test_a_fence_that_does_not_fit_any_more_changes_nothing(office: Office) -> None:
    messages = await letters(office, 2)
    async with office.db.begin(office.workspace) as tx:
        rows = [row for row, _ in await sending.batch(tx, await claims.claim(tx, 20))]
        await outbox.begin_sending(tx, [(row, None) for row in rows])
        await tx.execute("update outbox set fence = fence + 1 where message_id = $1", messages[0])
        taken = [(row, Sent(external_id=f"x-{row['message_id']}")) for row in rows]
        assert await accepted_together(tx, taken) == {rows[1]["outbox_id"]}
    assert [(await office.message(one))["external_id"] for one in messages] == [None, f"x-{messages[1]}"]


@pytest.mark.parametrize("wait", [False, True])
async def test_a_receipt_that_was_faster_counts(office: Office, wait: bool) -> None:
    office.install(line(office.driver("line")))
    messages = await letters(office, 2)
    async with office.db.begin(office.workspace) as tx:
        rows = [row for row, _ in await sending.batch(tx, await claims.claim(tx, 20))]
        await outbox.begin_sending(tx, [(row, None) for row in rows])
        await tx.execute("update messages set delivery = 'delivered' where id = $1", messages[0])
        taken = [(row, Sent(external_id=f"x-{row['message_id']}")) for row in rows]
        assert len(await accepted_together(tx, taken, waiting=wait)) == 2
    assert [(await office.message(one))["delivery"] for one in messages] == ["delivered", "accepted"]
