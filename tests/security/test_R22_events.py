"""R22: events to those who may not have them: of hidden conversations, of other rooms, of others, after the end."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace
from typing import Any

import pytest

from conftest import add_user
from conversations.office import ANA, BEN, Office, open_office
from frontdesk.app.desk import LentDesk
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Address
from frontdesk.contacts import actions as outside
from frontdesk.contacts import events as of_contacts
from frontdesk.conversations import events as of_conversations
from frontdesk.conversations.actions import change, write
from frontdesk.conversations.queries import listing
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.inboxes import events as of_inboxes
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit.context import Actor, Context
from frontdesk.kit.events import Event
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people
from frontdesk.people import events as of_people
from frontdesk.realtime import routes
from frontdesk.realtime.queries import hub as hubs
from frontdesk.realtime.queries import log
from frontdesk.realtime.queries.hub import CLOSED, RESYNC, Hub, Spoken

ROOMS = (of_contacts, of_conversations, of_inboxes, of_people)


def _kinds(*rooms: Any) -> set[str]:
    return {
        name for room in rooms for name, kind in vars(room).items()
        if inspect.isclass(kind) and issubclass(kind, Event) and kind is not Event
    }  # fmt: skip


async def told(office: Office, actor: Actor, after: int = 0) -> list[tuple[str, str | None]]:
    """(kind, what the actor gets) of every event in the log."""
    async with office.db.begin(office.workspace) as tx:
        rows = await log.since(tx, after)
        found = await hubs.freshened(tx, office.resources, rows, restricted=not actor.sees_all)
    shown = []
    for fresh in found:
        text = (routes._shown(actor, fresh) or b"").decode()
        shown.append((fresh.row["kind"], None if "event: nothing" in text else text))
    return shown


async def restricted(office: Office) -> Actor:
    ben = await add_user(office.db, office.workspace, role="user", email="ben@x.example", name="Ben")
    await office.execute("update users set only_assigned = true where id = $1", ben.user_id)
    return replace(ben, sees_all=False)


async def a_busy_day(office: Office, ben: Actor) -> dict[str, int]:
    """Four conversations: nobody's, Ben's, his team's, and one he was called to."""
    talks = {}
    for name, sender in (("nobodys", ANA), ("his", BEN), ("teams", "+30210333"), ("called", "+30210444")):
        talks[name] = (await office.hear(f"{name} first", sender))["conversation_id"]
    async with office.db.begin(office.workspace) as tx:
        team = await people.create_team(tx, name="T", member_ids=[ben.user_id], by=office.owner)
        for name, patch in (("his", {"assignee_id": ben.user_id}), ("teams", {"team_id": team.id})):
            await change.change(tx, talks[name], ConversationPatch(**patch), actor=office.owner)
        await write.comment(tx, talks["called"], "called look", actor=office.owner, mentions=[ben.user_id])
    for name, sender in (("nobodys", ANA), ("his", BEN), ("teams", "+30210333"), ("called", "+30210444")):
        await office.hear(f"{name} second", sender)
        message = await office.write(talks[name], f"{name} answer")
        await office.dispatch()
        assert message
    return talks | {"team": team.id}


async def test_the_stream_tells_of_a_conversation_exactly_when_it_can_be_opened(office: Office) -> None:
    """The rule stands in SQL for reading and in Python for events: the two say the same, for each kind of reason."""
    ben = await restricted(office)
    talks = await a_busy_day(office, ben)
    ben = replace(ben, teams=frozenset({talks.pop("team")}))
    shown = "".join(text or "" for _, text in await told(office, ben))
    async with office.db.begin(office.workspace) as tx:
        for name, talk in talks.items():
            may = await listing.one(tx, ben, talk) is not None
            assert (f"{name} second" in shown) is (f"{name} answer" in shown) is may, name
    assert "nobodys" not in shown


async def test_of_a_hidden_contact_not_even_its_number_is_told(office: Office) -> None:
    ben = await restricted(office)
    talks = await a_busy_day(office, ben)
    ben = replace(ben, teams=frozenset({talks.pop("team")}))
    contacts = {name: (await office.conversation(talk))["contact_id"] for name, talk in talks.items()}
    before = await office.value("select max(seq) from events")
    async with office.db.begin(office.workspace) as tx:
        for contact in contacts.values():
            await outside.change_contact(tx, contact, by=office.owner, note=f"note of {contact}")
        await outside.suggest(tx, contacts["his"], {contacts["teams"]: "both seen"})
        await outside.suggest(tx, contacts["his"], {contacts["nobodys"]: "one hidden"})
    heard = "".join(text or "" for _, text in await told(office, ben, before))
    assert [name for name, contact in contacts.items() if f"note of {contact}" in heard] == ["his", "teams", "called"]
    assert heard.count("SuggestionMade") == 2, "once as the frame's kind, once in its data: of one suggestion"
    assert f":{contacts['nobodys']}," not in heard
    async with office.db.begin(office.workspace) as tx:
        await outside.merge(tx, contacts["called"], contacts["his"], office.owner.user_id)
        made = await outside.create_contact(tx, name="Never heard of", addresses=[], by=office.owner)
        await outside.delete_contact(tx, made, by=office.owner)
    kinds = [kind for kind, text in await told(office, ben, before) if text]
    assert "ContactsMerged" in kinds, "the screen shows the one that stays"
    assert '"deleted":true' in "".join(text or "" for _, text in await told(office, ben, before))


async def test_of_a_hidden_conversation_not_even_the_facts_are_told(office: Office) -> None:
    """Neither ids nor codes nor reasons: only that it left, when it did."""
    ben = await restricted(office)
    hidden = (await office.hear("secret"))["conversation_id"]
    before = await office.value("select max(seq) from events")
    message = await office.write(hidden, "answer")
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        await change.label(tx, hidden, await write.create_label(tx, "Urgent", "#112233", actor_id=1), on=True,
                           actor=office.owner)  # fmt: skip
        await change.change(tx, hidden, ConversationPatch(status="closed"), actor=office.owner)
    heard = [(kind, text) for kind, text in await told(office, ben, before) if text and "conversation_id" in text]
    assert heard == []
    assert message
    async with office.db.begin(office.workspace) as tx:
        await change.change(tx, hidden, ConversationPatch(assignee_id=office.owner.user_id), actor=office.owner)
    (left,) = [text for kind, text in await told(office, ben, before) if text and "conversation_id" in text]
    assert '"kind":"ConversationHidden"' in left
    assert not any(word in left for word in ("facts", "assignee", "actor_id", "contact"))


@pytest.mark.parametrize(
    ("room", "permission"),
    [(of_contacts, "contacts:read"), (of_inboxes, "inboxes:read"), (of_people, "people:read")],
    ids=["contacts", "inboxes", "people"],
)
def test_every_event_of_a_room_needs_the_rooms_permission(room: Any, permission: str) -> None:
    kinds = _kinds(room)
    assert kinds
    for kind in kinds:
        assert routes.READ[kind] == permission


def test_every_event_belongs_to_a_room() -> None:
    assert _kinds(*ROOMS) == {
        kind.__name__ for kind in Event.__subclasses__() if kind.__module__.startswith("frontdesk")
    }
    assert not _kinds(of_conversations) & set(routes.READ)


async def test_a_token_hears_nothing_of_rooms_that_it_may_not_read(office: Office) -> None:
    program = Actor(workspace_id=office.workspace, user_id=office.owner.user_id, name="", role="owner",
                    permissions=frozenset({"conversations:read"}))  # fmt: skip
    await office.hear("hello", {"value": ANA, "name": "Ana Secret"})
    async with office.db.begin(office.workspace) as tx:
        await people.create_team(tx, name="Team Secret", member_ids=[], by=office.owner)
    heard = await told(office, program)
    for kind, text in heard:
        assert (text is None) is (kind in _kinds(of_contacts, of_inboxes, of_people)), kind
    assert "Team Secret" not in "".join(text or "" for _, text in heard)


async def test_what_is_personal_goes_to_one(office: Office) -> None:
    ben = await add_user(office.db, office.workspace, role="admin", email="ben@x.example")
    talk = (await office.hear("hello"))["conversation_id"]
    before = await office.value("select max(seq) from events")
    async with office.db.begin(office.workspace) as tx:
        await change.star(tx, talk, on=True, actor=office.owner)
    assert [text for _, text in await told(office, ben, before)] == [None]
    assert [kind for kind, text in await told(office, office.owner, before) if text] == ["ReadStateChanged"]


async def test_whispers_follow_the_same_rule(office: Office) -> None:
    ben = await restricted(office)
    talks = await a_busy_day(office, ben)
    ben = replace(ben, teams=frozenset({talks.pop("team")}))
    context = Context(resources=office.resources, actor=ben)
    for name, talk in talks.items():
        assert await routes._hears(context, Spoken({"conversation_id": talk})) is (name != "nobodys"), name


async def test_an_event_reaches_only_its_own_workspace(office: Office, other_workspace: int, db: Database) -> None:
    boss = await add_user(db, other_workspace)
    theirs = await open_office(office.resources, boss, office.registry)
    hub = Hub(office.resources, lambda: None)  # type: ignore[arg-type, return-value]
    mine, other = await hub.subscribe(office.workspace, office.owner), await hub.subscribe(other_workspace, boss)
    await theirs.hear("secret of the hill")
    for workspace in (office.workspace, other_workspace):
        await hub._read(workspace)
    hub._whisper(f'{{"workspace_id": {other_workspace}, "kind": "typing", "conversation_id": 1}}')
    assert mine.queue.empty()
    assert not other.queue.empty()


@pytest.mark.parametrize("end", ["deactivated", "signed out", "role", "restricted", "team"])
async def test_whoever_subscribes_while_it_ends_is_let_go(
    office: Office, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race: the request was let in, then the right ended, then the stream began."""
    monkeypatch.setattr(hubs, "CHECK_EVERY", 0.01)
    user = await add_user(office.db, office.workspace, role="user", email="u@x.example")
    session = await office.value(
        "insert into sessions (workspace_id, user_id, token_hash, csrf, expires_at)"
        " values ($1, $2, 'x', 'y', now() + interval '9 days') returning id", office.workspace, user.user_id,
    )  # fmt: skip
    let_in = replace(user, session_id=session)
    async with office.db.begin(office.workspace) as tx:
        match end:
            case "team":
                await people.create_team(tx, name="T", member_ids=[user.user_id], by=office.owner)
            case "signed out":
                await tx.execute("delete from sessions where id = $1", session)
            case _:
                wanted = {"deactivated": {"active": False}, "role": {"role": "admin"},
                          "restricted": {"only_assigned": True}}[end]  # fmt: skip
                await people.change_user(tx, user.user_id, by=office.owner, **wanted)  # type: ignore[arg-type]
    hub = Hub(office.resources, lambda: None)  # type: ignore[arg-type, return-value]
    subscription = await hub.subscribe(office.workspace, let_in)
    checking = asyncio.create_task(hub._check())
    async with asyncio.timeout(30):
        item = await subscription.queue.get()
        while item is RESYNC:
            item = await subscription.queue.get()
    checking.cancel()
    assert item is CLOSED


async def test_a_visitors_stream_has_neither_comments_nor_others(office: Office) -> None:
    talk = (await office.hear("mine", ANA))["conversation_id"]
    await office.hear("another's", BEN)
    async with office.db.begin(office.workspace) as tx:
        await write.comment(tx, talk, "between us", actor=office.owner, mentions=[])
        row = await inboxes.get(tx, office.line)
    hub = Hub(office.resources, lambda: None)  # type: ignore[arg-type, return-value]
    desk = LentDesk("line", office.resources, hub, Intake(office.db))
    account = inboxes.account(office.resources.vault, office.resources.settings.url, row)
    await office.write(talk, "later", due_at=(await office.value("select now() + interval '1 day'")))
    following, texts = desk.follow(account, Address(kind="phone", value=ANA), after=0), []
    try:
        async with asyncio.timeout(0.5):
            async for item in following:
                texts.append(getattr(item, "text", None))
    except TimeoutError:
        pass
    await following.aclose()  # type: ignore[attr-defined]
    assert texts == ["mine"]
