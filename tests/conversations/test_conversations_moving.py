"""Real connections, real commits: what a conversation, a message or a contact becomes while somebody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conftest import until_somebody_waits
from conversations.office import ANA, BEN, Office, open_office
from conversations.test_conversations_restricted import asking
from frontdesk.channels.port import Channel
from frontdesk.contacts import actions as contacts
from frontdesk.conversations.actions import change, join
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database, Tx

MAIL = "ana@x.example"


@pytest.fixture
async def live(live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


async def beside(live: Office, conversation_id: int, text: str = "on another matter") -> int:
    """Another conversation with the same contact, in which we said something."""
    contact = (await live.conversation(conversation_id))["contact_id"]
    async with live.db.begin(live.workspace) as tx:
        made, _ = await change.open_conversation(tx, contact, live.post, second=True, actor_id=None)
    await live.write(made, text, inbox_id=live.post)
    return made


async def counted(live: Office) -> dict[int, int]:
    """How many messages each conversation holds; each says the same of itself."""
    held = "select count(*) from messages m where m.conversation_id = c.id and m.direction <> 'activity'"
    rows = await live.fetch(f"select c.id, c.message_count, ({held}) as held from conversations c order by c.id")
    assert [row["message_count"] for row in rows] == [row["held"] for row in rows]
    return {row["id"]: row["held"] for row in rows}


@pytest.mark.parametrize("rival", ["merge", "move"])
async def test_a_message_that_is_moved_while_somebody_moves_it_is_counted_where_it_is(live: Office, rival: str) -> None:
    said = await live.hear("one", MAIL, inbox=live.post)
    first = said["conversation_id"]
    second, third = await beside(live, first), await beside(live, first)

    async def move() -> None:
        async with live.db.begin(live.workspace) as tx:
            await change.move_message(tx, said["id"], third, actor=live.owner)

    async with live.db.begin(live.workspace) as tx:
        if rival == "merge":
            await change.merge(tx, first, second, actor=live.owner)
        else:
            await change.move_message(tx, said["id"], second, actor=live.owner)
        late = asyncio.create_task(move())
        await until_somebody_waits(tx)
    with pytest.raises(Refused) as caught:
        await late
    assert caught.value.code == "try_again"
    assert await counted(live) == {first: 0, second: 2, third: 1}
    await move()
    assert await counted(live) == {first: 0, second: 1, third: 2}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("automatic", [False, True])
@pytest.mark.parametrize("names", ["answers", "token", "nothing"])
async def test_what_arrives_while_its_conversation_is_merged_stands_in_the_other_one(
    live: Office, names: str, automatic: bool, closed: bool
) -> None:
    said = await live.hear("one", MAIL, inbox=live.post)
    first = said["conversation_id"]
    second = await beside(live, first)
    async with live.db.begin(live.workspace) as tx:
        for conversation_id in (second, first) if closed else ():
            await change.change(tx, conversation_id, ConversationPatch(status="closed"), actor=live.owner)
    named = {"answers": {"answers": [said["external_id"]]}, "token": {"token": str(first)}}.get(names, {})
    answer = live.said("yes", MAIL, automatic=automatic, **named)
    await live.store(answer, inbox=live.post)
    async with live.db.begin(live.workspace) as tx:
        await change.merge(tx, first, second, actor=live.owner)
        reading = asyncio.create_task(live.ingest())
        await until_somebody_waits(tx)
    await reading
    assert (await live.message(external_id=answer["external_id"]))["conversation_id"] == second
    assert await counted(live) == {first: 0, second: 3}
    left, there = await live.conversation(first), await live.conversation(second)
    assert (left["status"], left["join_key"]) == ("closed", None)
    assert there["status"] == ("closed" if closed and automatic else "open")


async def test_what_arrives_while_one_is_opened_for_it_and_merged_stands_in_the_other_one(
    live: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened after the batch had looked for open ones, and being merged when the batch opens its own."""
    await live.execute("update workspaces set settings = '{\"reopen_days\": 0}'")
    before = (await live.hear("before", MAIL, inbox=live.post))["conversation_id"]
    second = await beside(live, before)
    contact = (await live.conversation(before))["contact_id"]
    async with live.db.begin(live.workspace) as tx:
        await change.change(tx, before, ConversationPatch(status="closed"), actor=live.owner)
    open_, batch, locked = join._open, asyncio.Event(), asyncio.Event()

    async def overtaken(tx: Tx, *rest: Any) -> Any:
        batch.set()
        await locked.wait()
        return await open_(tx, *rest)

    monkeypatch.setattr(join, "_open", overtaken)
    await live.store(live.said("yes", MAIL, external_id="yes"), inbox=live.post)
    reading = asyncio.create_task(live.ingest())
    await batch.wait()
    async with live.db.begin(live.workspace) as tx:
        first, _ = await change.open_conversation(tx, contact, live.post, second=False, actor_id=None)
    async with live.db.begin(live.workspace) as tx:
        for conversation_id in (second, first):
            await change.lock(tx, conversation_id, live.owner)
        locked.set()
        await until_somebody_waits(tx)
        await change.merge(tx, first, second, actor=live.owner)
    await reading
    assert (await live.message(external_id="yes"))["conversation_id"] == second
    assert await counted(live) == {before: 1, second: 2, first: 0}
    opened = [event["conversation_id"] for event in await live.events("ConversationOpened")]
    assert sorted(opened) == [before, second, first], "what was there already is not announced again"


async def test_nothing_is_opened_for_a_contact_that_is_merged_into_another_meanwhile(
    live: Office, client: httpx.AsyncClient
) -> None:
    talks = [(await live.hear("hello", who))["conversation_id"] for who in (ANA, BEN)]
    winner, loser = [(await live.conversation(talk))["contact_id"] for talk in talks]
    ask = await asking(live, client, live.owner.user_id, ["conversations:read", "conversations:write"])
    body = {"contact_id": loser, "inbox_id": live.line}
    async with live.db.begin(live.workspace) as tx:
        await contacts.merge(tx, loser, winner, live.owner.user_id)
        opening = asyncio.create_task(ask("POST", "/conversations", body))
        await until_somebody_waits(tx)
    answer = await opening
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text
    assert {row["contact_id"] for row in await live.fetch("select contact_id from conversations")} == {winner}


@pytest.mark.parametrize("again", [False, True])
async def test_what_is_written_to_a_contact_whose_conversation_is_merged_stands_in_the_other_one(
    live: Office, client: httpx.AsyncClient, again: bool
) -> None:
    """In the open one; or where the same was said before, when it is asked for again."""
    first = (await live.hear("one", MAIL, inbox=live.post))["conversation_id"]
    key = "7b0d7f1e-5f6b-4f6c-9f57-2f6f0a3b6c14"
    if again:
        await live.write(first, "hello", client_key=key)
    second = await beside(live, first)
    ask = await asking(live, client, live.owner.user_id, ["conversations:read", "conversations:write"])
    contact = (await live.conversation(first))["contact_id"]
    body = {"contact_id": contact, "inbox_id": live.post, "message": {"text": "hello"}}
    async with live.db.begin(live.workspace) as tx:
        for conversation_id in (first, second):
            await change.lock(tx, conversation_id, live.owner)
        writing = asyncio.create_task(ask("POST", "/conversations", body, key))
        await until_somebody_waits(tx)
        await change.merge(tx, first, second, actor=live.owner)
    answer = await writing
    assert (answer.status_code, answer.json().get("id")) == (201, second), answer.text
    assert await counted(live) == {first: 0, second: 3}
    assert (await live.conversation(first))["status"] == "closed"
