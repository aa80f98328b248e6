"""Machines whose clocks differ by ten minutes agree on leases, on what is due, and on who wrote first; and on who sends
what only one of them can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from conversations.office import Office
from conversations.pretend import Pretend, Searchable, line
from frontdesk.channels.port import Account, Outbound, Sent, Unknown
from frontdesk.conversations.actions import claims
from frontdesk.conversations.actions.accept import accepted
from frontdesk.conversations.handlers import dispatch
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.conversations.queries import sending
from frontdesk.kit import clock

AHEAD, BEHIND = timedelta(minutes=10), timedelta(minutes=-10)


@contextmanager
def machine(off: timedelta) -> Iterator[None]:
    """What happens in here happens on a machine whose clock is wrong by so much."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) + off)
        yield


@pytest.mark.parametrize(("one", "other"), [(AHEAD, BEHIND), (BEHIND, AHEAD)], ids=["ahead", "behind"])
async def test_a_claim_of_one_machine_is_left_alone_by_the_other(
    office: Office, one: timedelta, other: timedelta
) -> None:
    with machine(one):
        message_id = await office.write((await office.hear("hi"))["conversation_id"])
        async with office.db.begin(office.workspace) as tx:
            [(row, _)] = await sending.batch(tx, await claims.claim(tx, 20))
    with machine(other):
        await dispatch.dispatch(office.resources)
    assert (await office.states(message_id))[0] == "sending"
    with machine(one):
        async with office.db.begin(office.workspace) as tx:
            assert await accepted(tx, row, Sent(external_id="mine"))
    assert office.driver().sent == []


@pytest.mark.parametrize("worker", [AHEAD, BEHIND], ids=["ahead", "behind"])
async def test_what_one_machine_writes_another_sends_at_once(office: Office, worker: timedelta) -> None:
    with machine(-worker):
        await office.write((await office.hear("hi"))["conversation_id"], "now")
    with machine(worker):
        await dispatch.dispatch(office.resources)
    assert [message.text for message in office.driver().sent] == ["now"]


async def test_whoever_wrote_first_is_sent_first(office: Office) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    for number, off in enumerate((AHEAD, BEHIND, timedelta())):
        with machine(off):
            await office.write(conversation, f"{number}")
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["0", "1", "2"]


async def test_a_driver_is_told_of_its_last_attempt_by_its_own_machines_clock(office: Office) -> None:
    """Twilio's looks at how long ago that was, and calls what is not listed by then never taken."""
    asked: list[float] = []

    class Listening(Searchable):
        async def look_up(self, message: Outbound, account: Account) -> Sent | None:
            ago = clock.now() - datetime.fromisoformat(message.meta["attempted_at"])
            asked.append(ago.total_seconds())
            raise Unknown("It is not listed yet.")

    driver: Pretend = Listening("phone")
    office.install(line(driver))
    driver.outcomes.append(Unknown("No answer."))
    with machine(BEHIND):
        message_id = await office.write((await office.hear("hi"))["conversation_id"])
        await dispatch.dispatch(office.resources)
    async with office.db.begin(office.workspace) as tx:
        await tx.execute("update outbox set lease_until = now() where workspace_id = $1", office.workspace)
    with machine(AHEAD):
        await dispatch.dispatch(office.resources)
    assert [0 <= seconds < 60 for seconds in asked] == [True]
    assert (await office.states(message_id))[0] == "unknown"


class Bound(Pretend):
    """Sends over a connection that its listener keeps, here or elsewhere."""

    here = False

    def sends_here(self, account: Account) -> bool:
        return self.here


async def test_what_another_process_has_the_connection_for_is_left_to_it(office: Office) -> None:
    """Without a trace: this worker's look at it is no attempt. It looks no more for a moment, and the other may now."""
    driver = Bound("phone")
    office.install(line(driver))
    message_id = await office.write((await office.hear("hi"))["conversation_id"])
    ours = UnderWay()
    assert [await dispatch.dispatch(office.resources, ours) for _ in range(2)] == [1, 0]
    row = await office.outbox(message_id)
    assert (row["state"], row["attempts"], await office.history(message_id)) == ("queued", 0, [])
    assert (await office.message(message_id))["delivery"] == "queued"
    driver.here = True
    await office.dispatch()
    assert [message.attempt for message in driver.sent] == [1]
