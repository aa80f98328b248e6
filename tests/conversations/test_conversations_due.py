"""What waits for its time: sent at it, changed or cancelled before it, and asked about when it is late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.office import ANA, Office, Time
from conversations.pretend import Pretend, line
from frontdesk.conversations.actions import change, outbox, write
from frontdesk.inboxes import actions as inboxes
from frontdesk.inboxes.actions import health
from frontdesk.kit.errors import Refused


async def talk(office: Office, sender: str = ANA, **more: object) -> int:
    found: int = (await office.hear("hi", sender, **more))["conversation_id"]  # type: ignore[arg-type]
    return found


async def test_a_scheduled_message_goes_at_its_time_and_stands_there(office: Office, time: Time) -> None:
    conversation = await talk(office)
    message_id = await office.write(conversation, "reminder", due_at=time.now.replace(hour=10))
    before = await office.conversation(conversation)
    assert (before["last_preview"], before["message_count"]) == ("hi", 1)
    time.move(minutes=59, seconds=59)
    await office.dispatch()
    assert office.driver().sent == []
    time.move(seconds=1)
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["reminder"]
    row, after = await office.message(message_id), await office.conversation(conversation)
    assert (row["at"], row["due_at"]) == (time.now, None)
    assert (after["last_preview"], after["message_count"]) == ("reminder", 2)


@pytest.mark.parametrize(("late", "goes"), [(59, True), (61, False)])
async def test_due_while_nobody_was_there(office: Office, time: Time, late: int, goes: bool) -> None:
    """It goes once; more than an hour late it waits for a person, who can send it after all."""
    message_id = await office.write(await talk(office), "reminder", due_at=time.now.replace(hour=10))
    time.move(hours=1, minutes=late)
    await office.dispatch()
    assert len(office.driver().sent) == goes
    if not goes:
        assert await office.states(message_id) == ("held", "held")
        assert (await office.message(message_id))["delivery_code"] == "late"
        async with office.db.begin(office.workspace) as tx:
            assert await outbox.release_held(tx, office.line) == 0
            await write.send_now(tx, message_id, actor=office.owner)
        await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["reminder"]
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_what_was_held_for_its_inbox_and_became_late_asks_too(office: Office, time: Time) -> None:
    message_id = await office.write(await talk(office), "reminder", due_at=time.now.replace(hour=10))
    await office.execute("update inboxes set health = 'off' where id = $1", office.line)
    time.move(hours=1)
    await office.dispatch()
    assert (await office.message(message_id))["delivery_code"] == "inbox_disconnected"
    time.move(hours=5)
    async with office.db.begin(office.workspace) as tx:
        await inboxes.note_health(tx, office.line, "ok")
        await outbox.release_held(tx, office.line)
    await office.dispatch()
    assert office.driver().sent == []
    assert (await office.message(message_id))["delivery_code"] == "late"


async def test_the_rules_are_asked_again_at_the_moment_of_sending(office: Office, time: Time) -> None:
    office.install(line(Pretend("phone"), reply_window=timedelta(hours=24)))
    message_id = await office.write(await talk(office), "reminder", due_at=time.now + timedelta(hours=30))
    time.move(hours=30)
    await office.dispatch()
    assert office.driver().sent == []
    assert await office.states(message_id) == ("failed", "failed")
    assert (await office.message(message_id))["delivery_code"] == "window_closed"


async def test_words_and_time_can_change_until_it_leaves(office: Office, time: Time) -> None:
    message_id = await office.write(await talk(office), "reminder", due_at=time.now.replace(hour=10))
    async with office.db.begin(office.workspace) as tx:
        await write.reschedule(tx, message_id, text="better", due_at=time.now.replace(hour=11), actor=office.owner)
    time.move(hours=1)
    await office.dispatch()
    assert office.driver().sent == []
    time.move(hours=1)
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["better"]
    with pytest.raises(Refused) as caught:
        async with office.db.begin(office.workspace) as tx:
            await write.reschedule(tx, message_id, text="too late", actor=office.owner)
    assert caught.value.code == "too_late"


async def test_a_moved_message_waits_in_its_new_conversation(office: Office, time: Time) -> None:
    first = await talk(office)
    contact = (await office.conversation(first))["contact_id"]
    async with office.db.begin(office.workspace) as tx:
        beside, _ = await change.open_conversation(tx, contact, office.line, second=True, actor_id=None)
    message_id = await office.write(first, "reminder", due_at=time.now.replace(hour=10))
    async with office.db.begin(office.workspace) as tx:
        await change.move_message(tx, message_id, beside, actor=office.owner)
    time.move(hours=1)
    await office.dispatch()
    assert office.driver().sent[0].token == str(beside)
    assert (await office.conversation(beside))["last_preview"] == "reminder"


@pytest.mark.parametrize(("broken", "well"), [("sending", "listening"), ("listening", "sending")])
async def test_what_one_side_cannot_do_the_other_does_not_make_good(
    office: Office, broken: health.Side, well: health.Side
) -> None:
    """A wrong password for sending beside a mailbox that can be read: it needs a person until a test says otherwise."""

    async def note(state: str, note: str, by: health.Side) -> str:
        async with office.db.begin(office.workspace) as tx:
            await health.note_health(tx, office.line, state, note, by=by)
            return str(
                await tx.fetchval("select health || ': ' || health_note from inboxes where id = $1", office.line)
            )

    assert await note("off", "The password is wrong.", broken) == "off: The password is wrong."
    assert await note("attention", "Busy.", well) == "off: The password is wrong."
    assert await note("ok", "", well) == "off: The password is wrong."
    assert await note("off", "So is the other one.", well) == "off: So is the other one."
    assert await note("ok", "", well) == "ok: "
    assert await note("off", "The password is wrong.", broken) == "off: The password is wrong."
    assert await note("ok", "", "") == "ok: "
    assert await note("attention", "Busy.", well) == "attention: Busy."
    assert await note("ok", "", broken) == "ok: "
