"""Where something is due, and taking it, however much else is due."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from conversations.office import ANA, BEN, Office, Time
from frontdesk.channels.port import TryLater
from frontdesk.conversations.actions import claims


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


async def test_what_has_been_due_longest_is_taken_first_whichever_inbox_it_leaves_by(office: Office) -> None:
    """Of many inboxes no more than asked for."""
    chance, written = Random(7), []
    for number in range(12):
        inbox = chance.choice([office.line, office.post])
        sender = f"+30210555{number:04d}" if inbox == office.line else f"c{number}@x.example"
        conversation = (await office.hear("hi", sender, inbox=inbox))["conversation_id"]
        written.append(await office.write(conversation))
    order = [(await office.outbox(message_id))["id"] for message_id in written]
    async with office.db.begin(office.workspace) as tx:
        for place in (0, 5):
            taken = {row["outbox_id"] for row in await claims.claim(tx, 5)}
            assert taken == set(order[place : place + 5])
