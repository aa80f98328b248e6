"""A conversation shows more than its own columns; when something else of it changed, its ``rev`` has to grow too."""

from __future__ import annotations

from frontdesk.kit.transaction import Tx


async def touch(tx: Tx, *conversation_ids: int) -> None:
    """What lists show of these conversations is no longer what it was: clients keep the higher ``rev``."""
    await tx.execute(
        "update conversations set rev = rev + 1 where workspace_id = $1 and id = any($2)",
        tx.workspace_id,
        list(conversation_ids),
    )
