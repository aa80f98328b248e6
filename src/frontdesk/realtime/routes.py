"""The event stream over HTTP (server-sent events, WHATWG HTML §9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from frontdesk.contacts import events as of_contacts
from frontdesk.conversations.queries import thread
from frontdesk.inboxes import events as of_inboxes
from frontdesk.kit import meters
from frontdesk.kit.context import Actor, Context
from frontdesk.kit.errors import Invalid, NotFound
from frontdesk.people import events as of_people
from frontdesk.realtime.queries import log
from frontdesk.realtime.queries.hub import CLOSED, RESYNC, Fresh, Hub, Spoken, Subscription, encode, freshened
from frontdesk.realtime.schemas import EventFrame

HEARTBEAT = 15.0  # seconds
ROOMS = ((of_contacts, "contacts:read"), (of_inboxes, "inboxes:read"), (of_people, "people:read"))
READ = {kind: permission for room, permission in ROOMS for kind in vars(room)}  # what it takes to hear of each event
MOVES = {"assignee_id", "team_id", "messages"}  # changes that may take a conversation away from somebody
_PAD = b": " + b" " * 2048 + b"\n\n"  # some proxies hold back the first bytes of an answer


@get(
    "/events",
    operation_id="streamEvents",
    tags=["events"],
    responses={
        200: ResponseSpec(
            data_container=EventFrame,
            generate_examples=False,
            description="A stream of events; each frame's data is one of these.",
            media_type="text/event-stream",
        )
    },
)
async def stream_events(
    context: NamedDependency[Context],
    request: Request[Any, Any, Any],
    hub: NamedDependency[Hub],
    after: Annotated[
        int | None, QueryParameter(ge=0, le=2**62, description="Everything after this event; absent: from now on.")
    ] = None,
) -> Stream:
    """What happens in the workspace and you may see, without a gap from ``after`` or ``Last-Event-ID`` on.

    ``event: resync`` says that the log no longer reaches back: load afresh. Whispers (typing, seen) have no id.
    """
    context.actor.require("conversations:read")
    last = request.headers.get("last-event-id") or ""
    if last and not (last.isascii() and last.isdigit() and len(last) < 19):
        raise Invalid("Last-Event-ID must be the id of an event.", code="bad_event_id")
    start = int(last) if last else after
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return Stream(_frames(context, hub, start), media_type="text/event-stream", headers=headers)


async def _frames(context: Context, hub: Hub, after: int | None) -> AsyncIterator[bytes]:
    actor = context.actor
    subscription = await hub.subscribe(actor.workspace_id, actor)
    try:
        yield _PAD
        if after is not None:
            async for frame in _missed(context, subscription, after):
                yield frame
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):  # no task of its own for each event, as wait_for would make
                    item = await subscription.queue.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if item is CLOSED:
                return
            if item is RESYNC:
                yield _resync(subscription.since)
            elif isinstance(item, Spoken):
                if await _hears(context, item):
                    yield b"event: whisper\ndata: " + encode(item.words) + b"\n\n"
            elif isinstance(item, Fresh) and (shown := _shown(actor, item)):
                yield shown
    finally:
        hub.unsubscribe(subscription)


async def _missed(context: Context, subscription: Subscription, after: int) -> AsyncIterator[bytes]:
    """What happened between ``after`` and the moment of subscribing."""
    actor, resources = context.actor, context.resources
    async with resources.db.begin(actor.workspace_id) as tx:
        complete = await log.reaches_back(tx, after)
    if not complete:
        yield _resync(subscription.since)
        return
    while after < subscription.since:
        async with resources.db.begin(actor.workspace_id) as tx:
            rows = await log.since(tx, after, subscription.since)
            found = await freshened(tx, resources, rows, restricted=not actor.sees_all)
        if not rows:
            return
        for fresh in found:
            if shown := _shown(actor, fresh):
                yield shown
        after = rows[-1]["seq"]


def _resync(seq: int) -> bytes:
    meters.stream_resyncs.inc()
    return f"id: {seq}\nevent: resync\ndata: {{}}\n\n".encode()


def _shown(actor: Actor, fresh: Fresh) -> bytes | None:
    """The event as this actor may see it. An event that they may not see still moves their cursor on."""
    row = fresh.row
    head = f"id: {row['seq']}\n".encode()
    if row["user_id"] is not None and row["user_id"] != actor.user_id:
        return head + b"event: nothing\ndata: {}\n\n"
    if not actor.may(READ.get(row["kind"], "conversations:read")):
        return head + b"event: nothing\ndata: {}\n\n"
    if not actor.sees_all and not all(_knows(actor, *concerned) for concerned in fresh.concerned):
        if not row["facts"].get("deleted"):
            return head + b"event: nothing\ndata: {}\n\n"
    elif not actor.sees_all and row["conversation_id"] is not None and not _concerns(actor, fresh):
        if not _leaves(fresh):
            return head + b"event: nothing\ndata: {}\n\n"
        hidden = encode(
            {
                "seq": row["seq"],
                "kind": "ConversationHidden",
                "at": row["at"],
                "conversation_id": row["conversation_id"],
            }
        )
        return head + b"event: ConversationHidden\ndata: " + hidden + b"\n\n"
    return head + f"event: {row['kind']}\n".encode() + b"data: " + fresh.data + b"\n\n"


def _leaves(fresh: Fresh) -> bool:
    """Whether a conversation that is not for somebody may have been until this event: then it must leave their screen.
    Of all others they hear nothing, not even that something happens there."""
    return fresh.frame.conversation is None or not MOVES.isdisjoint(fresh.row["facts"].get("changed", ()))


async def _hears(context: Context, spoken: Spoken) -> bool:
    """Whether this actor may see the conversation that is whispered about."""
    if context.actor.sees_all:
        return True
    try:
        async with context.resources.db.begin(context.actor.workspace_id) as tx:
            await thread.see(tx, context.actor, spoken.words["conversation_id"])
    except NotFound:
        return False
    return True


def _concerns(actor: Actor, fresh: Fresh) -> bool:
    """As the list has it: assigned to them, to a team of theirs, or somebody called them to it once."""
    conversation = fresh.frame.conversation
    mine = conversation is not None and (
        conversation.assignee_id == actor.user_id or conversation.team_id in actor.teams
    )
    return mine or actor.user_id in fresh.called


def _knows(actor: Actor, users: frozenset[int], teams: frozenset[int]) -> bool:
    """Whether a contact concerns the actor."""
    return actor.user_id in users or not teams.isdisjoint(actor.teams)


ROUTES = [stream_events]
