"""Inboxes over HTTP. Paths are relative to ``/api/v1``."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from msgspec import UNSET

from frontdesk import channels
from frontdesk.inboxes import actions, queries, schemas
from frontdesk.kit import paging
from frontdesk.kit.context import Context
from frontdesk.kit.errors import NotFound

TAGS = ["inboxes"]

REPLAYED_AT_ONCE = 1000

PathId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Limit = Annotated[int | None, QueryParameter(ge=1, le=paging.LIMIT)]
Cursor = Annotated[str | None, QueryParameter(max_length=1000)]

# An SVG can hold scripts; shown as an image it never runs them, and opened by itself it may not either.
ICON_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=86400",
}


@get("/channels", operation_id="listChannels", tags=TAGS)
async def list_channels(context: NamedDependency[Context]) -> list[schemas.ChannelOut]:
    """What can be connected, with everything that a form, a composer or a filter needs to know of it."""
    context.actor.require("inboxes:read")
    return [queries.channel_out(channel) for channel in channels.all_channels().values()]


@get("/channels/{name:str}/icon.svg", operation_id="getChannelIcon", tags=TAGS, sync_to_thread=False)
def get_channel_icon(name: FromPath[str]) -> Response[bytes]:
    return Response(queries.icon(name), media_type="image/svg+xml", headers=ICON_HEADERS)


@get("/inboxes", operation_id="listInboxes", tags=TAGS)
async def list_inboxes(context: NamedDependency[Context]) -> paging.Page[schemas.InboxOut]:
    async with context.begin("inboxes:read") as tx:
        rows = await queries.listing(tx)
    return paging.Page(items=[queries.out(row, context.resources.settings.url) for row in rows])


@post("/inboxes", operation_id="createInbox", status_code=201, tags=TAGS)
async def create_inbox(data: JSONBody[schemas.NewInbox], context: NamedDependency[Context]) -> schemas.InboxOut:
    async with context.begin("inboxes:write") as tx:
        row = await actions.create(
            tx, context.resources.vault, channel=data.channel, name=data.name, settings=data.settings, by=context.actor
        )
    return queries.out(row, context.resources.settings.url)


@get("/inboxes/{inbox_id:int}", operation_id="getInbox", tags=TAGS)
async def get_inbox(inbox_id: PathId, context: NamedDependency[Context]) -> schemas.InboxOut:
    async with context.begin("inboxes:read") as tx:
        row = await queries.get(tx, inbox_id)
    return queries.out(row, context.resources.settings.url)


@patch("/inboxes/{inbox_id:int}", operation_id="changeInbox", tags=TAGS)
async def change_inbox(
    inbox_id: PathId, data: JSONBody[schemas.InboxChange], context: NamedDependency[Context]
) -> schemas.InboxOut:
    async with context.begin("inboxes:write") as tx:
        row = await actions.change(
            tx,
            context.resources.vault,
            inbox_id,
            by=context.actor,
            name=None if data.name is UNSET else data.name,
            settings=None if data.settings is UNSET else data.settings,
            enabled=None if data.enabled is UNSET else data.enabled,
            rate_per_minute=data.rate_per_minute,
        )
    return queries.out(row, context.resources.settings.url)


@delete("/inboxes/{inbox_id:int}", operation_id="deleteInbox", status_code=204, tags=TAGS)
async def delete_inbox(inbox_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("inboxes:write") as tx:
        await actions.delete(tx, inbox_id, by=context.actor)


@post("/inboxes/{inbox_id:int}/test", operation_id="testInbox", status_code=200, tags=TAGS)
async def test_inbox(inbox_id: PathId, context: NamedDependency[Context]) -> schemas.Tested:
    """Connect and log in with the stored settings. Takes up to 20 seconds; a failure is an answer, not an error."""
    context.actor.require("inboxes:write")
    return await actions.try_out(context.resources, context.actor.workspace_id, inbox_id)


@get("/set-aside", operation_id="listSetAside", tags=TAGS)
async def list_set_aside(
    context: NamedDependency[Context], cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.SetAside]:
    async with context.begin("set_aside:write") as tx:
        return await queries.set_aside_listing(tx, cursor, limit)


@get("/set-aside/groups", operation_id="listSetAsideGroups", tags=TAGS)
async def list_set_aside_groups(context: NamedDependency[Context]) -> list[schemas.SetAsideGroup]:
    """How many deliveries are set aside, by channel and kind of error."""
    async with context.begin("set_aside:write") as tx:
        return await queries.set_aside_groups(tx)


@post("/set-aside/replay", operation_id="replayAllSetAside", status_code=200, tags=TAGS)
async def replay_all_set_aside(data: JSONBody[schemas.Which], context: NamedDependency[Context]) -> schemas.Replayed:
    """Read everything again that is set aside, or one channel's, or what failed in one way; at most 1000 at once.

    What is a message already is not made twice.
    """
    async with context.begin("set_aside:write") as tx:
        ids = await queries.set_aside_ids(tx, data.channel, data.reason, REPLAYED_AT_ONCE)
        return schemas.Replayed(replayed=await actions.replay(tx, ids, by=context.actor))


@get("/set-aside/{raw_id:int}", operation_id="getSetAside", tags=TAGS)
async def get_set_aside(raw_id: PathId, context: NamedDependency[Context]) -> schemas.SetAsideDetails:
    """A delivery as it came, without the proofs of who sent it."""
    async with context.begin("set_aside:write") as tx:
        return await queries.set_aside_details(tx, raw_id)


@post("/set-aside/{raw_id:int}/edit", operation_id="editSetAside", status_code=204, tags=TAGS)
async def edit_set_aside(raw_id: PathId, data: JSONBody[schemas.Edited], context: NamedDependency[Context]) -> None:
    """Read a corrected copy instead; the original is kept, out of sight."""
    async with context.begin("set_aside:write") as tx:
        if not await actions.replay_edited(tx, raw_id, data.text, by=context.actor):
            raise NotFound("This delivery")


@post("/set-aside/{raw_id:int}/replay", operation_id="replaySetAside", status_code=204, tags=TAGS)
async def replay_set_aside(raw_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("set_aside:write") as tx:
        if not await actions.replay(tx, [raw_id], by=context.actor):
            raise NotFound("This delivery")


@post("/set-aside/{raw_id:int}/discard", operation_id="discardSetAside", status_code=204, tags=TAGS)
async def discard_set_aside(
    raw_id: PathId, context: NamedDependency[Context], data: JSONBody[schemas.Discarding | None] = None
) -> None:
    """Put it out of sight; the audit keeps who did that, and why."""
    reason = data.reason if data else ""
    async with context.begin("set_aside:write") as tx:
        if not await actions.discard(tx, [raw_id], reason=reason, by=context.actor):
            raise NotFound("This delivery")


ROUTES = [
    list_channels,
    get_channel_icon,
    list_inboxes,
    create_inbox,
    get_inbox,
    change_inbox,
    delete_inbox,
    test_inbox,
    list_set_aside,
    list_set_aside_groups,
    replay_all_set_aside,
    get_set_aside,
    edit_set_aside,
    replay_set_aside,
    discard_set_aside,
]
