"""What a visitor's open stream costs, and what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.office import ANA, BEN, Office
from frontdesk.app.desk import LentDesk, _Visitor
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Address, ThreadItem, Whisper
from frontdesk.conversations.actions import change
from frontdesk.inboxes import queries as inboxes
from frontdesk.realtime.queries import log
from frontdesk.realtime.queries.hub import Fresh, Hub

VISITOR = Address(kind="phone", value=ANA)


def lend(office: Office) -> LentDesk:
    resources = office.resources
    hub = Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]
    return LentDesk("line", resources, hub, Intake(resources.db))


async def account(office: Office) -> Account:
    async with office.db.begin(office.workspace) as tx:
        row = (await inboxes.by_ids(tx, [office.line]))[office.line]
    return inboxes.account(office.resources.vault, office.resources.settings.url, row)


async def test_who_does_not_read_on_holds_no_connection(office: Office) -> None:
    await office.hear("one")
    await office.hear("two")
    following = lend(office).follow(await account(office), VISITOR, after=0)
    first = await anext(following)
    assert await office.value("select count(*) from messages") == 2, "the only connection is free between two items"
    assert getattr(first, "text", None) == "one"
    assert getattr(await anext(following), "text", None) == "two"
    await following.aclose()  # type: ignore[attr-defined]


class Open:
    """A visitor's open stream: what it tells, and how many transactions that takes."""

    def __init__(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        self.office, self.begun = office, 0
        self._patch = monkeypatch

    async def follow(self) -> None:
        office = self.office
        self.desk = lend(office)
        self.visitor = _Visitor(await account(office), VISITOR)
        async with office.db.begin(office.workspace) as tx:
            await self.visitor.learn(tx)
            await self.visitor.learn_read(tx)
            self.seq = await log.newest(tx)

    async def hear(self) -> list[ThreadItem | Whisper]:
        """What the events since the last call tell; ``begun`` counts the transactions that it took."""
        office = self.office
        async with office.db.begin(office.workspace) as tx:
            rows = await log.since(tx, self.seq)
            frames = await log.dress(tx, office.resources, rows)
        self.seq = rows[-1]["seq"] if rows else self.seq
        begin, self.begun = office.db.begin, 0

        def counted(workspace_id: int) -> Any:
            self.begun += 1
            return begin(workspace_id)

        with self._patch.context() as patch:
            patch.setattr(office.db, "begin", counted)
            return [
                news
                for row, frame in zip(rows, frames, strict=True)
                async for news in self.desk._live(self.visitor, Fresh(row, frame, b""))
            ]


async def test_other_peoples_events_cost_a_stream_no_query(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.hear("mine")
    stream = Open(office, monkeypatch)
    await stream.follow()
    for n in range(3):
        await office.hear(f"theirs {n}", BEN)
    assert (await stream.hear(), stream.begun) == ([], 0)
    await office.hear("mine again")
    assert [getattr(news, "text", None) for news in await stream.hear()] == ["mine again"]


async def test_a_visitor_who_has_not_written_yet_asks_once_for_each_stranger(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Open(office, monkeypatch)
    await stream.follow()
    for n in range(3):
        await office.hear(f"theirs {n}", BEN)
    assert (await stream.hear(), stream.begun) == ([], 1)
    await office.hear("the first of mine")
    assert [getattr(news, "text", None) for news in await stream.hear()] == ["the first of mine"]


async def test_seen_is_said_only_when_somebody_read_further(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = (await office.hear("hello"))["conversation_id"]
    stream = Open(office, monkeypatch)
    await stream.follow()

    async def does(action: Any) -> list[str]:
        async with office.db.begin(office.workspace) as tx:
            await action(tx)
        return [news.kind for news in await stream.hear() if isinstance(news, Whisper)]

    owner = office.owner
    assert await does(lambda tx: change.star(tx, conversation, on=True, actor=owner)) == []
    assert await does(lambda tx: change.mark_read(tx, conversation, None, actor=owner)) == ["seen"]
    assert await does(lambda tx: change.star(tx, conversation, on=False, actor=owner)) == []
    assert await does(lambda tx: change.mark_unread(tx, conversation, actor=owner)) == []
    assert await does(lambda tx: change.mark_read(tx, conversation, None, actor=owner)) == []
    await office.hear("and more")
    assert await does(lambda tx: change.mark_read(tx, conversation, None, actor=owner)) == ["seen"]
