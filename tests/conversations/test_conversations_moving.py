"""Real connections, real commits: what a conversation, a message or a contact becomes while somebody waits for it."""

from __future__ import annotations

import asyncio

import pytest

from conftest import until_somebody_waits
from conversations.office import Office, open_office
from frontdesk.channels.port import Channel
from frontdesk.conversations.actions import change
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database

MAIL = "ana@x.example"


@pytest.fixture
async def live(live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


async def beside(live: Office, conversation_id: int, text: str = "on another matter") -> int:
    """Another conversation with the same contact, in which we said something."""
    contact = (await live.conversation(conversation_id))["contact_id"]
    async with live.db.begin(live.workspace) as tx:
        made, _ = await change.open_conversation(tx, contact, live.post, second=True, actor_id=None)
    await live.write(made, text, inbox_id=live.post)
    return made


async def counted(live: Office) -> dict[int, int]:
    """How many messages each conversation holds; each says the same of itself."""
    held = "select count(*) from messages m where m.conversation_id = c.id and m.direction <> 'activity'"
    rows = await live.fetch(f"select c.id, c.message_count, ({held}) as held from conversations c order by c.id")
    assert [row["message_count"] for row in rows] == [row["held"] for row in rows]
    return {row["id"]: row["held"] for row in rows}


@pytest.mark.parametrize("rival", ["merge", "move"])
async def test_a_message_that_is_moved_while_somebody_moves_it_is_counted_where_it_is(live: Office, rival: str) -> None:
    said = await live.hear("one", MAIL, inbox=live.post)
    first = said["conversation_id"]
    second, third = await beside(live, first), await beside(live, first)

    async def move() -> None:
        async with live.db.begin(live.workspace) as tx:
            await change.move_message(tx, said["id"], third, actor=live.owner)

    async with live.db.begin(live.workspace) as tx:
        if rival == "merge":
            await change.merge(tx, first, second, actor=live.owner)
        else:
            await change.move_message(tx, said["id"], second, actor=live.owner)
        late = asyncio.create_task(move())
        await until_somebody_waits(tx)
    with pytest.raises(Refused) as caught:
        await late
    assert caught.value.code == "try_again"
    assert await counted(live) == {first: 0, second: 2, third: 1}
    await move()
    assert await counted(live) == {first: 0, second: 1, third: 2}
