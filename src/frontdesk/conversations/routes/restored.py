"""What is held since a backup was restored. Paths are relative to ``/api/v1``."""

from __future__ import annotations

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from frontdesk.conversations import schemas
from frontdesk.conversations.actions.release import settle_restored
from frontdesk.kit.context import Context


@post("/restored", operation_id="settleRestored", status_code=200, tags=["operation"])
async def settle(context: NamedDependency[Context], data: JSONBody[schemas.SettleRestored]) -> schemas.Settled:
    """Send or cancel the messages that are held since a backup was restored, at most 500 at once, oldest first."""
    context.actor.require("set_aside:write")
    async with context.begin("conversations:write") as tx:
        settled, left = await settle_restored(tx, send=data.send, actor=context.actor)
    return schemas.Settled(settled=settled, left=left)


ROUTES = [settle]
