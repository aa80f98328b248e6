"""The list and what people do with a conversation."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from frontdesk.channels.port import Address
from frontdesk.contacts import actions as contacts
from frontdesk.contacts import queries as known
from frontdesk.conversations import schemas
from frontdesk.conversations.actions import change, send, write
from frontdesk.conversations.queries import listing, snapshots, thread
from frontdesk.conversations.routes.params import ClientKey, Cursor, Limit, PathId, QueryId, key_of
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import paging
from frontdesk.kit.context import Context
from frontdesk.kit.errors import Invalid
from frontdesk.kit.transaction import Tx

TAGS = ["conversations"]
READ, WRITE = "conversations:read", "conversations:write"
Words = Annotated[str | None, QueryParameter(max_length=200)]


@get("/conversations", operation_id="listConversations", tags=TAGS)
async def list_conversations(
    context: NamedDependency[Context],
    view: FromQuery[listing.View] = "all",
    channel: Words = None,
    inbox_id: QueryId = None,
    assignee_id: QueryId = None,
    team_id: QueryId = None,
    label_id: QueryId = None,
    contact_id: QueryId = None,
    q: Words = None,
    cursor: Cursor = None,
    limit: Limit = None,
) -> paging.Page[schemas.Conversation]:
    """One page of a view, newest activity first."""
    filters = listing.Filters(
        channel=channel,
        inbox_id=inbox_id,
        assignee_id=assignee_id,
        team_id=team_id,
        label_id=label_id,
        contact_id=contact_id,
        q=q,
    )
    async with context.look(READ) as tx:
        return await listing.listing(tx, context.actor, view, filters, cursor=cursor, limit=limit)


@get("/conversations/counts", operation_id="countConversations", tags=TAGS)
async def count_conversations(context: NamedDependency[Context]) -> schemas.Counts:
    async with context.look(READ) as tx:
        return await listing.counts(tx, context.actor)


@get("/contacts/{contact_id:int}/conversations", operation_id="listContactConversations", tags=TAGS)
async def list_contact_conversations(
    context: NamedDependency[Context], contact_id: PathId, cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.Conversation]:
    """Every conversation with one contact, closed ones too."""
    async with context.look(READ) as tx:
        filters = listing.Filters(contact_id=contact_id)
        return await listing.listing(tx, context.actor, "any", filters, cursor=cursor, limit=limit)


@post("/conversations", operation_id="openConversation", status_code=201, tags=TAGS)
async def open_conversation(
    context: NamedDependency[Context], data: JSONBody[schemas.ConversationIn], client_key: ClientKey = None
) -> schemas.Conversation:
    """Open a conversation with a contact or an address; with ``message`` it says something at once."""
    actor, key = context.actor, key_of(client_key)
    async with context.begin(WRITE) as tx:
        contact_id, point_id = await _whom(tx, context, data)
        conversation_id = await change.open_for(
            tx, contact_id, data.inbox_id, second=data.second, client_key=key, actor=actor
        )
        if data.message:
            said = data.message
            await send(
                tx, conversation_id, said.text, author_id=actor.user_id, author_name=actor.name, inbox_id=data.inbox_id,
                point_id=said.point_id or point_id, html=said.html, subject=said.subject, cc=said.cc, bcc=said.bcc,
                files=said.files, due_at=said.due_at, client_key=key,
            )  # fmt: skip
    async with context.begin(WRITE) as tx:
        return (await snapshots.conversations(tx, [conversation_id], user_id=actor.user_id))[conversation_id]


async def _whom(tx: Tx, context: Context, data: schemas.ConversationIn) -> tuple[int, int | None]:
    """The contact, and the address if one was given."""
    inbox = await inboxes.get(tx, data.inbox_id)
    if data.to is not None:
        account = inboxes.account(context.resources.vault, context.resources.settings.url, inbox)
        address = contacts.normalise(data.to.kind, data.to.value, account=account, channel_name=inbox["channel"])
        named = Address(kind=address.kind, value=address.value, scope=address.scope, name=data.to.name)
        found = (await contacts.find_or_create(tx, [named]))[named.kind, named.scope, named.value]
        return found.contact_id, found.point_id
    if data.contact_id is None:
        raise Invalid("Say whom to write to.", fields={"contact_id": "a contact or an address is needed"})
    await contacts.must_exist(tx, data.contact_id)
    await known.must_see(tx, context.actor, data.contact_id)
    return data.contact_id, None


@get("/conversations/{conversation_id:int}", operation_id="getConversation", tags=TAGS)
async def get_conversation(context: NamedDependency[Context], conversation_id: PathId) -> schemas.Conversation:
    async with context.look(READ) as tx:
        return await thread.see(tx, context.actor, conversation_id)


@patch("/conversations/{conversation_id:int}", operation_id="changeConversation", tags=TAGS)
async def change_conversation(
    context: NamedDependency[Context], conversation_id: PathId, data: JSONBody[schemas.ConversationPatch]
) -> schemas.Conversation:
    """Assign, close, snooze, rename. A null clears."""
    async with context.begin(WRITE) as tx:
        await change.change(tx, conversation_id, data, actor=context.actor)
        return (await snapshots.conversations(tx, [conversation_id], user_id=context.actor.user_id))[conversation_id]


@post("/conversations/{conversation_id:int}/read", operation_id="markRead", status_code=204, tags=TAGS)
async def mark_read(context: NamedDependency[Context], conversation_id: PathId, data: JSONBody[schemas.Read]) -> None:
    async with context.begin(WRITE) as tx:
        await change.mark_read(tx, conversation_id, data.count, actor=context.actor)


@post("/conversations/{conversation_id:int}/unread", operation_id="markUnread", status_code=204, tags=TAGS)
async def mark_unread(context: NamedDependency[Context], conversation_id: PathId) -> None:
    async with context.begin(WRITE) as tx:
        await change.mark_unread(tx, conversation_id, actor=context.actor)


@put("/conversations/{conversation_id:int}/star", operation_id="starConversation", status_code=204, tags=TAGS)
async def star(context: NamedDependency[Context], conversation_id: PathId) -> None:
    async with context.begin(WRITE) as tx:
        await change.star(tx, conversation_id, on=True, actor=context.actor)


@delete("/conversations/{conversation_id:int}/star", operation_id="unstarConversation", status_code=204, tags=TAGS)
async def unstar(context: NamedDependency[Context], conversation_id: PathId) -> None:
    async with context.begin(WRITE) as tx:
        await change.star(tx, conversation_id, on=False, actor=context.actor)


@put("/conversations/{conversation_id:int}/labels/{label_id:int}", operation_id="addLabel", status_code=204, tags=TAGS)
async def add_label(context: NamedDependency[Context], conversation_id: PathId, label_id: PathId) -> None:
    async with context.begin(WRITE) as tx:
        await change.label(tx, conversation_id, label_id, on=True, actor=context.actor)


@delete(
    "/conversations/{conversation_id:int}/labels/{label_id:int}", operation_id="removeLabel", status_code=204, tags=TAGS
)
async def remove_label(context: NamedDependency[Context], conversation_id: PathId, label_id: PathId) -> None:
    async with context.begin(WRITE) as tx:
        await change.label(tx, conversation_id, label_id, on=False, actor=context.actor)


@post("/conversations/{conversation_id:int}/merge", operation_id="mergeConversation", status_code=200, tags=TAGS)
async def merge_conversation(
    context: NamedDependency[Context], conversation_id: PathId, data: JSONBody[schemas.Into]
) -> schemas.Conversation:
    """Move everything into another conversation; answers with that one."""
    async with context.begin(WRITE) as tx:
        await change.merge(tx, conversation_id, data.into, actor=context.actor)
        return (await snapshots.conversations(tx, [data.into], user_id=context.actor.user_id))[data.into]


@get("/conversations/{conversation_id:int}/routes", operation_id="listRoutes", tags=TAGS)
async def list_routes(context: NamedDependency[Context], conversation_id: PathId) -> list[schemas.Route]:
    """The ways in which the contact can be written to now, and what stands against each."""
    async with context.look(READ) as tx:
        found = await thread.see(tx, context.actor, conversation_id)
        return await thread.routes(tx, conversation_id, found.contact.id)


@get("/conversations/{conversation_id:int}/draft", operation_id="getDrafts", tags=TAGS)
async def get_drafts(context: NamedDependency[Context], conversation_id: PathId) -> list[schemas.Draft]:
    async with context.look(READ) as tx:
        await thread.see(tx, context.actor, conversation_id)
        return await thread.drafts(tx, context.actor, conversation_id)


@put("/conversations/{conversation_id:int}/draft", operation_id="keepDraft", status_code=204, tags=TAGS)
async def keep_draft(context: NamedDependency[Context], conversation_id: PathId, data: JSONBody[schemas.Draft]) -> None:
    async with context.begin(WRITE) as tx:
        await write.keep_draft(tx, conversation_id, data.mode, data.body, actor=context.actor)


@post("/conversations/{conversation_id:int}/typing", operation_id="sayTyping", status_code=204, tags=TAGS)
async def say_typing(
    context: NamedDependency[Context], conversation_id: PathId, data: JSONBody[schemas.Typing]
) -> None:
    """A whisper to whoever has the conversation open; never stored."""
    async with context.begin(WRITE) as tx:
        await thread.see(tx, context.actor, conversation_id)
        tx.whisper(
            kind="typing",
            conversation_id=conversation_id,
            user_id=context.actor.user_id,
            contact=False,
            on=data.on,
            audience=data.audience,
        )


ROUTES = [
    list_conversations, count_conversations, list_contact_conversations, open_conversation, get_conversation,
    change_conversation, mark_read, mark_unread, star, unstar, add_label, remove_label, merge_conversation, list_routes,
    get_drafts, keep_draft, say_typing,
]  # fmt: skip
