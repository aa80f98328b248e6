"""Comments never leave: whatever happens to a conversation, no driver is ever given what only the team may see."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

import asyncpg
import pytest

from conversations.office import Office
from conversations.pretend import line
from frontdesk import channels
from frontdesk.channels.port import Address, Channel, Outbound, Sent
from frontdesk.conversations.actions import change, send, write
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit.errors import Problem

EVERY = channels.all_channels()
SECRET = "only-for-the-team"


def addresses(kind: str, number: int) -> Address:
    """An address of a kind that may be any channel's."""
    return Address(kind=kind, value=f"+30210{number:07d}" if kind == "phone" else f"v{number}@x.example")


@pytest.mark.parametrize("name", sorted(EVERY))
@pytest.mark.parametrize("seed", range(3))
async def test_no_driver_is_ever_given_a_comment(
    office: Office, monkeypatch: pytest.MonkeyPatch, name: str, seed: int
) -> None:
    """The drivers that exist, with everything but the last step: what would be handed to the provider is looked at."""
    chance = random.Random(seed)
    real = EVERY[name]
    office.registry[name] = real
    handed: list[Outbound] = []

    async def hand_over(message: Outbound, account: Any) -> Sent:
        handed.append(message)
        return Sent(external_id=f"x-{message.key}")

    monkeypatch.setattr(real.driver, "send", hand_over)
    inbox = await plain_inbox(office, real)
    talks = [await talk(office, inbox, real, n) for n in range(3)]
    ours: list[str] = []
    for step in range(40):
        await anything(office, chance, talks, ours, f"{step}")
        if chance.random() < 0.3:
            await office.dispatch()
    await office.dispatch()
    told = repr([[getattr(message, field.name) for field in fields(message)] for message in handed])
    assert SECRET not in told
    assert {message.text for message in handed} <= set(ours)
    assert handed, await office.fetch("select delivery_reason from messages where delivery is not null")
    comments = await office.fetch("select * from messages where text like $1", f"%{SECRET}%")
    assert comments
    assert all(row["audience"] == "team" and row["inbox_id"] is None for row in comments)
    stray = "select count(*) from outbox o join messages m on m.id = o.message_id where m.audience <> 'contact'"
    assert await office.value(stray) == 0


async def plain_inbox(office: Office, channel: Channel) -> int:
    """An inbox whose settings nobody asks for: what it would connect to is not touched here."""
    inbox = await office.connect("line", "Any")
    given = {setting.name: "desk@harbour.example" for setting in channel.settings if setting.required}
    await office.execute("update inboxes set channel = $2, settings = $3 where id = $1", inbox, channel.name, given)
    return inbox


async def talk(office: Office, inbox: int, channel: Channel, number: int) -> int:
    """A conversation with one message from a contact whom this channel can write to."""
    address = addresses(channel.can.address_kinds[0], number)
    office.install(line())
    item = office.said("hello", {"kind": address.kind, "value": address.value})
    await office.deliver(item)
    row = await office.message(external_id=item["external_id"])
    await office.execute("update messages set inbox_id = $2 where id = $1", row["id"], inbox)
    found: int = row["conversation_id"]
    return found


async def anything(office: Office, chance: random.Random, talks: list[int], ours: list[str], mark: str) -> None:
    """One random thing that a user can do. Some are refused; that is no matter here."""
    here, there = chance.sample(talks, 2)
    said = await office.fetch("select id, audience from messages order by random() limit 1")
    try:
        async with office.db.begin(office.workspace) as tx:
            match chance.randrange(9):
                case 0 | 1 | 2:
                    words = f"{SECRET} {mark} @Robin"
                    await write.comment(tx, here, words, actor=office.owner, mentions=[office.owner.user_id])
                case 3 | 4:
                    ours.append(f"for the contact {mark}")
                    await office_send(office, tx, here, ours[-1])
                case 5:
                    await change.merge(tx, here, there, actor=office.owner)
                case 6:
                    await change.move_message(tx, said[0]["id"], there, actor=office.owner)
                case 7:
                    patch = ConversationPatch(status=chance.choice(["open", "closed", "snoozed"]))  # type: ignore[arg-type]
                    await change.change(tx, here, patch, actor=office.owner)
                case _:
                    await write.retry(tx, said[0]["id"], None, actor=office.owner)
    except Problem:
        return


async def office_send(office: Office, tx: Any, conversation: int, text: str) -> None:
    answered = await tx.fetchval(
        "select id from messages where conversation_id = $1 order by random() limit 1", conversation
    )
    await send(tx, conversation, text, author_id=office.owner.user_id, author_name="Robin", answers=answered)


@pytest.mark.parametrize(
    "column",
    ["inbox_id = {inbox}", "point_id = {point}", "external_id = 'x'", "delivery = 'queued'", "audience = 'all'"],
)
async def test_the_database_refuses_a_comment_with_a_way_out(office: Office, column: str) -> None:
    first = await office.hear("hi")
    async with office.db.begin(office.workspace) as tx:
        comment = await write.comment(tx, first["conversation_id"], SECRET, actor=office.owner)
    change_it = "update messages set " + column.format(inbox=office.line, point=first["point_id"]) + " where id = $1"
    with pytest.raises(asyncpg.CheckViolationError):
        await office.execute(change_it, comment)


async def test_the_database_refuses_a_message_to_a_contact_whose_fate_nobody_follows(office: Office) -> None:
    first = await office.hear("hi")
    message_id = await office.write(first["conversation_id"])
    with pytest.raises(asyncpg.CheckViolationError):
        await office.execute("update messages set delivery = null where id = $1", message_id)


async def test_nothing_that_sends_or_changes_messages_takes_a_comment(office: Office) -> None:
    first = await office.hear("hi")
    async with office.db.begin(office.workspace) as tx:
        comment = await write.comment(tx, first["conversation_id"], SECRET, actor=office.owner)
    for act in (
        lambda tx: write.retry(tx, comment, None, actor=office.owner),
        lambda tx: write.retry(tx, comment, "resend", actor=office.owner),
        lambda tx: write.send_now(tx, comment, actor=office.owner),
        lambda tx: write.cancel(tx, comment, actor=office.owner),
        lambda tx: write.reschedule(tx, comment, text="out", actor=office.owner),
    ):
        with pytest.raises(Problem):
            async with office.db.begin(office.workspace) as tx:
                await act(tx)
    assert await office.value("select count(*) from outbox") == 0


async def test_a_mention_of_somebody_who_is_not_here_mentions_nobody(office: Office, other_workspace: int) -> None:
    async with office.db.begin(other_workspace) as tx:
        stranger = await tx.fetchval(
            "insert into users (workspace_id, email, name, role) values ($1, 's@x.example', 'S', 'owner') returning id",
            other_workspace,
        )
    first = await office.hear("hi")
    everybody = [stranger, 10**12, -1, office.owner.user_id] * 3
    async with office.db.begin(office.workspace) as tx:
        comment = await write.comment(tx, first["conversation_id"], "@all", actor=office.owner, mentions=everybody)
    assert (await office.message(comment))["mentions"] == [office.owner.user_id]
