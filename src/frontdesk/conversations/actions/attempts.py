"""Each time that a message was handed to its provider, or looked for there, and what came of it. Only added to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontdesk.channels.port import Disconnected, Rejected, Sent, TryLater
from frontdesk.conversations import rules
from frontdesk.kit import clock
from frontdesk.kit.hiding import hide
from frontdesk.kit.transaction import Row, Tx, columns

_NOTE = """
insert into attempts (workspace_id, message_id, began_at, at, outcome, code, reason, request)
select $1, message_id, began_at, $8, outcome, code, reason, request
from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
  mine (message_id, began_at, outcome, code, reason, request)
"""


async def note_attempts(tx: Tx, made: Sequence[tuple[Row, Sent | Exception]]) -> None:
    """Write down what was handed over and what came of it, in the transaction that settles it."""
    rows = []
    for row, outcome in made:
        code = getattr(outcome, "code", None)
        reason = None if isinstance(outcome, Sent) else hide(rules.clean(str(outcome)))[:1000]
        rows.append((row["message_id"], row["sending_since"], result(outcome), code, reason, _request(row)))
    await tx.execute(_NOTE, tx.workspace_id, *columns(rows, 6), clock.now())


def result(outcome: Sent | Exception) -> str:
    """One word for what a driver said: accepted, rejected, try_later, disconnected, or unknown for everything else."""
    return next((word for kind, word in _WORDS.items() if isinstance(outcome, kind)), "unknown")


async def note_look_up(tx: Tx, row: Row, outcome: str) -> None:
    """Write down that the provider was asked whether it has the message: ``found``, ``not_found`` or ``no_answer``."""
    asked = (row["message_id"], None, outcome, None, None, {"key": str(row["key"])})
    await tx.execute(_NOTE, tx.workspace_id, *columns([asked], 6), clock.now())


_WORDS = {Sent: "accepted", Rejected: "rejected", TryLater: "try_later", Disconnected: "disconnected"}


def _request(row: Row) -> dict[str, Any]:
    """What was asked of the provider, without a word of the message and without the whole address."""
    return {
        "channel": row["channel"],
        "inbox": row["inbox_name"],
        "to": rules.masked(row["value"] or ""),
        "characters": len(row["text"]),
        "key": str(row["key"]),
        "attempt": row["attempts"],
    }
