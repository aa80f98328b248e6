"""Lines of history in a thread: who assigned, closed, labelled, opted out. Messages that only the team sees."""

from __future__ import annotations

from typing import Any

from frontdesk.conversations.events import ActivityAdded
from frontdesk.kit import clock
from frontdesk.kit.transaction import Tx


async def add_activity(
    tx: Tx, conversation_id: int, code: str, data: dict[str, Any], *, actor_id: int | None = None, actor_name: str = ""
) -> None:
    """Append a line; ``code`` is stable, ``data`` is JSON for the screen's wording."""
    message_id = await tx.fetchval(
        "insert into messages"
        " (workspace_id, conversation_id, direction, audience, author_id, author_name, activity, meta, at)"
        " values ($1, $2, 'activity', 'team', $3, $4, $5, $6, $7) returning id",
        tx.workspace_id,
        conversation_id,
        actor_id,
        actor_name,
        code,
        data,
        clock.now(),
    )
    tx.emit(ActivityAdded(conversation_id=conversation_id, message_id=message_id, actor_id=actor_id, activity=code))
