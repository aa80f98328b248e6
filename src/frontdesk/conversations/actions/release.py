"""After a restore: what waits since then may go, once a person has said so."""

from __future__ import annotations

from frontdesk.channels.port import DeliveryState
from frontdesk.conversations.actions.receipts import record
from frontdesk.conversations.actions.write import cancel, retry
from frontdesk.kit import clock
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Tx
from frontdesk.people import actions as people

AT_ONCE = 500  # messages in one transaction

_HELD = """
select m.id, m.due_at from outbox o join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and o.state = 'held' and m.delivery_code = 'restored' order by o.due_at, o.id limit $2
"""
_LEFT = """
select count(*) from outbox o join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and o.state = 'held' and m.delivery_code = 'restored'
"""


async def settle_restored(tx: Tx, *, send: bool, actor: Actor) -> tuple[int, int]:
    """Let go (or cancel) the oldest :data:`AT_ONCE` messages that are held since a restore, in their order.

    What was scheduled for later keeps its time. Returns how many that were, and how many are left.
    """
    now, rows = clock.now(), await tx.fetch(_HELD, tx.workspace_id, AT_ONCE)
    for row in rows:
        if not send:
            await cancel(tx, row["id"], actor=actor)
        elif row["due_at"] is not None and row["due_at"] > now:
            await _wait_again(tx, row["id"])
        else:
            await retry(tx, row["id"], None, actor=actor)
    if rows:
        action = "restored.released" if send else "restored.cancelled"
        await people.audit(tx, action, actor_id=actor.user_id, ip=actor.ip, detail={"messages": len(rows)})
        tx.wake()
    return len(rows), await tx.fetchval(_LEFT, tx.workspace_id)


async def _wait_again(tx: Tx, message_id: int) -> None:
    await tx.execute(
        "update outbox set state = 'queued', retry_at = null, attempts = 0"
        " where workspace_id = $1 and message_id = $2 and state = 'held'",
        tx.workspace_id,
        message_id,
    )
    await record(tx, message_id, DeliveryState.queued, source="user", force=True)
