"""Sendings that end without an answer: looked up, repeated where safe, or shown to a person; never blindly resent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conversations.office import ANA, BEN, Office, Time
from conversations.pretend import Pretend, Repeatable, Searchable, line, told
from frontdesk.channels.port import Account, Disconnected, Outbound, Sent, TryLater, Unknown
from frontdesk.contacts import actions as contacts
from frontdesk.conversations.actions import write
from frontdesk.conversations.handlers import clocks, dispatch
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database

LOST = [Unknown("No answer."), TimeoutError(), ConnectionResetError(), ZeroDivisionError("a driver's mistake")]


async def unanswered(office: Office, driver: Pretend, error: BaseException = LOST[0]) -> int:
    """A message whose sending ended without an answer, and whose look-up is due."""
    office.install(line(driver))
    driver.outcomes.append(error)
    message_id = await office.write((await office.hear("hi"))["conversation_id"], "hello")
    await dispatch.dispatch(office.resources)
    assert await office.states(message_id) == ("unknown", "sending")
    assert driver.sent == []
    return message_id


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
async def test_whatever_goes_wrong_in_a_driver_is_not_resent(office: Office, time: Time, error: BaseException) -> None:
    driver = Pretend("phone")
    message_id = await unanswered(office, driver, error)
    for _ in range(12):
        time.move(seconds=5)
        await office.dispatch()
    assert driver.sent == []
    assert await office.states(message_id) == ("uncertain", "uncertain")
    assert (await office.message(message_id))["delivery_code"] == "uncertain"


async def test_one_that_the_provider_has_was_sent(office: Office, time: Time) -> None:
    driver = Searchable("phone")
    message_id = await unanswered(office, driver)
    driver.has[(await office.outbox(message_id))["key"]] = Sent(external_id="found", parts=2)
    time.move(seconds=3)
    await office.dispatch()
    assert driver.sent == []
    assert await office.states(message_id) == ("accepted", "accepted")
    row = await office.message(message_id)
    assert (row["external_id"], row["meta"]["parts"]) == ("found", 2)


async def test_one_that_is_another_message_of_ours_is_not_taken_for_it(office: Office, time: Time) -> None:
    driver = Searchable("phone")
    office.install(line(driver))
    driver.outcomes += [Sent(external_id="p-1"), Unknown("No answer.")]
    twin = await office.write((await office.hear("hi", BEN))["conversation_id"], "hello")
    await office.dispatch()
    message_id = await office.write((await office.hear("hi"))["conversation_id"], "hello")
    driver.has[(await office.outbox(message_id))["key"]] = Sent(external_id="p-1")
    for _ in range(12):
        time.move(seconds=5)
        await office.dispatch()
    assert (await office.message(twin))["external_id"] == "p-1"
    assert await office.states(message_id) == ("uncertain", "uncertain")
    assert len(driver.sent) == 1


async def test_one_that_the_provider_has_not_goes_again_under_the_same_key(office: Office, time: Time) -> None:
    driver = Searchable("phone")
    message_id = await unanswered(office, driver)
    time.move(seconds=3)
    await office.dispatch()
    [message] = driver.sent
    assert (message.key, message.attempt) == ((await office.outbox(message_id))["key"], 2)
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_a_failure_of_the_first_attempt_does_not_stay_when_it_goes_again(office: Office, time: Time) -> None:
    driver = Searchable("phone")
    message_id = await unanswered(office, driver)
    time.move(seconds=3)
    await dispatch.dispatch(office.resources)
    assert await office.states(message_id) == ("queued", "queued")
    await office.deliver(told("failed", key=(await office.outbox(message_id))["key"]))
    await office.dispatch()
    assert len(driver.sent) == 1
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_where_a_second_copy_is_dropped_it_goes_again_at_once(office: Office, time: Time) -> None:
    driver = Repeatable("phone")
    message_id = await unanswered(office, driver)
    time.move(seconds=3)
    await office.dispatch()
    assert len(driver.sent) == 1
    assert await office.states(message_id) == ("accepted", "accepted")


async def doubtful(office: Office, time: Time) -> tuple[Repeatable, int]:
    """A message whose first attempt may have arrived, queued to go again: its provider drops a second copy."""
    message_id = await unanswered(office, driver := Repeatable("phone"))
    time.move(seconds=3)
    await dispatch.dispatch(office.resources)
    assert (await office.states(message_id))[0] == "queued"
    return driver, message_id


async def test_one_that_may_have_arrived_cannot_be_taken_back_while_it_waits_to_go_again(
    office: Office, time: Time
) -> None:
    driver, message_id = await doubtful(office, time)
    driver.outcomes.append(TryLater("Busy.", after=1))
    for _ in range(2):
        async with office.db.begin(office.workspace) as tx:
            with pytest.raises(Refused) as caught:
                await write.cancel(tx, message_id, actor=office.owner)
        assert caught.value.code == "too_late"
        await dispatch.dispatch(office.resources)  # the provider is busy: it is queued again, and the doubt stays
        time.move(seconds=2)
    assert [message.attempt for message in driver.sent] == [3]
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_one_that_the_provider_has_not_can_be_taken_back(office: Office, time: Time) -> None:
    message_id = await unanswered(office, driver := Searchable("phone"))
    time.move(seconds=3)
    await dispatch.dispatch(office.resources)
    async with office.db.begin(office.workspace) as tx:
        await write.cancel(tx, message_id, actor=office.owner)
    await office.dispatch()
    assert (driver.sent, await office.states(message_id)) == ([], ("cancelled", "cancelled"))


@pytest.mark.parametrize("then", ["blocked", "switched off", "disconnected", "two days", "in the way"])
async def test_one_that_may_have_arrived_and_cannot_go_again_is_uncertain_and_has_not_failed(
    office: Office, time: Time, then: str
) -> None:
    driver, message_id = await doubtful(office, time)
    async with office.db.begin(office.workspace) as tx:
        if then == "blocked":
            point = await tx.fetchval("select point_id from messages where id = $1", message_id)
            await contacts.opt_out(tx, point, source="user", reason="She asked us to.", inbox_id=office.line)
        elif then == "switched off":
            await inboxes.change(tx, office.resources.vault, office.line, by=office.owner, enabled=False)
    if then == "disconnected":
        driver.outcomes.append(Disconnected("The password is wrong."))
    elif then == "two days":
        driver.outcomes.append(TryLater("Busy."))
        time.move(days=3)
    elif then == "in the way":
        driver.outcomes += [TryLater("Busy.", after=60)] * 12
        await office.write((await office.message(message_id))["conversation_id"], "behind it")
    for _ in range(12 if then == "in the way" else 1):
        await dispatch.dispatch(office.resources)
        time.move(minutes=1)
        await clocks.make_way(office.resources)
    assert await office.states(message_id) == ("uncertain", "uncertain")
    assert "An earlier attempt may have arrived." in (await office.message(message_id))["delivery_reason"]


async def test_while_the_provider_cannot_tell_it_is_asked_and_a_person_sees_it_within_a_minute(
    office: Office, time: Time
) -> None:
    driver = Searchable("phone")
    driver.silent = True
    message_id = await unanswered(office, driver)
    began = time.now
    while (await office.states(message_id))[0] == "unknown":
        time.move(seconds=1)
        await office.dispatch()
    assert 45 <= (time.now - began).total_seconds() <= 60
    assert driver.asked >= 5
    assert driver.sent == []
    assert await office.states(message_id) == ("uncertain", "uncertain")


@pytest.mark.parametrize("error", [TryLater("busy"), Disconnected("no"), TimeoutError(), ZeroDivisionError()])
async def test_a_look_up_that_fails_ends_with_a_person(office: Office, time: Time, error: Exception) -> None:
    class Failing(Searchable):
        async def look_up(self, message: Outbound, account: Account) -> Sent | None:
            raise error

    driver = Failing("phone")
    message_id = await unanswered(office, driver)
    for _ in range(13):
        time.move(seconds=5)
        await office.dispatch()
    assert driver.sent == []
    assert await office.states(message_id) == ("uncertain", "uncertain")


async def test_where_the_channel_is_gone_a_person_is_asked(office: Office, time: Time) -> None:
    message_id = await unanswered(office, Searchable("phone"))
    del office.registry["line"]
    time.move(seconds=3)
    await office.dispatch()
    assert await office.states(message_id) == ("uncertain", "uncertain")


async def test_a_driver_that_hangs_is_cut_off(office: Office, time: Time) -> None:
    office.resources.settings = replace(office.resources.settings, send_timeout=0.05)

    async def hang(message: Outbound) -> Sent:
        await asyncio.Event().wait()
        raise AssertionError

    office.driver().outcomes.append(hang)
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await dispatch.dispatch(office.resources)
    assert await office.states(message_id) == ("unknown", "sending")


async def test_a_process_that_died_while_sending_is_treated_like_no_answer(office: Office, time: Time) -> None:
    async def die(message: Outbound) -> Sent:
        raise asyncio.CancelledError

    office.driver().outcomes.append(die)
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    with pytest.raises(asyncio.CancelledError):
        await office.dispatch()
    time.move(seconds=11)
    await office.dispatch()
    assert await office.states(message_id) == ("sending", "sending")
    time.move(seconds=2)
    await office.dispatch()
    assert await office.states(message_id) == ("uncertain", "uncertain")


async def test_a_person_decides_about_an_uncertain_one(office: Office, time: Time) -> None:
    driver = Pretend("phone")
    message_id = await unanswered(office, driver)
    time.move(seconds=3)
    await office.dispatch()
    with pytest.raises(Refused) as caught:
        async with office.db.begin(office.workspace) as tx:
            await write.retry(tx, message_id, None, actor=office.owner)
    assert caught.value.code == "decide_first"
    async with office.db.begin(office.workspace) as tx:
        await write.retry(tx, message_id, "sent", actor=office.owner)
    assert await office.states(message_id) == ("accepted", "sent")
    with pytest.raises(Refused):
        async with office.db.begin(office.workspace) as tx:
            await write.retry(tx, message_id, "resend", actor=office.owner)
    await office.dispatch()
    assert driver.sent == []


async def test_or_has_it_sent_again(office: Office, time: Time) -> None:
    driver = Pretend("phone")
    message_id = await unanswered(office, driver)
    time.move(seconds=3)
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        await write.retry(tx, message_id, "resend", actor=office.owner)
    await office.dispatch()
    assert len(driver.sent) == 1
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_those_behind_an_unknown_one_wait_until_it_is_settled(office: Office, time: Time) -> None:
    driver = Pretend("phone")
    message_id = await unanswered(office, driver)
    await office.write((await office.message(message_id))["conversation_id"], "second")
    await dispatch.dispatch(office.resources)
    assert driver.sent == []
    time.move(seconds=3)
    await office.dispatch()
    assert [message.text for message in driver.sent] == ["second"]


class Unnameable(Pretend):
    """Cannot fix an id for a message that says so."""

    def name(self, key: str, account: Account, *, token: str | None) -> str:
        raise ValueError("there is no domain for ids")


async def test_a_message_that_cannot_be_built_is_not_in_the_way_of_others(office: Office, time: Time) -> None:
    mine, other = (
        await office.hear("hi", ANA),
        await office.hear("hi", BEN, inbox=await office.connect("line", "Second")),
    )
    bad = await office.write(mine["conversation_id"], "bad", inbox_id=office.line)
    good = await office.write(other["conversation_id"], "good")
    await office.execute("update inboxes set credentials = 'nonsense' where id = $1", office.line)
    await office.dispatch()
    assert await office.states(bad) == ("failed", "failed")
    assert await office.states(good) == ("accepted", "accepted")


async def test_nor_one_that_cannot_be_built_any_more_when_it_is_looked_up(office: Office, time: Time) -> None:
    message_id = await unanswered(office, Searchable("phone"))
    other = await office.hear("hi", BEN, inbox=await office.connect("line", "Second"))
    await office.execute("update inboxes set credentials = 'nonsense' where id = $1", office.line)
    good = await office.write(other["conversation_id"], "good")
    time.move(seconds=3)
    await office.dispatch()
    assert await office.states(message_id) == ("uncertain", "uncertain")
    assert await office.states(good) == ("accepted", "accepted")


async def test_nor_one_of_a_channel_that_is_gone(office: Office, time: Time) -> None:
    letter = await office.hear("hi", "ana@x.example", inbox=office.post)
    gone = await office.write(letter["conversation_id"], "letter")
    good = await office.write((await office.hear("hi"))["conversation_id"], "good")
    del office.registry["post"]
    await office.dispatch()
    assert await office.states(gone) == ("failed", "failed")
    assert await office.states(good) == ("accepted", "accepted")


async def test_nor_one_whose_id_cannot_be_fixed(office: Office) -> None:
    office.install(line(Unnameable("phone")))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    await office.dispatch()
    assert await office.states(message_id) == ("failed", "failed")
    assert "no domain" in (await office.message(message_id))["delivery_reason"]


async def test_a_slow_driver_keeps_its_lease(live_db: Database, office: Office) -> None:
    """Longer than a lease, but alive all the time: nobody else looks into it."""
    office.resources.settings = replace(office.resources.settings, lease=1.5)
    looked = asyncio.Event()

    async def slow(message: Outbound) -> Sent:
        await asyncio.sleep(4.0)
        return Sent(external_id="slow-1")

    office.driver().outcomes.append(slow)
    message_id = await office.write((await office.hear("hi"))["conversation_id"])

    async def others() -> None:
        while not looked.is_set():
            await asyncio.sleep(0.1)
            await dispatch.dispatch(office.resources)

    watching = asyncio.create_task(others())
    await dispatch.dispatch(office.resources)
    looked.set()
    await watching
    assert len(office.driver().sent) == 1
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_what_is_known_to_have_arrived_does_not_go_again(office: Office, time: Time) -> None:
    """However it came to be in the queue: the last look before it leaves is at what the provider has told."""
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    office.driver().outcomes = [TryLater("busy", after=5.0)]
    await office.dispatch()
    await office.execute("update messages set delivery = 'delivered' where id = $1", message_id)
    time.move(seconds=6)
    await office.dispatch()
    assert (office.driver().sent, await office.states(message_id)) == ([], ("accepted", "delivered"))
