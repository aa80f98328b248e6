"""What was to go out later, and could not: sent by hand, it is counted and shown once, like any other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.office import Office, Time
from frontdesk.conversations.actions import write


@pytest.mark.parametrize("hindrance", ["late", "off", "opted out"])
async def test_a_held_message_is_the_last_word_once_it_leaves(office: Office, time: Time, hindrance: str) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    message_id = await office.write(talk, "later", due_at=time.now + timedelta(hours=1))
    undo = {
        "off": ("update inboxes set enabled = {}", "false", "true"),
        "opted out": ("update contact_points set opted_out_at = {}", "now()", "null"),
    }.get(hindrance)
    if undo:
        await office.execute(undo[0].format(undo[1]))
    time.move(hours=3 if hindrance == "late" else 1)
    await office.dispatch()
    assert (await office.outbox(message_id))["state"] in ("held", "failed")
    before = await office.conversation(talk)
    assert (before["message_count"], before["last_preview"]) == (1, "hello")
    if undo:
        await office.execute(undo[0].format(undo[2]))
    time.move(minutes=5)
    async with office.db.begin(office.workspace) as tx:
        await write.retry(tx, message_id, None, actor=office.owner)
    await office.dispatch()
    assert [one.text for one in office.driver().sent] == ["later"]
    after, message = await office.conversation(talk), await office.message(message_id)
    assert (after["message_count"], after["last_message_id"], after["last_preview"]) == (2, message_id, "later")
    assert (after["waiting_since"], after["last_at"], message["at"]) == (None, time.now, time.now)
