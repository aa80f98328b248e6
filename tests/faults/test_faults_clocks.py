"""Clocks that jump: nothing is sent twice, lost, or kept for a time that nobody meant, and nobody is shut out."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import httpx
import pytest

from conversations.office import Office, Time, office, registry, time
from conversations.pretend import Searchable, line
from frontdesk.channels.port import TryLater
from frontdesk.conversations.actions import claims
from frontdesk.conversations.handlers import clocks
from frontdesk.people.actions import ATTEMPTS
from frontdesk.people.actions.passwords import PER_IP

__all__ = ["office", "registry", "time"]
JUMPS = [timedelta(minutes=10), timedelta(minutes=-10), timedelta(days=1), timedelta(days=-1)]
NAMES = ["ten minutes ahead", "ten minutes back", "a day ahead", "a day back"]


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is never set: a second passes between two looks at it."""
    seconds = itertools.count()
    monkeypatch.setattr(clocks, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


class Minder:
    """The worker's loops, once round."""

    def __init__(self, office: Office) -> None:
        self._office, self._set_back = office, clocks.SetBack()

    async def look(self) -> int:
        return await self._set_back.look(self._office.resources)

    async def __call__(self) -> None:
        await clocks.end_snoozes(self._office.resources)
        await self.look()
        await clocks.release(self._office.resources)
        await self._office.dispatch()


@pytest.fixture
async def mind(office: Office, ticks: None) -> Minder:
    made = Minder(office)
    await made()
    return made


def sent(office: Office) -> list[str]:
    return sorted(message.text for message in office.driver().sent)


@pytest.mark.parametrize("jump", JUMPS, ids=NAMES)
async def test_messages_across_a_jump_and_back(office: Office, time: Time, mind: Minder, jump: timedelta) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    start = time.now
    await office.write(talk, "before")
    tomorrow = await office.write(talk, "in thirty hours", due_at=start + timedelta(hours=30))
    await mind()
    time.now += jump
    await office.write((await office.hear("hi", "+302102222222"))["conversation_id"], "meanwhile")
    await mind()
    time.now -= jump
    await mind()
    assert sent(office) == ["before", "meanwhile"]
    time.now = start + timedelta(hours=29, minutes=59)
    await mind()
    assert (await office.states(tomorrow))[0] == "queued"
    time.now = start + timedelta(hours=30, seconds=1)
    await mind()
    await mind()
    assert sent(office) == ["before", "in thirty hours", "meanwhile"]


async def test_what_was_put_off_while_the_clock_was_ahead_does_not_wait_for_a_day(
    office: Office, time: Time, mind: Minder
) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    time.move(days=1)
    office.driver().outcomes = [TryLater("The provider is busy.")]
    put_off = await office.write(talk, "first")
    await mind()
    await office.write(talk, "second")
    assert sent(office) == []
    time.move(days=-1)
    await mind()
    assert (await office.outbox(put_off))["due_at"] <= time.now
    time.move(seconds=1)
    await mind()
    assert sent(office) == ["first", "second"]
    assert [message.text for message in office.driver().sent] == ["first", "second"]


async def test_a_restart_after_the_jump_looks_at_once(office: Office, time: Time, ticks: None) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    time.move(days=1)
    await office.write(talk, "written tomorrow")
    time.move(days=-1)
    await Minder(office)()
    assert sent(office) == ["written tomorrow"]


async def test_a_lease_of_a_dead_process_does_not_last_for_a_day(office: Office, time: Time, mind: Minder) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    time.move(days=1)
    message = await office.write(talk, "claimed tomorrow")
    async with office.db.begin(office.workspace) as tx:
        assert await claims.claim(tx, 20)
    assert await mind.look() == 0
    time.move(days=-1)
    assert await mind.look() == 1
    time.move(seconds=1)
    await mind()
    assert (await office.outbox(message))["state"] == "uncertain"  # this provider cannot be asked: a person is


async def test_what_is_under_way_stays_before_what_was_written_after_it(
    office: Office, time: Time, mind: Minder
) -> None:
    office.install(line(driver := Searchable("phone")))
    talk = (await office.hear("hello"))["conversation_id"]
    time.move(days=1)
    await office.write(talk, "first")
    async with office.db.begin(office.workspace) as tx:
        assert await claims.claim(tx, 20)
    await office.write(talk, "second")
    await mind.look()
    time.move(days=-1)
    for _ in range(3):
        await mind()
        time.move(seconds=1)
    assert [message.text for message in driver.sent] == ["first", "second"]


async def test_what_was_written_a_moment_after_a_worker_looked_is_left_alone(
    office: Office, time: Time, ticks: None
) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    time.move(seconds=1)
    message = await office.write(talk, "just now")
    due = (await office.outbox(message))["due_at"]
    time.move(seconds=-1)
    assert await Minder(office).look() == 0
    assert (await office.outbox(message))["due_at"] == due


async def test_a_time_that_people_chose_stays(office: Office, time: Time, mind: Minder) -> None:
    talk = (await office.hear("hello"))["conversation_id"]
    chosen = time.now + timedelta(days=2)
    message = await office.write(talk, "chosen", due_at=chosen)
    time.move(days=1)
    await mind()
    time.move(days=-1)
    await mind()
    assert (await office.outbox(message))["due_at"] == chosen
    assert (await office.message(message))["due_at"] == chosen


@pytest.mark.parametrize("zone", ["Europe/Athens", "America/New_York", "Australia/Lord_Howe"])
async def test_a_message_for_a_time_around_the_end_of_summer_leaves_once_and_then(
    office: Office, time: Time, mind: Minder, zone: str
) -> None:
    """Times are kept in UTC: the hour that a zone has twice, and the one that it leaves out, are no hours here."""
    talk = (await office.hear("hello"))["conversation_id"]
    time.now = datetime(2027, 3, 1, tzinfo=UTC)
    dues = []
    for month, day in ((3, 14), (3, 28), (4, 4), (10, 3), (10, 31), (11, 7)):
        for fold in (0, 1):
            due = datetime(2027, month, day, 2, 30, tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
            dues.append(due)
            await office.write(talk, due.isoformat(), due_at=due)
    for due in sorted(set(dues)):
        time.now = due - timedelta(seconds=1)
        await mind()
        before = len(office.driver().sent)
        time.now = due + timedelta(seconds=1)
        await mind()
        fresh = office.driver().sent[before:]
        assert [one.text for one in fresh] == [due.isoformat()] * dues.count(due)


@pytest.mark.parametrize("jump", JUMPS, ids=NAMES)
async def test_nobody_is_signed_out_or_shut_out(signed_in: httpx.AsyncClient, time: Time, jump: timedelta) -> None:
    made = await signed_in.post("/api/v1/tokens", json={"name": "a program", "scopes": ["conversations:read"]})
    token = {"Authorization": f"Bearer {made.json()['token']}", "Cookie": ""}
    for _ in range(2):
        time.now += jump
        assert (await signed_in.get("/api/v1/me")).status_code == 200
        assert (await signed_in.get("/api/v1/conversations", headers=token)).status_code == 200
        jump = -jump


@pytest.mark.parametrize("jump", JUMPS, ids=NAMES)
def test_a_limit_on_attempts_is_over_within_a_minute(time: Time, jump: timedelta) -> None:
    def attempt() -> float:
        try:
            ATTEMPTS.count("ip", "192.0.2.1", PER_IP)
        except Exception as refused:
            return float(getattr(refused, "retry_after", 0))
        return 0.0

    time.now += jump
    while not attempt():
        pass
    time.now -= jump
    assert attempt() <= 60
    time.move(seconds=61)
    assert attempt() == 0
