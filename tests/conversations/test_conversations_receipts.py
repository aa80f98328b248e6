"""What providers say of our messages: late, twice, out of order, and before our own commit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from conversations.office import Office, Time, open_office
from conversations.pretend import Pretend, Repeatable, Searchable, line, told
from frontdesk.channels.port import (
    Channel,
    DeliveryState,
    Disconnected,
    Outbound,
    Receipt,
    Rejected,
    Sent,
    TryLater,
    Unknown,
)
from frontdesk.conversations.actions import claims, outbox, take_receipts, write
from frontdesk.conversations.actions.accept import accepted
from frontdesk.conversations.handlers import dispatch
from frontdesk.conversations.queries import sending
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database


async def sent(office: Office, text: str = "hello") -> tuple[int, str]:
    first = await office.hear("hi")
    message_id = await office.write(first["conversation_id"], text)
    await office.dispatch()
    return message_id, (await office.message(message_id))["external_id"]


async def test_receipts_move_a_message_forward_and_leave_a_history(office: Office) -> None:
    message_id, external = await sent(office)
    assert await office.states(message_id) == ("accepted", "accepted")
    await office.deliver(told("sent", to=external), told("delivered", to=external, code="0", reason="It is there."))
    await office.deliver(told("sent", to=external))
    row = await office.message(message_id)
    assert (row["delivery"], row["delivery_code"], row["delivery_reason"]) == ("delivered", "0", "It is there.")
    assert await office.history(message_id) == ["accepted", "sent", "delivered", "sent"]
    told_of = [event["facts"]["state"] for event in await office.events("DeliveryChanged")]
    assert told_of == ["sending", "accepted", "sent", "delivered"]


async def test_that_the_provider_is_about_to_send_proves_nothing(office: Office) -> None:
    """It may still say no: whether it took our attempt stays open, and is looked up or shown to a person."""
    first = await office.hear("hi")
    office.driver().outcomes.append(Unknown("The connection was lost."))
    message_id = await office.write(first["conversation_id"])
    await office.dispatch()
    key = (await office.outbox(message_id))["key"]
    for state in ("queued", "sending"):
        await office.deliver(told(state, key=key))
        assert (await office.outbox(message_id))["state"] == "unknown"
    await office.deliver(told("sent", key=key))
    assert (await office.outbox(message_id))["state"] == "accepted"


async def test_every_order_of_receipts_ends_in_the_same_state(office: Office) -> None:
    ended = set()
    for order in itertools.permutations(("sent", "failed", "delivered", "read")):
        message_id, external = await sent(office, "-".join(order))
        for state in order:
            await office.deliver(told(state, to=external))
        ended.add((await office.message(message_id))["delivery"])
    assert ended == {"read"}


async def test_a_receipt_of_a_message_that_nobody_knows_is_parked_and_swept(office: Office, time: Time) -> None:
    await office.deliver(told("delivered", to="stranger"), told("delivered", key="0" * 32))
    assert await office.value("select count(*) from parked_receipts") == 1
    assert await office.value("select state from raw_deliveries") == "done"
    assert await office.value("select count(*) from receipts") == 0


async def test_a_receipt_by_our_own_key_is_enough(office: Office) -> None:
    message_id, _ = await sent(office)
    key = (await office.outbox(message_id))["key"]
    await office.deliver(told("delivered", key=key))
    assert (await office.message(message_id))["delivery"] == "delivered"


async def test_receipts_that_came_before_our_commit_count_after_it(office: Office) -> None:
    first = await office.hear("hi")
    message_id = await office.write(first["conversation_id"])

    async def quick(message: object) -> Sent:
        await office.deliver(told("delivered", to="p-1"), told("sent", to="p-1"))
        return Sent(external_id="p-1")

    office.driver().outcomes.append(quick)
    await office.dispatch()
    assert (await office.message(message_id))["delivery"] == "delivered"
    assert await office.history(message_id) == ["accepted", "delivered", "sent"]
    assert await office.value("select count(*) from parked_receipts") == 0


async def test_the_same_id_in_another_inbox_is_another_message(office: Office) -> None:
    message_id, external = await sent(office)
    await office.deliver(told("delivered", to=external), inbox=await office.connect("line", "Second"))
    assert (await office.message(message_id))["delivery"] == "accepted"


async def test_a_receipt_can_opt_out_and_can_say_that_the_address_is_gone(office: Office) -> None:
    _, external = await sent(office)
    await office.deliver(told("failed", to=external, code="21610", reason="Unsubscribed.", opt_out=True))
    await office.deliver(told("failed", to=external, bad_address=True))
    point = (await office.fetch("select * from contact_points"))[0]
    assert point["opted_out_at"] is not None
    assert point["opt_out_source"] == "provider"
    assert point["bad_since"] is not None


@pytest.mark.parametrize(
    ("state", "outbox_state", "delivery"),
    [("delivered", "accepted", "delivered"), ("sent", "accepted", "sent"), ("failed", "failed", "failed")],
)
async def test_a_receipt_ends_the_doubt(office: Office, state: str, outbox_state: str, delivery: str) -> None:
    office.driver().outcomes.append(Unknown("no answer"))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await office.dispatch()
    assert (await office.outbox(message_id))["state"] == "unknown"
    key = (await office.outbox(message_id))["key"]
    await office.deliver(told(state, key=key, to="p-9"))
    assert await office.states(message_id) == (outbox_state, delivery)
    assert (await office.message(message_id))["external_id"] == "p-9"
    await office.dispatch()
    assert office.driver().sent == []


async def test_proof_of_delivery_keeps_what_waits_for_another_attempt_from_going_twice(
    office: Office, time: Time
) -> None:
    office.driver().outcomes.append(TryLater("busy", after=60))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await office.dispatch()
    key = (await office.outbox(message_id))["key"]
    await office.deliver(told("delivered", key=key, to="p-9"))
    time.move(minutes=2)
    await office.dispatch()
    assert office.driver().sent == []
    assert await office.states(message_id) == ("accepted", "delivered")


@pytest.mark.parametrize("driver", [Pretend, Searchable, Repeatable])
@pytest.mark.parametrize(
    "answer",
    [Unknown("no answer"), TryLater("busy", after=1), Disconnected("The password is wrong.")],
    ids=["none", "later", "disconnected"],
)
async def test_proof_that_comes_while_a_message_is_being_sent_ends_a_doubt_that_comes_after_it(
    office: Office, time: Time, driver: type[Pretend], answer: Exception
) -> None:
    """Nobody is told that nobody knows, and it does not go again, although no look-up finds it."""
    office.install(line(pretend := driver("phone")))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])

    async def quick(message: Outbound) -> Sent:
        await office.deliver(told("delivered", key=message.key, to="p-9"))
        raise answer

    pretend.outcomes.append(quick)
    for _ in range(13):
        await office.dispatch()
        time.move(seconds=5)
    assert await office.states(message_id) == ("accepted", "delivered")
    assert pretend.sent == []


@pytest.mark.parametrize("restored", [False, True])
async def test_proof_lets_nothing_go_twice_that_is_held_because_nobody_knew(
    office: Office, time: Time, restored: bool
) -> None:
    """Its inbox was switched off before the second attempt, or a backup was restored that knew of none."""
    office.install(line(pretend := Searchable("phone")))
    pretend.outcomes.append(Unknown("no answer"))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await dispatch.dispatch(office.resources)
    time.move(seconds=3)
    async with office.db.begin(office.workspace) as tx:
        await inboxes.change(tx, office.resources.vault, office.line, by=office.owner, enabled=False)
    await office.dispatch()
    assert await office.states(message_id) == ("held", "held")
    if restored:
        await office.execute("update outbox set attempts = 0")
        await office.execute("update messages set delivery_code = 'restored'")
    await office.deliver(told("delivered", key=(await office.outbox(message_id))["key"], to="p-9"))
    assert await office.states(message_id) == ("accepted", "delivered")
    async with office.db.begin(office.workspace) as tx:
        with pytest.raises(Refused, match="Only a message that failed"):
            await write.retry(tx, message_id, None, actor=office.owner)
    assert pretend.sent == []


async def test_a_failure_that_is_told_while_a_message_is_being_sent_may_be_an_earlier_attempts(
    office: Office, time: Time
) -> None:
    message_id = await office.write((await office.hear("hi"))["conversation_id"])

    async def slow(message: Outbound) -> Sent:
        await office.deliver(told("failed", key=message.key))
        raise Unknown("no answer")

    office.driver().outcomes.append(slow)
    for _ in range(13):
        await office.dispatch()
        time.move(seconds=5)
    assert await office.states(message_id) == ("uncertain", "uncertain")


async def test_a_late_receipt_of_an_earlier_attempt_does_not_stop_what_a_person_sends_again(office: Office) -> None:
    office.driver().outcomes.append(Rejected("No.", code="1"))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        await write.retry(tx, message_id, None, actor=office.owner)
    await office.deliver(told("failed", key=(await office.outbox(message_id))["key"]))
    await office.dispatch()
    assert len(office.driver().sent) == 1


@pytest.fixture
async def live(
    live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]
) -> AsyncIterator[Office]:
    return await open_office(resources, owner, registry)


@pytest.mark.parametrize("first", ["receipt", "answer"])
async def test_a_receipt_and_our_own_commit_at_the_same_moment(live: Office, first: str) -> None:
    """Whichever transaction is open when the other looks: the receipt is applied, never parked for ever."""
    message_id = await live.write((await live.hear("hi"))["conversation_id"])
    async with live.db.begin(live.workspace) as tx:
        claimed = await claims.claim(tx, 1)
        [(row, _)] = await sending.batch(tx, claimed)
        await outbox.begin_sending(tx, [(row, None)])

    async def answer(done: asyncio.Event, go: asyncio.Event) -> None:
        async with live.db.begin(live.workspace) as tx:
            await accepted(tx, row, Sent(external_id="p-1"))
            done.set()
            await go.wait()

    async def receipt(done: asyncio.Event, go: asyncio.Event) -> None:
        async with live.db.begin(live.workspace) as tx:
            told_of = Receipt(state=DeliveryState.delivered, external_id="p-1")
            await take_receipts(tx, [(live.line, told_of)])
            done.set()
            await go.wait()

    early, late = (receipt, answer) if first == "receipt" else (answer, receipt)
    done, go, free = asyncio.Event(), asyncio.Event(), asyncio.Event()
    free.set()
    one = asyncio.create_task(early(done, go))
    await done.wait()
    two = asyncio.create_task(late(asyncio.Event(), free))
    await asyncio.wait([two], timeout=0.3)
    go.set()
    await asyncio.gather(one, two)
    assert (await live.message(message_id))["delivery"] == "delivered"
    assert await live.value("select count(*) from parked_receipts") == 0
