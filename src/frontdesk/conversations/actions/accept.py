"""What providers took is written down: one message, or many at once where drivers answered side by side.

Locks are taken in the order in which receipts take them (:mod:`.receipts`): the provider's ids, outbox, messages.
"""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.channels.port import DeliveryState, Sent
from frontdesk.conversations import rules
from frontdesk.conversations.actions.outbox import acknowledge
from frontdesk.conversations.actions.receipts import apply_parked, hold_for_receipts
from frontdesk.conversations.events import DeliveryChanged, MessageChanged
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.transaction import Row, Tx, columns

_SHOWN = "select id, delivery from messages where workspace_id = $1 and id = any($2) order by id for update"

_TAKEN = """
update messages m set
  external_id = mine.external_id, meta = m.meta || mine.meta, rev = m.rev + 1,
  delivery = coalesce(mine.delivery, m.delivery),
  delivery_at = case when mine.delivery is null then m.delivery_at else $6 end,
  delivery_code = case when mine.delivery is null then m.delivery_code end,
  delivery_reason = case when mine.delivery is null then m.delivery_reason end
from unnest($2::bigint[], $3::text[], $4::jsonb[], $5::text[]) mine (id, external_id, meta, delivery)
where m.workspace_id = $1 and m.id = any($2) and m.id = mine.id
"""

_ANOTHERS = """
select 1 from messages where workspace_id = $1 and inbox_id = $2 and external_id = $3 and id <> $4
"""

# Some providers begin to count anew. What they say of this id from now on is about the message that has it now.
_YIELD = """
update messages set external_id = external_id || '~' || id
where workspace_id = $1 and inbox_id = $2 and external_id = $3 and id <> $4 and direction = 'out'
"""

_HISTORY = """
insert into receipts (workspace_id, message_id, state, at, source)
select $1, id, state, $4, 'provider' from unnest($2::bigint[], $3::text[]) mine (id, state)
"""

_LIVELY = """
update inboxes set last_outbound_at = $3 where workspace_id = $1 and id = any($2)
  and (last_outbound_at is null or last_outbound_at < $3::timestamptz - interval '10 seconds')
"""


async def accepted(tx: Tx, row: Row, sent: Sent) -> bool:
    """The provider took it. False: somebody else has settled it meanwhile."""
    return bool(await accepted_together(tx, [(row, sent)], waiting=True))


async def is_anothers(tx: Tx, row: Row, external_id: str) -> bool:
    """Whether the provider's id is that of another message: a look-up found one that only looks alike."""
    await hold_for_receipts(tx, [(row["inbox_id"], external_id)])
    return await tx.fetchval(_ANOTHERS, tx.workspace_id, row["inbox_id"], external_id, row["message_id"]) is not None


async def accepted_together(tx: Tx, taken: Sequence[tuple[Row, Sent]], *, waiting: bool = False) -> set[int]:
    """The providers took these. Returns the outbox ids of what was written down: not what somebody else has settled
    meanwhile nor, unless ``waiting``, what somebody else is at just now."""
    await hold_for_receipts(tx, [(row["inbox_id"], sent.external_id) for row, sent in taken])
    ours = await acknowledge(tx, [row for row, _ in taken], waiting=waiting)
    taken = [(row, sent) for row, sent in taken if row["outbox_id"] in ours]
    if not taken:
        return ours
    if waiting:  # alone, perhaps because it could not be written with others
        for row, sent in taken:
            await tx.execute(_YIELD, tx.workspace_id, row["inbox_id"], sent.external_id, row["message_id"])
    now, ids = tx.now(), [row["message_id"] for row, _ in taken]
    shown = {row["id"]: row["delivery"] for row in await tx.fetch(_SHOWN, tx.workspace_id, ids)}
    changes = []
    for row, sent in taken:
        moved = rules.later(DeliveryState(shown[row["message_id"]]), sent.state)  # or a receipt was faster
        state = sent.state.value if moved else None
        changes.append((row["message_id"], sent.external_id, {"parts": sent.parts, **sent.meta}, state))
        _tell(tx, row, sent, moved=moved)
    await tx.execute(_TAKEN, tx.workspace_id, *columns(changes, 4), now)
    await tx.execute(_HISTORY, tx.workspace_id, ids, [sent.state.value for _, sent in taken], now)
    named = [(row["inbox_id"], sent.external_id) for row, sent in taken]
    await apply_parked(tx, dict(zip(named, [row for row, _ in taken], strict=True)))
    through = sorted({row["inbox_id"] for row, _ in taken})
    await tx.execute(_LIVELY, tx.workspace_id, through, now)
    await inboxes.note_life(tx, through)
    return ours


def _tell(tx: Tx, row: Row, sent: Sent, *, moved: bool) -> None:
    of = {"conversation_id": row["conversation_id"], "message_id": row["message_id"]}
    if moved:
        tx.emit(DeliveryChanged(**of, state=sent.state.value, code=None, reason=None))
    else:
        tx.emit(MessageChanged(**of, changed=("segments",)))
