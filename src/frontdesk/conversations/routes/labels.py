"""Labels over HTTP."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from frontdesk.conversations import schemas
from frontdesk.conversations.actions import write
from frontdesk.conversations.queries import thread
from frontdesk.conversations.routes.params import PathId
from frontdesk.kit import paging
from frontdesk.kit.context import Context

TAGS = ["labels"]


@get("/labels", operation_id="listLabels", tags=TAGS)
async def list_labels(context: NamedDependency[Context]) -> paging.Page[schemas.Label]:
    async with context.begin("conversations:read") as tx:
        return paging.Page(items=await thread.labels(tx))


@post("/labels", operation_id="createLabel", status_code=201, tags=TAGS)
async def create_label(context: NamedDependency[Context], data: JSONBody[schemas.LabelIn]) -> schemas.Label:
    async with context.begin("labels:write") as tx:
        label_id = await write.create_label(tx, data.name, data.colour, actor_id=context.actor.user_id)
        return (await thread.labels_by_id(tx, [label_id]))[label_id]


@patch("/labels/{label_id:int}", operation_id="changeLabel", tags=TAGS)
async def change_label(
    context: NamedDependency[Context], label_id: PathId, data: JSONBody[schemas.LabelPatch]
) -> schemas.Label:
    async with context.begin("labels:write") as tx:
        await write.change_label(tx, label_id, name=data.name, colour=data.colour, actor_id=context.actor.user_id)
        return (await thread.labels_by_id(tx, [label_id]))[label_id]


@delete("/labels/{label_id:int}", operation_id="deleteLabel", status_code=204, tags=TAGS)
async def delete_label(context: NamedDependency[Context], label_id: PathId) -> None:
    """Take the label off everything; the conversations stay."""
    async with context.begin("labels:write") as tx:
        await write.delete_label(tx, label_id, actor_id=context.actor.user_id)


ROUTES = [list_labels, create_label, change_label, delete_label]
