"""The record of what was done, by whom and from where. The application's role can only add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.kit import clock
from frontdesk.kit.transaction import Tx


async def audit(
    tx: Tx,
    action: str,
    *,
    actor_id: int | None = None,
    subject: str | None = None,
    ip: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one line, in the transaction of what it tells of. ``action`` is ``room.verb``, ``subject`` is ``kind:id``.

    ``detail`` never holds a secret, nor the text of a message.
    """
    await tx.execute(
        """insert into audit (workspace_id, at, actor_id, action, subject, ip, detail)
        values ($1, $2, $3, $4, $5, $6, $7)""",
        tx.workspace_id, clock.now(), actor_id, action, subject, ip, dict(detail or {}),
    )  # fmt: skip
