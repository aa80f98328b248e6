"""Real connections, real commits: cancelling against sending, one key many times, two dispatchers."""

from __future__ import annotations

import asyncio
import random

import pytest

from conftest import until_somebody_waits
from conversations.office import ANA, BEN, Office, open_office
from frontdesk.channels.port import Address, Channel
from frontdesk.contacts import actions as contacts
from frontdesk.conversations.actions import send, write
from frontdesk.conversations.handlers import dispatch
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database

RACES = 2000

# As many conversations with one contact, each with one message that is due: what a day leaves behind, in one statement.
_COPIES = """
with talks as (
  insert into conversations (workspace_id, contact_id, last_at, last_inbox_id)
  select workspace_id, contact_id, last_at, last_inbox_id from conversations, generate_series(1, $1) where id = $2
  returning *),
said as (
  insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, point_id, text, delivery, at)
  select t.workspace_id, t.id, 'out', 'contact', m.inbox_id, m.point_id, 'race', 'queued', m.at
  from talks t join messages m on m.workspace_id = t.workspace_id and m.conversation_id = $2
  returning *)
insert into outbox (workspace_id, message_id, conversation_id, inbox_id, key, due_at)
select workspace_id, id, conversation_id, inbox_id, gen_random_uuid(), at from said returning message_id
"""


@pytest.fixture
async def live(live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


async def test_cancelled_or_sent_and_never_both(live: Office) -> None:
    first = await live.hear("hi")
    rows = await live.fetch(_COPIES, RACES, first["conversation_id"])
    ids = [row["message_id"] for row in rows]
    random.Random(5).shuffle(ids)
    gate = asyncio.Semaphore(8)
    cancelled: set[int] = set()
    refusals: set[str] = set()

    async def cancel(message_id: int) -> None:
        async with gate:
            try:
                async with live.db.begin(live.workspace) as tx:
                    await write.cancel(tx, message_id, actor=live.owner)
            except Refused as error:
                refusals.add(error.code)
            else:
                cancelled.add(message_id)

    async def send() -> None:
        while await dispatch.dispatch(live.resources):
            await asyncio.sleep(random.random() / 50)

    await asyncio.gather(send(), send(), *(cancel(message_id) for message_id in ids))
    await live.dispatch()
    sent = {message.key for message in live.driver().sent}
    assert len(sent) == len(live.driver().sent), "something was sent twice"
    states = {row["state"]: row["n"] for row in await live.fetch("select state, count(*) as n from outbox group by 1")}
    assert states == {"accepted": len(sent), "cancelled": len(cancelled)}
    assert len(sent) + len(cancelled) == RACES
    assert refusals == {"too_late"}
    assert min(len(sent), len(cancelled)) > RACES / 50, "it was no race"
    wrong = "select count(*) from messages m join outbox o on o.message_id = m.id where m.delivery <> o.state"
    assert await live.value(wrong) == 0


async def test_two_dispatchers_send_each_message_once_and_in_order(live: Office) -> None:
    conversations = [(await live.hear("hi", f"+30210{n:07d}"))["conversation_id"] for n in range(6)]
    for n in range(60):
        await live.write(conversations[n % 6], f"{n}")
    await asyncio.gather(*(live.dispatch() for _ in range(4)))
    await live.dispatch()
    sent = [int(message.text) for message in live.driver().sent]
    assert sorted(sent) == list(range(60))
    for n in range(6):
        mine = [number for number in sent if number % 6 == n]
        assert mine == sorted(mine)


async def test_a_message_that_is_cancelled_at_its_due_time_by_many_is_cancelled_once(live: Office) -> None:
    message_id = await live.write((await live.hear("hi"))["conversation_id"])

    async def cancel() -> None:
        async with live.db.begin(live.workspace) as tx:
            await write.cancel(tx, message_id, actor=live.owner)

    await asyncio.gather(*(cancel() for _ in range(12)))
    assert await live.history(message_id) == ["cancelled"]


async def test_the_same_key_fifty_times_at_once_is_one_message(live: Office) -> None:
    """A key names one message or one comment, in one conversation, for ever."""
    conversation = (await live.hear("hi", ANA))["conversation_id"]
    key, note = (f"7b0d7f1e-5f6b-4f6c-9f57-2f6f0a3b6c1{n}" for n in (1, 2))
    ids = await asyncio.gather(*(live.write(conversation, "once", client_key=key) for _ in range(50)))
    assert len(set(ids)) == 1
    assert await live.value("select count(*) from messages where text = 'once'") == 1
    await live.dispatch()
    assert len(live.driver().sent) == 1
    other = (await live.hear("hi", "+302103333333"))["conversation_id"]
    with pytest.raises(Refused) as caught:
        await live.write(other, "twice", client_key=key)
    assert caught.value.code == "idempotency_key_reused"
    with pytest.raises(Refused):
        async with live.db.begin(live.workspace) as tx:
            await write.comment(tx, conversation, "a comment", actor=live.owner, client_key=key)
    async with live.db.begin(live.workspace) as tx:
        said = await write.comment(tx, conversation, "a comment", actor=live.owner, client_key=note)
        assert await write.comment(tx, conversation, "a comment", actor=live.owner, client_key=note) == said
    with pytest.raises(Refused):
        await live.write(conversation, "not a comment", client_key=note)
    with pytest.raises(Refused):
        async with live.db.begin(live.workspace) as tx:
            await write.comment(tx, other, "elsewhere", actor=live.owner, client_key=note)


async def test_one_key_for_two_conversations_at_once_is_one_message(live: Office) -> None:
    """The second writer meets the key only when the first one commits: the look before found nothing."""
    ours, theirs = (await live.hear("hi"))["conversation_id"], (await live.hear("hi", BEN))["conversation_id"]
    key = "7b0d7f1e-5f6b-4f6c-9f57-2f6f0a3b6c13"
    async with live.db.begin(live.workspace) as tx:
        await send(tx, ours, "once", author_id=live.owner.user_id, client_key=key)
        second = asyncio.create_task(live.write(theirs, "twice", client_key=key))
        await until_somebody_waits(tx)
    with pytest.raises(Refused) as caught:
        await second
    assert caught.value.code == "idempotency_key_reused"
    assert [row["text"] for row in await live.fetch("select text from messages where client_key = $1", key)] == ["once"]


async def test_a_copy_of_what_we_send_arrives_before_our_own_commit(live: Office) -> None:
    """The mailbox shows a mail that is being sent at this moment: it is that message, not another one."""
    first = await live.hear("hi", "ana@x.example", inbox=live.post)
    message_id = await live.write(first["conversation_id"], "Good morning", inbox_id=live.post)
    copy = live.said("Good morning", "ana@x.example", own=True, external_id="<sent@x>")
    await live.store(copy, inbox=live.post)
    async with live.db.begin(live.workspace) as tx:
        await tx.execute("update messages set external_id = '<sent@x>' where id = $1", message_id)
        reading = asyncio.create_task(live.ingest())
        await until_somebody_waits(tx)
    await reading
    assert await live.value("select count(*) from raw_deliveries where state <> 'done'") == 0
    rows = await live.fetch("select id from messages where external_id = '<sent@x>'")
    assert [row["id"] for row in rows] == [message_id]
    assert await live.value("select message_count from conversations where id = $1", first["conversation_id"]) == 2


async def test_an_address_that_was_only_typed_and_from_which_two_things_come_at_once_is_one_contact(
    live: Office,
) -> None:
    typed = Address(kind="email", value="ben@x.example", verified=False)
    await live.hear("my mail is ben@x.example", also=[{"kind": "email", "value": typed.value, "verified": False}])
    claimer = await live.value("select contact_id from contact_points where value = $1", typed.value)
    found: list[int] = []

    async def take() -> None:
        async with live.db.begin(live.workspace) as tx:
            (one,) = (await contacts.find_or_create(tx, [typed])).values()
            found.append(one.contact_id)

    async with live.db.begin(live.workspace) as tx:
        (first,) = (await contacts.find_or_create(tx, [typed])).values()
        second = asyncio.create_task(take())
        await until_somebody_waits(tx)
    await second
    assert found == [first.contact_id]
    assert first.contact_id != claimer
    assert await live.value("select count(*) from contacts") == 2
