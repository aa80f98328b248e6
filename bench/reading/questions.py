"""What people ask of a workspace all day, as the API asks it: views, filters, deep cursors, threads, counts, words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from frontdesk.contacts import queries as contacts
from frontdesk.conversations.queries import listing, thread
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Tx
from frontdesk.people.rules import PERMISSIONS

Ask = Callable[[Tx], Awaitable[Any]]
WORDS = (
    "the", "thanks", "dentist", "delivery cafe", "dentist tomorrow", "a", "ba", "den", "cro", "crobali", "zimsha",
    "firtonke", "thanks crobali", "ref2", "nosuchword", "mo ka", "2100",
)  # fmt: skip
"""From what every message has to what none has; whole words and beginnings of words; names and numbers."""
NAMES = (None, "a", "an", "sha", "croli", "%", "2100", "21000012", "example.com", "nosuchname")


@dataclass(frozen=True)
class Question:
    """``group`` is what a gate speaks of: lists, counts, thread, search, contacts."""

    group: str
    name: str
    ask: Ask


@dataclass(frozen=True)
class Cast:
    """Who and what the questions are about; see data.sql."""

    reader: Actor  # read two of three
    zero: Actor  # read everything that is open
    restricted: Actor  # sees what concerns them
    labels: list[int]
    inboxes: list[int]
    teams: list[int]
    users: list[int]
    contact: int
    short: int  # a conversation of few messages
    long: int  # one of the longest


async def cast_of(tx: Tx) -> Cast:
    async def ids(table: str, more: str = "") -> list[int]:
        return [
            row["id"]
            for row in await tx.fetch(
                f"select id from {table} where workspace_id = $1 {more} order by id", tx.workspace_id
            )
        ]

    users, teams = await ids("users", "and email like 'user%'"), await ids("teams")
    reader = Actor(
        workspace_id=tx.workspace_id, user_id=users[0], name="", role="user", permissions=PERMISSIONS["owner"]
    )
    theirs = await tx.fetch(
        "select team_id from team_members where workspace_id = $1 and user_id = $2", tx.workspace_id, users[18]
    )
    newest = "select {} from conversations where workspace_id = $1 and status = 'open' order by {} desc limit 1"
    return Cast(
        reader=reader, zero=replace(reader, user_id=users[1]),
        restricted=replace(
            reader, user_id=users[18], sees_all=False, teams=frozenset(row["team_id"] for row in theirs)
        ),
        labels=await ids("labels"), inboxes=await ids("inboxes", "and name like 'Inbox %'"), teams=teams, users=users,
        contact=await tx.fetchval(newest.format("contact_id", "id"), tx.workspace_id),
        short=await tx.fetchval(newest.format("id", "id"), tx.workspace_id),
        long=await tx.fetchval(newest.format("id", "message_count"), tx.workspace_id),
    )  # fmt: skip


async def questions(tx: Tx, cast: Cast) -> list[Question]:
    """All of them, for the workspace of ``tx``."""
    found = [Question("lists", name, ask) for name, ask in (await _lists(tx, cast)).items()]
    found += [
        Question("counts", "counts", partial(_counts, cast.reader)),
        Question("counts", "counts, restricted user", partial(_counts, cast.restricted)),
        Question("all read", "unread, where all is read", partial(_list, cast.zero, "unread", listing.Filters(), None)),
        Question("all read", "counts, where all is read", partial(_counts, cast.zero)),
        Question("thread", "long thread", partial(_thread, cast.reader, cast.long)),
        Question("thread", "short thread", partial(_thread, cast.reader, cast.short)),
        Question("thread", "ways to answer, long thread", partial(_ways, cast.long)),
        Question("thread", "scheduled", partial(_scheduled, cast.reader)),
    ]
    for words in WORDS:
        any_status = partial(_list, cast.reader, "any", listing.Filters(q=words), None)
        found.append(Question("search", words, any_status))
    found.append(
        Question("search", "dentist, open", partial(_list, cast.reader, "all", listing.Filters(q="dentist"), None))
    )
    found.append(
        Question(
            "search", "thanks, restricted", partial(_list, cast.restricted, "any", listing.Filters(q="thanks"), None)
        )
    )
    found += [Question("contacts", name or "all", partial(_contacts, cast.reader, name)) for name in NAMES]
    return found


async def _lists(tx: Tx, cast: Cast) -> dict[str, Ask]:
    filters: dict[str, listing.Filters] = {"": listing.Filters()}
    for name, values in {
        "label_id": [cast.labels[n] for n in (0, 7, 15)], "inbox_id": [cast.inboxes[0], cast.inboxes[-1]],
        "assignee_id": [cast.users[0], cast.users[-1]], "team_id": [cast.teams[0], cast.teams[-1]],
        "channel": ["sms"], "contact_id": [cast.contact],
    }.items():  # fmt: skip
        frequent = ("frequent", "seldom", "rare") if len(values) > 1 else ("",)
        filters |= {
            f"{name} {how}": listing.Filters(**{name: value}) for how, value in zip(frequent, values, strict=False)
        }
    found: dict[str, Ask] = {}
    for view in ("unread", "mine", "unassigned", "starred", "all", "snoozed", "closed", "any"):
        for name, chosen in filters.items():
            found[f"{view} {name}".strip()] = partial(_list, cast.reader, view, chosen, None)
        found[f"{view}, restricted user"] = partial(_list, cast.restricted, view, listing.Filters(), None)
        for title, actor in (("deep", cast.reader), ("restricted user, deep", cast.restricted)):
            if cursor := await _middle(tx, actor, view):
                found[f"{view}, {title}"] = partial(_list, actor, view, listing.Filters(), cursor)
    for label in (0, 15):
        if cursor := await _middle(tx, cast.reader, "closed"):
            chosen = listing.Filters(label_id=cast.labels[label])
            found[f"closed label {label}, deep"] = partial(_list, cast.reader, "closed", chosen, cursor)
    found["all, four filters"] = partial(
        _list, cast.reader, "all",
        listing.Filters(channel="sms", assignee_id=cast.users[0], label_id=cast.labels[0], team_id=cast.teams[0]), None,
    )  # fmt: skip
    return found


async def _middle(tx: Tx, actor: Actor, view: listing.View) -> str | None:
    """A cursor far down: half the way from the newest to the oldest of a view."""
    first = await listing.listing(tx, actor, view, listing.Filters())
    if first.next is None or first.items[0].last is None:
        return None
    oldest = await tx.fetchval(
        "select min(last_at) from conversations where workspace_id = $1 and status = any($2)",
        tx.workspace_id,
        list(listing._STATUSES[view]),
    )
    newest = first.items[0].last.at
    return paging.encode(newest - max((newest - oldest) / 2, timedelta(0)), 2**62)


async def _list(actor: Actor, view: listing.View, filters: listing.Filters, cursor: str | None, tx: Tx) -> Any:
    return await listing.listing(tx, actor, view, filters, cursor=cursor)


async def _counts(actor: Actor, tx: Tx) -> Any:
    return await listing.counts(tx, actor)


async def _thread(actor: Actor, conversation_id: int, tx: Tx) -> Any:
    await thread.see(tx, actor, conversation_id)
    return await thread.thread(tx, conversation_id, _link)


async def _ways(conversation_id: int, tx: Tx) -> Any:
    contact = await tx.fetchval(
        "select contact_id from conversations where workspace_id = $1 and id = $2", tx.workspace_id, conversation_id
    )
    return await thread.routes(tx, conversation_id, contact)


async def _scheduled(actor: Actor, tx: Tx) -> Any:
    return await thread.scheduled(tx, actor, _link, cursor=None, limit=None)


async def _contacts(actor: Actor, text: str | None, tx: Tx) -> Any:
    return await contacts.search(tx, actor, text)


def _link(workspace_id: int, digest: str, name: str, content_type: str) -> str:
    return f"/files/{digest}"
