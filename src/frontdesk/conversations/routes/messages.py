"""Reading and writing messages, files, and the fate of what was sent."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from frontdesk.channels import channel
from frontdesk.channels.port import Normalises
from frontdesk.contacts import actions as contacts
from frontdesk.contacts.actions import Found
from frontdesk.conversations import schemas
from frontdesk.conversations.actions import change, forward, keep_file, send, write
from frontdesk.conversations.queries import documents, snapshots, thread
from frontdesk.conversations.routes.params import ClientKey, Cursor, Limit, PathId, key_of
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import downloads, paging
from frontdesk.kit.context import Context
from frontdesk.kit.errors import Invalid, TooLarge
from frontdesk.kit.transaction import Row, Tx

TAGS = ["messages"]
READ, WRITE = "conversations:read", "conversations:write"


@get("/conversations/{conversation_id:int}/messages", operation_id="listMessages", tags=TAGS)
async def list_messages(
    context: NamedDependency[Context],
    conversation_id: PathId,
    before: Cursor = None,
    after: Cursor = None,
    limit: Limit = None,
) -> paging.Page[schemas.Message]:
    """A page of the thread, oldest first; ``next`` is the cursor for older ones (``before``)."""
    async with context.look(READ) as tx:
        await thread.see(tx, context.actor, conversation_id)
        return await thread.thread(
            tx, conversation_id, context.resources.file_url, before=before, after=after, limit=limit
        )


@post("/conversations/{conversation_id:int}/messages", operation_id="sendMessage", status_code=201, tags=TAGS)
async def send_message(
    context: NamedDependency[Context],
    conversation_id: PathId,
    data: JSONBody[schemas.MessageIn],
    client_key: ClientKey = None,
) -> schemas.Message:
    """Write to the contact, now or at ``due_at``. Refused with 409 and the reason's code when a rule says no."""
    actor = context.actor
    async with context.begin(WRITE) as tx:
        await change.lock(tx, conversation_id, actor)
        message_id = await send(
            tx, conversation_id, data.text, author_id=actor.user_id, author_name=actor.name, inbox_id=data.inbox_id,
            point_id=data.point_id, html=data.html, subject=data.subject, cc=data.cc, bcc=data.bcc, files=data.files,
            due_at=data.due_at, answers=data.answers, client_key=key_of(client_key),
        )  # fmt: skip
        return (await snapshots.messages(tx, [message_id], context.resources.file_url))[message_id]


@post("/conversations/{conversation_id:int}/comments", operation_id="addComment", status_code=201, tags=TAGS)
async def add_comment(
    context: NamedDependency[Context],
    conversation_id: PathId,
    data: JSONBody[schemas.CommentIn],
    client_key: ClientKey = None,
) -> schemas.Message:
    """Write something that only the team sees."""
    async with context.begin(WRITE) as tx:
        message_id = await write.comment(
            tx,
            conversation_id,
            data.text,
            actor=context.actor,
            mentions=data.mentions,
            files=data.files,
            client_key=key_of(client_key),
        )
        return (await snapshots.messages(tx, [message_id], context.resources.file_url))[message_id]


@get("/messages/{message_id:int}", operation_id="getMessage", tags=TAGS)
async def get_message(context: NamedDependency[Context], message_id: PathId) -> schemas.Message:
    async with context.look(READ) as tx:
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@patch("/messages/{message_id:int}", operation_id="changeMessage", tags=TAGS)
async def change_message(
    context: NamedDependency[Context], message_id: PathId, data: JSONBody[schemas.MessagePatch]
) -> schemas.Message:
    """Change the words or the time of a scheduled message."""
    async with context.begin(WRITE) as tx:
        await write.reschedule(tx, message_id, text=data.text, due_at=data.due_at, actor=context.actor)
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@post("/messages/{message_id:int}/cancel", operation_id="cancelMessage", status_code=200, tags=TAGS)
async def cancel_message(context: NamedDependency[Context], message_id: PathId) -> schemas.Message:
    """Take back a message that has not left; 409 ``too_late`` when it has."""
    async with context.begin(WRITE) as tx:
        await write.cancel(tx, message_id, actor=context.actor)
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@post("/messages/{message_id:int}/retry", operation_id="retryMessage", status_code=200, tags=TAGS)
async def retry_message(
    context: NamedDependency[Context], message_id: PathId, data: JSONBody[schemas.Retry]
) -> schemas.Message:
    """Send a failed or held message again; for an uncertain one ``mark`` says what became of it."""
    async with context.begin(WRITE) as tx:
        await write.retry(tx, message_id, data.mark, actor=context.actor)
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@post("/messages/{message_id:int}/send-now", operation_id="sendNow", status_code=200, tags=TAGS)
async def send_now(context: NamedDependency[Context], message_id: PathId) -> schemas.Message:
    """Send a scheduled message without waiting for its time."""
    async with context.begin(WRITE) as tx:
        await write.send_now(tx, message_id, actor=context.actor)
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@post("/messages/{message_id:int}/move", operation_id="moveMessage", status_code=200, tags=TAGS)
async def move_message(
    context: NamedDependency[Context], message_id: PathId, data: JSONBody[schemas.Move]
) -> schemas.Message:
    async with context.begin(WRITE) as tx:
        await change.move_message(tx, message_id, data.conversation_id, actor=context.actor)
        return await thread.message(tx, context.actor, message_id, context.resources.file_url)


@post("/messages/{message_id:int}/forward", operation_id="forwardMessage", status_code=201, tags=TAGS)
async def forward_message(
    context: NamedDependency[Context],
    message_id: PathId,
    data: JSONBody[schemas.ForwardIn],
    client_key: ClientKey = None,
) -> schemas.Message:
    """Pass a message on to another address, with its files; only through channels that carry mail-like copies."""
    async with context.begin(WRITE) as tx:
        row = await thread.row(tx, context.actor, message_id)
        inbox = await inboxes.get(tx, data.inbox_id)
        if not channel(inbox["channel"]).can.copies:
            raise Invalid("This inbox cannot forward messages.", code="no_forwarding")
        found = await _addressee(tx, context, inbox, data.to)
        sent = await forward(
            tx, row, found.contact_id, found.point_id, inbox_id=data.inbox_id, text=data.text, cc=data.cc,
            actor=context.actor, client_key=key_of(client_key),
        )  # fmt: skip
        return (await snapshots.messages(tx, [sent], context.resources.file_url))[sent]


@get("/messages/{message_id:int}/delivery", operation_id="getDelivery", tags=TAGS)
async def get_delivery(context: NamedDependency[Context], message_id: PathId) -> list[schemas.Receipt]:
    """Everything that is known of a message's way, oldest first."""
    async with context.look(READ) as tx:
        await thread.row(tx, context.actor, message_id)
        return await thread.history(tx, message_id)


@get("/messages/{message_id:int}/details", operation_id="getDeliveryDetails", tags=TAGS)
async def get_details(context: NamedDependency[Context], message_id: PathId) -> schemas.DeliveryDetails:
    """The message's whole way, with the id under which the log tells of it."""
    async with context.look(READ) as tx:
        await thread.row(tx, context.actor, message_id)
        return await thread.details(tx, message_id)


@get("/messages/{message_id:int}/html", operation_id="getMessageHtml", tags=TAGS, media_type="text/html")
async def get_message_html(
    context: NamedDependency[Context], message_id: PathId, images: FromQuery[bool] = False
) -> Response[str]:
    """The message as a document for a sandboxed frame. Remote images load only with ``images=1``."""
    async with context.look(READ) as tx:
        row = await thread.row(tx, context.actor, message_id)
        files = await documents.inline_files(tx, message_id, context.resources.file_url)
    return Response(
        documents.document(row["html"] or "", files, images=images),
        headers=documents.HEADERS | documents.policy(images=images),
    )


@get("/messages/{message_id:int}/source", operation_id="getMessageSource", tags=TAGS)
async def get_message_source(context: NamedDependency[Context], message_id: PathId) -> Response[bytes]:
    """The delivery as it arrived, as a download."""
    async with context.look(READ) as tx:
        row = await thread.row(tx, context.actor, message_id)
        name, content_type, body = await documents.source(tx, row)
    return Response(body, headers=downloads.download_headers(name, content_type), media_type="application/octet-stream")


@get("/scheduled", operation_id="listScheduled", tags=TAGS)
async def list_scheduled(
    context: NamedDependency[Context], cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.Scheduled]:
    async with context.look(READ) as tx:
        return await thread.scheduled(tx, context.actor, context.resources.file_url, cursor=cursor, limit=limit)


@post("/files", operation_id="uploadFile", status_code=201, tags=TAGS)
async def upload_file(
    context: NamedDependency[Context],
    request: Request[Any, Any, Any],
    name: Annotated[str, QueryParameter(min_length=1, max_length=255)],
) -> schemas.Upload:
    """Keep the request's body as a file; its id can be named in a message."""
    context.actor.require(WRITE)
    resources, actor = context.resources, context.actor
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > resources.settings.max_file:
            raise TooLarge(f"A file may have {resources.settings.max_file // 1024 // 1024} MB.", code="file_too_large")
        parts.append(part)
    data = b"".join(parts)
    if not data:
        raise Invalid("The file is empty.", code="empty_file")
    declared = (request.headers.get("content-type") or "application/octet-stream").split(";")[0].strip().lower()[:100]
    kind = downloads.sniff(data[:16], declared) or declared
    shown = downloads.clean_name(name)
    digest = await resources.files.put(data)
    async with context.begin(WRITE) as tx:
        file_id = await keep_file(tx, hash=digest, name=shown, content_type=kind, size=size, user_id=actor.user_id)
    url = resources.file_url(actor.workspace_id, digest, shown, kind)
    return schemas.Upload(id=file_id, name=shown, content_type=kind, size=size, url=url)


@post("/inboxes/{inbox_id:int}/test-message", operation_id="sendTestMessage", status_code=201, tags=["inboxes"])
async def send_test_message(
    context: NamedDependency[Context],
    inbox_id: PathId,
    data: JSONBody[schemas.TestMessage],
    client_key: ClientKey = None,
) -> schemas.Message:
    """Send a short message through an inbox, to see that it works."""
    actor, resources, key = context.actor, context.resources, key_of(client_key)
    actor.require("inboxes:write")
    async with context.begin(WRITE) as tx:
        inbox = await inboxes.get(tx, inbox_id)
        found = await _addressee(tx, context, inbox, data.to)
        conversation_id = await change.open_for(tx, found.contact_id, inbox_id, client_key=key, actor=actor)
        text = data.text or f"A test message from {inbox['name']}. If you can read this, it works."
        message_id = await send(
            tx, conversation_id, text, author_id=actor.user_id, author_name=actor.name, inbox_id=inbox_id,
            point_id=found.point_id, subject="Test message", client_key=key,
        )  # fmt: skip
        return (await snapshots.messages(tx, [message_id], resources.file_url))[message_id]


async def _addressee(tx: Tx, context: Context, inbox: Row, typed: str) -> Found:
    """The contact behind an address that a person typed, made if there is none."""
    driver = channel(inbox["channel"]).driver
    if not isinstance(driver, Normalises):
        raise Invalid("This channel can only answer people who wrote first.", code="may_not_start")
    try:
        account = inboxes.account(context.resources.vault, context.resources.settings.url, inbox)
        address = driver.normalise(typed, account)
    except ValueError as error:
        raise Invalid(str(error), fields={"to": str(error)}) from error
    return (await contacts.find_or_create(tx, [address]))[address.kind, address.scope, address.value]


ROUTES = [
    list_messages, send_message, add_comment, get_message, change_message, cancel_message, retry_message, send_now,
    move_message, forward_message, get_delivery, get_details, get_message_html, get_message_source, list_scheduled,
    upload_file, send_test_message,
]  # fmt: skip
