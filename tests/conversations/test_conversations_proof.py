"""Real connections, real commits: proof that arrives while somebody decides to try again."""

from __future__ import annotations

import asyncio

import pytest

from conftest import until_somebody_waits
from conversations.office import Office, open_office
from conversations.pretend import told
from frontdesk.channels.port import Channel
from frontdesk.conversations.actions import claims, outbox
from frontdesk.conversations.queries import sending
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database


@pytest.fixture
async def live(live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


async def test_a_receipt_that_waits_while_the_message_is_queued_again_spares_the_second_attempt(live: Office) -> None:
    """The provider said "later" and delivered it all the same."""
    message_id = await live.write((await live.hear("hi"))["conversation_id"])
    await live.execute("update messages set external_id = 'out-1' where id = $1", message_id)
    async with live.db.begin(live.workspace) as tx:
        [(row, _)] = await sending.batch(tx, await claims.claim(tx, 1))
    await live.store(told("delivered", to="out-1"))
    async with live.db.begin(live.workspace) as tx:
        assert await outbox.try_again(tx, row, "Busy.", after=0)
        reading = asyncio.create_task(live.ingest())
        await until_somebody_waits(tx)
    await reading
    assert await live.states(message_id) == ("accepted", "delivered")
    await live.dispatch()
    assert live.driver().sent == []
