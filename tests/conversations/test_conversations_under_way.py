"""A slow provider delays its own inbox and nobody else's; an inbox that has sent its share waits out of the way."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace

import pytest

from conversations.office import Office, Time
from conversations.pretend import Pretend, Searchable, line, post
from frontdesk.channels.port import Account, Outbound, Sent
from frontdesk.conversations.handlers import dispatch, under_way
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.kit.transaction import Database


class Hanging(Pretend):
    """Answers nothing until it is let go."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.asked = 0
        self.free = asyncio.Event()

    async def send(self, message: Outbound, account: Account) -> Sent:
        self.asked += 1
        await self.free.wait()
        return await super().send(message, account)


async def letters(office: Office, count: int) -> list[int]:
    """Answers to as many people, from the post's inbox."""
    heard = [await office.hear("hi", f"p{n}@x.example", inbox=office.post) for n in range(count)]
    return [await office.write(row["conversation_id"], "letter") for row in heard]


async def rounds(office: Office, here: UnderWay) -> None:
    """As the worker does it: until nothing can be claimed."""
    while await dispatch.dispatch(office.resources, here):
        await asyncio.sleep(0)


async def accepted(office: Office, message_id: int) -> None:
    async with asyncio.timeout(60):
        while (await office.outbox(message_id))["state"] != "accepted":
            await asyncio.sleep(0.01)


async def test_an_inbox_that_hangs_does_not_stop_another(
    office: Office, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BATCH", 4)
    monkeypatch.setattr(under_way, "BUSY", 3)
    slow, rang = Hanging("email"), asyncio.Event()
    office.install(post(slow))
    stuck = await letters(office, 9)
    time.move(seconds=1)
    beside = await office.write((await office.hear("hi"))["conversation_id"], "beside")
    here = UnderWay(rang.set)
    async with asyncio.timeout(60):
        await rounds(office, here)
    await accepted(office, beside)
    assert slow.asked == 4, "it got as much as one round claims, and then no more"
    assert [(await office.outbox(one))["state"] for one in stuck] == ["sending"] * 4 + ["queued"] * 5
    rang.clear()
    slow.free.set()
    await asyncio.wait_for(rang.wait(), 5)
    await here.settled()
    await rounds(office, here)
    await here.settled()
    await rounds(office, here)
    await here.settled()
    assert [(await office.outbox(one))["state"] for one in stuck] == ["accepted"] * 9
    assert here.rows(office.workspace) == here.busy(office.workspace) == []


async def test_a_look_up_that_hangs_stops_nothing_and_is_not_begun_twice(office: Office, time: Time) -> None:
    class Slow(Searchable):
        async def look_up(self, message: Outbound, account: Account) -> Sent | None:
            self.asked += 1
            await asyncio.Event().wait()
            return None

    driver, here = Slow("phone"), UnderWay()
    driver.outcomes.append(TimeoutError())
    office.install(line(driver))
    lost = await office.write((await office.hear("hi"))["conversation_id"], "lost")
    await dispatch.dispatch(office.resources)
    time.move(seconds=3)
    office.resources.settings = replace(office.resources.settings, send_timeout=1.0)
    other = await office.write((await office.hear("hi", "+302102222223"))["conversation_id"], "other")
    async with asyncio.timeout(60):
        await rounds(office, here)
        await accepted(office, other)
        time.move(seconds=60)  # the lease of the look-up is over, the look-up is not
        await rounds(office, here)
    assert driver.asked == 1
    await here.settled()
    row = await office.outbox(lost)
    assert row["state"] == "unknown"
    assert row["lease_until"] > time.now, "what the look-up said was written down: nobody had taken the row from it"


async def test_a_slow_sending_of_this_process_keeps_its_lease(live_db: Database, office: Office) -> None:
    office.resources.settings = replace(office.resources.settings, lease=1.2)
    slow, here = Hanging("email"), UnderWay()
    office.install(post(slow))
    [message_id] = await letters(office, 1)
    await dispatch.dispatch(office.resources, here)
    first = (await office.outbox(message_id))["lease_until"]
    async with asyncio.timeout(60):
        while (await office.outbox(message_id))["lease_until"] == first:
            await asyncio.sleep(0.02)
    slow.free.set()
    await here.settled()
    assert await office.states(message_id) == ("accepted", "accepted")
    assert slow.asked == 1


async def test_a_process_that_wakes_up_late_does_not_write_what_it_was_about_to(
    live_db: Database, office: Office
) -> None:
    """It was stopped while it made the connection; the first that it does when it wakes up is to go on with that."""
    office.resources.settings = replace(office.resources.settings, lease=0.5)
    written: list[bytes] = []

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        written.append(await reader.read())
        writer.close()

    async def sends(message: Outbound) -> Sent:
        loop = asyncio.get_running_loop()
        with socket.socket() as line:
            line.setblocking(False)
            loop.call_soon(time.sleep, 0.6)  # nothing runs, as after SIGSTOP
            await loop.sock_connect(line, ("127.0.0.1", port))
            line.send(b"send this")
        return Sent(external_id="late-1")

    async with await asyncio.start_server(provider, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        office.driver().outcomes.append(sends)
        late = await office.write((await office.hear("hi"))["conversation_id"])
        await dispatch.dispatch(office.resources)
        async with asyncio.timeout(60):
            while not written:
                await asyncio.sleep(0.01)
    assert written == [b""], "a connection was made, and nothing said"
    assert await office.states(late) != ("accepted", "accepted")


async def test_what_an_inbox_may_not_send_yet_is_not_in_the_way_of_others(
    office: Office, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "BATCH", 3)
    await office.execute("update inboxes set rate_per_minute = 2 where id = $1", office.post)
    many = await letters(office, 12)
    await office.dispatch()
    assert len(office.driver("post").sent) == 2
    time.move(seconds=31)  # whoever was put back is due again, and the minute is not over
    beside = await office.write((await office.hear("hi"))["conversation_id"], "beside")
    assert await dispatch.dispatch(office.resources) == 1
    assert (await office.outbox(beside))["state"] == "accepted"
    for _ in range(20):
        time.move(seconds=31)
        await office.dispatch()
    assert [(await office.outbox(one))["state"] for one in many] == ["accepted"] * 12
