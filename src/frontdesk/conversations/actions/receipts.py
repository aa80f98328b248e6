"""What providers say of our messages. Receipts come late, twice, out of order, and sometimes before our own commit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from frontdesk.channels.port import DeliveryState, Receipt
from frontdesk.contacts import actions as contacts
from frontdesk.conversations import rules
from frontdesk.conversations.actions.touch import touch
from frontdesk.conversations.events import DeliveryChanged
from frontdesk.kit.hiding import hide
from frontdesk.kit.transaction import Row, Tx, columns

_NAMED = """
select id, inbox_id, external_id, point_id, client_key as key from messages
where workspace_id = $1 and direction = 'out' and (external_id = any($2) or client_key = any($3::uuid[]))
"""

_PARK = "insert into parked_receipts (workspace_id, inbox_id, external_id, receipt, at) values ($1, $2, $3, $4, $5)"

_UNPARK = """
with gone as (
  delete from parked_receipts p using unnest($2::bigint[], $3::text[]) mine (inbox_id, external_id)
  where p.workspace_id = $1 and p.inbox_id = mine.inbox_id and p.external_id = mine.external_id
  returning p.id, p.inbox_id, p.external_id, p.receipt)
select inbox_id, external_id, receipt from gone order by id
"""
_HOLD = "select pg_advisory_xact_lock(hashtextextended(name, 7305004)) from unnest($1::text[]) name"

# The row is locked in any state: who is just giving up on it (:func:`.outbox.proved`) sees this receipt, or this
# receipt sees what became of it. That takes a statement of its own: one that had to wait for the lock still chooses by
# the state that it saw before.
_LOCK = "select 1 from outbox where workspace_id = $1 and message_id = $2 for update"
_PROVED = """
update outbox set state = $3, lease_until = null, unknown_since = null, retry_at = null
where workspace_id = $1 and message_id = $2
  and (state in ('unknown', 'uncertain')
    or ($3 = 'accepted' and (state = 'held' or (state = 'queued' and attempts > 0))))
"""

_MOVED = """
update messages set delivery = $3, delivery_at = $4, delivery_code = null, delivery_reason = null, rev = rev + 1
where workspace_id = $1 and id = any($2) returning id, conversation_id
"""
_DECIDED = """
insert into receipts (workspace_id, message_id, state, at, source)
select $1, id, $3, $4, $5 from unnest($2::bigint[]) mine (id)
"""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


async def record(
    tx: Tx,
    message_id: int,
    state: DeliveryState,
    *,
    source: str,
    code: str | None = None,
    reason: str | None = None,
    at: datetime | None = None,
    force: bool = False,
) -> bool:
    """Append to a message's history, and move its state forward if this is further.

    ``force``: our own decision, not a receipt.
    """
    row = await tx.fetchrow(
        "select conversation_id, delivery, delivery_code from messages where workspace_id = $1 and id = $2 for update",
        tx.workspace_id,
        message_id,
    )
    if row is None or row["delivery"] is None:
        return False
    now, code, reason = tx.now(), code and rules.clean(code), reason and hide(rules.clean(reason))
    await tx.execute(
        "insert into receipts (workspace_id, message_id, state, at, code, reason, source)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        tx.workspace_id,
        message_id,
        state.value,
        at or now,
        code,
        reason,
        source,
    )
    if not force and not rules.later(DeliveryState(row["delivery"]), state):
        return False
    if row["delivery"] == state.value and row["delivery_code"] == code:
        return False
    await tx.execute(
        "update messages set delivery = $3, delivery_at = $4, delivery_code = $5, delivery_reason = $6, rev = rev + 1"
        " where workspace_id = $1 and id = $2",
        tx.workspace_id,
        message_id,
        state.value,
        at or now,
        code,
        reason,
    )
    if state in (DeliveryState.failed, DeliveryState.uncertain):
        await touch(tx, row["conversation_id"])
    tx.emit(
        DeliveryChanged(
            conversation_id=row["conversation_id"], message_id=message_id, state=state.value, code=code, reason=reason
        )
    )
    return True


async def record_all(tx: Tx, message_ids: Sequence[int], state: DeliveryState, *, source: str) -> None:
    """Our own decision about many messages, in a few statements: each is in this state from now on, for no reason."""
    now = tx.now()
    moved = await tx.fetch(_MOVED, tx.workspace_id, message_ids, state.value, now)
    await tx.execute(_DECIDED, tx.workspace_id, message_ids, state.value, now, source)
    conversations = {row["id"]: row["conversation_id"] for row in moved}
    for message_id in message_ids:
        tx.emit(DeliveryChanged(conversation_id=conversations[message_id], message_id=message_id, state=state.value))


async def take_receipts(tx: Tx, receipts: Sequence[tuple[int, Receipt]]) -> None:
    """Apply receipts (inbox id, receipt) in order; those of messages that we do not know yet are parked."""
    if not receipts:
        return
    rows = await _found(tx, receipts)
    unknown = sorted(
        {
            (i, rules.clean(r.external_id))
            for (i, r), row in zip(receipts, rows, strict=True)
            if r.external_id and row is None
        }
    )
    if unknown:  # our own commit may be under way: look again when it is over
        await hold_for_receipts(tx, unknown)
        rows = await _found(tx, receipts)
    for (inbox_id, receipt), row in zip(receipts, rows, strict=True):
        if row is not None:
            await _apply(tx, row, inbox_id, receipt)
        elif receipt.external_id:
            await tx.execute(
                _PARK, tx.workspace_id, inbox_id, rules.clean(receipt.external_id), _packed(receipt), tx.now()
            )


async def hold_for_receipts(tx: Tx, named: Sequence[tuple[int, str]]) -> None:
    """Until commit, only one transaction gives messages these provider ids (inbox id, id), or parks a receipt that
    names one."""
    names = [f"{tx.workspace_id}:{inbox_id}:{external_id}" for inbox_id, external_id in sorted(named)]
    await tx.execute(_HOLD, names)


async def _found(tx: Tx, receipts: Sequence[tuple[int, Receipt]]) -> list[Row | None]:
    """For each receipt the message that it is about, by our own key or by the provider's id in this inbox."""
    keys = [receipt.key for _, receipt in receipts if receipt.key and _UUID.fullmatch(receipt.key)]
    externals = [rules.clean(receipt.external_id) for _, receipt in receipts if receipt.external_id]
    rows = await tx.fetch(_NAMED, tx.workspace_id, externals, keys)
    by_external = {(row["inbox_id"], row["external_id"]): row for row in rows if row["external_id"]}
    by_key = {row["key"]: row for row in rows if row["key"]}
    return [
        by_key.get((receipt.key or "").lower()) or by_external.get((inbox_id, rules.clean(receipt.external_id or "")))
        for inbox_id, receipt in receipts
    ]


async def _apply(tx: Tx, row: Row, inbox_id: int, receipt: Receipt) -> None:
    # Proof that the provider has it ends the doubt about an attempt whose answer never came, and spares another one.
    if receipt.state not in (DeliveryState.queued, DeliveryState.sending):
        settled = "failed" if receipt.state is DeliveryState.failed else "accepted"
        await tx.execute(_LOCK, tx.workspace_id, row["id"])
        await tx.execute(_PROVED, tx.workspace_id, row["id"], settled)
    await record(
        tx, row["id"], receipt.state, source="provider", code=receipt.code, reason=receipt.reason, at=receipt.at
    )
    if receipt.external_id and not row["external_id"]:
        await tx.execute(
            "update messages set external_id = $3 where workspace_id = $1 and id = $2 and external_id is null",
            tx.workspace_id,
            row["id"],
            receipt.external_id,
        )
    if receipt.opt_out and row["point_id"]:
        await contacts.opt_out(
            tx, row["point_id"], source="provider", reason=receipt.reason or "The provider says so.", inbox_id=inbox_id
        )
    if receipt.bad_address and row["point_id"]:
        await contacts.mark_bad(tx, row["point_id"])


async def apply_parked(tx: Tx, named: Mapping[tuple[int, str], Row]) -> None:
    """Now that the provider's ids (inbox id, id) of these rows of the outbox are known, the receipts that came too
    early."""
    for found in await tx.fetch(_UNPARK, tx.workspace_id, *columns(list(named), 2)):
        inbox_id, external_id = found["inbox_id"], found["external_id"]
        row = named[inbox_id, external_id]
        it = {"id": row["message_id"], "external_id": external_id, "point_id": row["point_id"]}
        await _apply(tx, it, inbox_id, _unpacked(found["receipt"], external_id))  # type: ignore[arg-type]


def _packed(receipt: Receipt) -> dict[str, Any]:
    return {
        "state": receipt.state.value, "code": receipt.code, "reason": receipt.reason, "opt_out": receipt.opt_out,
        "bad_address": receipt.bad_address, "at": receipt.at.isoformat() if receipt.at else None,
    }  # fmt: skip


def _unpacked(packed: dict[str, Any], external_id: str) -> Receipt:
    at = packed.pop("at")
    state = DeliveryState(packed.pop("state"))
    return Receipt(external_id=external_id, state=state, at=datetime.fromisoformat(at) if at else None, **packed)
