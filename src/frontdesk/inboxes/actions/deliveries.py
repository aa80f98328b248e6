"""Deliveries as they came: stored before anybody interprets them, set aside when nobody can, replayed on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from frontdesk.channels.port import Raw
from frontdesk.inboxes import rules
from frontdesk.kit import clock, meters, trace
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import WORK, Database, Tx
from frontdesk.people import actions as people

_STORE = "select store_deliveries($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # one call, one round trip


async def store(tx: Tx, inbox_id: int, raws: Sequence[Raw]) -> int:
    """Keep deliveries as part of something larger; returns how many were new. A repeated one is nothing."""
    if not raws:
        return 0
    own = trace.current()
    return _counted(raws, await tx.fetchval(_STORE, *_values(tx.workspace_id, inbox_id, [(raw, own) for raw in raws])))


async def take_in(db: Database, workspace_id: int, inbox_id: int, came: Sequence[tuple[Raw, str | None]]) -> int:
    """Commit deliveries, each with its trace id if it has one; returns how many were new."""
    new = await db.call(_STORE, *_values(workspace_id, inbox_id, came))
    return _counted([raw for raw, _ in came], new)


def _values(workspace_id: int, inbox_id: int, came: Sequence[tuple[Raw, str | None]]) -> tuple[Any, ...]:
    return (
        workspace_id, inbox_id, clock.now(), [rules.dedupe_key(raw.dedupe_key) for raw, _ in came],
        [raw.body for raw, _ in came], [rules.as_json(raw.headers) for raw, _ in came],
        [rules.as_json(raw.meta) for raw, _ in came], [known or trace.fresh() for _, known in came], WORK,
    )  # fmt: skip


def _counted(raws: Sequence[Raw], new: int) -> int:
    if new < len(raws):
        meters.dedupe_hits.inc(len(raws) - new)
    return new


async def save_checkpoint(tx: Tx, inbox_id: int, checkpoint: Mapping[str, Any]) -> None:
    """How far a receiver has come, in the transaction that stored what it got."""
    await tx.execute(
        "update inboxes set checkpoint = $3 where workspace_id = $1 and id = $2",
        tx.workspace_id, inbox_id, rules.storable_json(checkpoint),
    )  # fmt: skip


async def replay(
    tx: Tx, raw_ids: Sequence[int], *, states: Sequence[str] = ("set_aside",), by: Actor | None = None
) -> int:
    """Interpret deliveries again; returns how many. Any state may be named: what is already there is not made twice."""
    ids: list[int] = [
        row["id"]
        for row in await tx.fetch(
            """update raw_deliveries set state = 'new', attempts = 0, error = null, done_at = null
            where workspace_id = $1 and id = any($2::bigint[]) and state = any($3::text[]) returning id""",
            tx.workspace_id, list(raw_ids), list(states),
        )
    ]  # fmt: skip
    if ids:
        tx.wake()
        await _record(tx, "set_aside.replayed", ids, by)
    return len(ids)


async def replay_edited(tx: Tx, raw_id: int, text: str, *, by: Actor) -> bool:
    """Read a corrected copy of a delivery that was set aside. The original stays stored, discarded.

    Returns whether there was one. A copy with the same words is made once.
    """
    body = text.encode("utf-8", "replace")
    digest = hashlib.sha256(body).hexdigest()
    row = await tx.fetchrow(
        """update raw_deliveries set state = 'discarded', done_at = $3
        where workspace_id = $1 and id = $2 and state = 'set_aside' returning *""",
        tx.workspace_id, raw_id, clock.now(),
    )  # fmt: skip
    if row is None:
        return False
    copy = Raw(dedupe_key=f"edited:{raw_id}:{digest}", body=body, headers=row["headers"], meta=row["meta"])
    with trace.within(row["trace"]):
        await store(tx, row["inbox_id"], [copy])
    detail = {"id": raw_id, "was": hashlib.sha256(row["body"]).hexdigest(), "is": digest}
    await people.audit(tx, "set_aside.edited", actor_id=by.user_id, ip=by.ip, detail=detail)
    return True


async def discard(tx: Tx, raw_ids: Sequence[int], *, reason: str = "", by: Actor | None = None) -> int:
    """Say that deliveries which were set aside are of no interest; they stay stored, but out of sight."""
    ids: list[int] = [
        row["id"]
        for row in await tx.fetch(
            """update raw_deliveries set state = 'discarded', done_at = $3
            where workspace_id = $1 and id = any($2::bigint[]) and state = 'set_aside' returning id""",
            tx.workspace_id, list(raw_ids), clock.now(),
        )
    ]  # fmt: skip
    if ids:
        await _record(tx, "set_aside.discarded", ids, by, **({"reason": reason.strip()} if reason.strip() else {}))
    return len(ids)


async def _record(tx: Tx, action: str, ids: Sequence[int], by: Actor | None, **more: str) -> None:
    who, ip = (by.user_id, by.ip) if by else (None, None)
    await people.audit(tx, action, actor_id=who, ip=ip, detail={"ids": list(ids), **more})
