"""What a visitor's open stream tells, and what the visitor's side tells the team."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from conversations.office import ANA, BEN
from frontdesk.app import desk as desks
from frontdesk.app.desk import LentDesk
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Address, ThreadItem, Whisper
from frontdesk.inboxes import queries as inboxes
from frontdesk.realtime.queries.hub import RESYNC, Hub
from realtime.site import WAIT, Site

VISITOR = Address(kind="phone", value=ANA)


class Visit:
    """The desk as a channel borrows it, and one visitor at it."""

    def __init__(self, site: Site, account: Account) -> None:
        self.site, self.account = site, account
        resources = site.office.resources
        self.desk = LentDesk("line", resources, site.hub, Intake(resources.db))

    @asynccontextmanager
    async def follow(self, after: int | None = None) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        """A stream that has begun to listen; call what this gives for what it tells next."""
        stream = self.desk.follow(self.account, VISITOR, after=await self.site.newest() if after is None else after)
        coming = asyncio.ensure_future(anext(stream))

        async def hear() -> Any:
            nonlocal coming
            async with asyncio.timeout(WAIT):
                told = await coming
            coming = asyncio.ensure_future(anext(stream))
            return told

        try:
            async with asyncio.timeout(WAIT):
                while not self.subscriptions and not coming.done():
                    await asyncio.sleep(0.01)
            yield hear
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    @property
    def subscriptions(self) -> set[Any]:
        feed = self.site.hub._feeds.get(self.account.workspace_id)
        return set(feed.subscriptions) if feed else set()


@pytest.fixture
async def visit(site: Site) -> Visit:
    office = site.office
    async with office.db.begin(office.workspace) as tx:
        row = (await inboxes.by_ids(tx, [office.line]))[office.line]
    return Visit(site, inboxes.account(office.resources.vault, office.resources.settings.url, row))


async def test_answers_typing_and_reading_are_told_as_they_happen(visit: Visit) -> None:
    office, site = visit.site.office, visit.site
    conversation = (await office.hear("hello"))["conversation_id"]
    other = (await office.hear("hello", BEN))["conversation_id"]
    async with visit.follow() as hear:
        for about in (other, conversation):
            for audience in ("team", "contact"):
                typing = {"on": True, "audience": audience}
                await site.call("POST", f"/conversations/{about}/typing", json=typing)
        assert await hear() == Whisper(sender=VISITOR, kind="typing", on=True)
        await site.call("POST", f"/conversations/{conversation}/read", json={})
        assert await hear() == Whisper(sender=VISITOR, kind="seen")
        await office.write(other, "not for you")
        await office.write(conversation, "Good morning")
        await office.dispatch()
        told = await hear()
        assert isinstance(told, ThreadItem)
        assert (told.text, told.mine, told.author) == ("Good morning", False, "Ana")
        assert told.cursor <= await site.newest()


async def test_a_visitor_whose_first_message_is_on_its_way_hears_who_types(visit: Visit) -> None:
    """The whisper overtakes the event by which the stream learns where its visitor is."""
    office, site = visit.site.office, visit.site
    other = (await office.hear("hello", BEN))["conversation_id"]
    async with visit.follow() as hear:
        typing = {"on": True, "audience": "contact"}
        await site.call("POST", f"/conversations/{other}/typing", json=typing)
        mine = (await office.hear("hello"))["conversation_id"]
        told = await hear()
        assert isinstance(told, ThreadItem)
        await site.call("POST", f"/conversations/{mine}/typing", json={**typing, "on": False})
        assert await hear() == Whisper(sender=VISITOR, kind="typing", on=False)


async def test_a_stream_with_nothing_to_tell_says_that_it_is_there(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "HEARTBEAT", 0.05)
    async with visit.follow() as hear:
        assert [await hear() for _ in range(2)] == [None, None]


async def test_a_stream_that_missed_something_ends_so_that_the_visitor_asks_again(visit: Visit) -> None:
    async with visit.follow() as hear:
        (subscription,) = visit.subscriptions
        subscription.put(RESYNC)
        with pytest.raises(LookupError, match="too far behind"):
            await hear()
    assert visit.subscriptions == set()
    await visit.site.office.hear("hello")
    await visit.site.office.execute("delete from events")
    async with visit.follow(after=0) as hear:
        with pytest.raises(LookupError, match="no longer reaches back"):
            await hear()


async def test_a_stream_ends_with_the_process(visit: Visit) -> None:
    resources = visit.site.office.resources
    own = Hub(resources, visit.site.hub._connect)
    visit.site.hub, visit.desk = own, LentDesk("line", resources, own, Intake(resources.db))
    stop = asyncio.Event()
    running = asyncio.create_task(own.run(stop))
    async with visit.follow() as hear:
        stop.set()
        await running
        with pytest.raises(StopAsyncIteration):
            await hear()


async def test_that_a_visitor_types_is_heard_by_the_team_and_nobody_else(visit: Visit) -> None:
    office = visit.site.office
    stream = await visit.site.stream()
    await visit.desk.whisper(visit.account, Whisper(sender=VISITOR, kind="typing"))  # has not written: nobody's
    conversation = (await office.hear("hello"))["conversation_id"]
    await visit.desk.whisper(visit.account, Whisper(sender=VISITOR, kind="typing", on=True))
    said = await stream.one("whisper")
    assert said == {"kind": "typing", "conversation_id": conversation, "user_id": None, "contact": True, "on": True}


async def test_somebody_is_online_who_has_the_app_open_here_or_elsewhere(visit: Visit) -> None:
    office = visit.site.office
    await office.execute("update sessions set seen_at = now() - interval '3 minutes'")
    assert not await visit.desk.online(visit.account)
    await office.execute("update sessions set seen_at = now() - interval '1 minute'")
    assert await visit.desk.online(visit.account), "in another process, a minute ago"
    stream = await visit.site.stream()
    await office.execute("update sessions set seen_at = now() - interval '3 minutes'")
    assert await visit.desk.online(visit.account)
    await stream.close()


async def test_files_of_an_answer_are_shown_with_it(visit: Visit) -> None:
    await visit.site.office.hear("see", files=[{"name": "a.txt", "content_type": "text/plain", "data": "hello"}])
    (item,), _ = await visit.desk.thread(visit.account, VISITOR)
    (file,) = item.files
    assert (file.name, file.content_type, file.size) == ("a.txt", "text/plain", 5)
    answer = await visit.site.browser.get(file.url)
    assert answer.content == b"hello"
