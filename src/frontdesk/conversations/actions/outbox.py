"""The outbox: writing down what became of what was claimed (:mod:`.claims`).

A claimed row has a lease and a fencing number that grows with every claim: a process that was stopped and woke up late
finds that its number no longer fits, and changes nothing.

Every time in the outbox is the database's (``tx.now()``): processes whose machines' clocks differ agree on what is due,
on what a lease is worth, and on who wrote first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from frontdesk.channels.port import DeliveryState
from frontdesk.contacts import actions as contacts
from frontdesk.conversations import rules
from frontdesk.conversations.actions.receipts import record, record_all
from frontdesk.conversations.actions.send import spoken
from frontdesk.conversations.events import ConversationChanged, DeliveryChanged, MessageChanged
from frontdesk.kit.hiding import hide
from frontdesk.kit.transaction import Row, Tx

MAYBE = "An earlier attempt may have arrived."
LATE_AFTER = timedelta(hours=1)  # a scheduled message that is later than this waits for a person
AT_ONCE = 500  # messages let go in one transaction: a longer one would keep all else of the workspace waiting

# In the way is a row that its provider keeps putting off with others of its conversation behind it; perhaps long enough
# for them to go on without it. Since when is in its history, from the last time that somebody decided about it.
_IN_THE_WAY = """
select h.workspace_id, h.id from outbox h
where h.state = 'queued' and h.due_at <= $1 and h.attempts > 0 and h.retry_at is not null and exists (
  select 1 from outbox f where f.workspace_id = h.workspace_id and f.conversation_id = h.conversation_id
    and f.state = 'queued' and f.due_at <= $2 and (f.due_at, f.id) > (h.due_at, h.id))
"""
_GIVE_WAY = """
update outbox o set retry_at = null, unknown_since = null,
  state = case when o.unknown_since is null then 'failed' else 'uncertain' end
where o.workspace_id = $1 and o.id = any(array(
  select h.id from outbox h where h.workspace_id = $1 and h.id = any($2) and h.state = 'queued' and $3 >= (
    select min(r.at) from receipts r
    where r.workspace_id = $1 and r.message_id = h.message_id and r.state = 'queued' and r.source = 'provider'
      and r.at > coalesce((select max(d.at) from receipts d where d.workspace_id = $1 and d.message_id = h.message_id
                             and d.source <> 'provider'), '-infinity'))
  for update of h skip locked))
returning o.message_id, o.last_error, o.state
"""

# A repeat that does no harm goes without an answer to the first attempt: until it has one, nobody may say that the
# message was not sent.
_SETTLE = """
update outbox set state = $4, lease_until = null, retry_at = $5, last_error = $6,
  unknown_since = case when $7 then unknown_since end
where workspace_id = $1 and id = $2 and fence = $3 and state in ('sending', 'unknown')
"""

_ACKNOWLEDGE = """
update outbox o set state = 'accepted', lease_until = null, retry_at = null, last_error = null, unknown_since = null
from unnest($2::bigint[], $3::bigint[]) mine (id, fence)
where o.workspace_id = $1 and o.id = any($2) and o.id = mine.id
  and o.fence = mine.fence and o.state in ('sending', 'unknown')
returning o.id
"""
_ACKNOWLEDGE_FREE = """
update outbox q set state = 'accepted', lease_until = null, retry_at = null, last_error = null, unknown_since = null
where q.workspace_id = $1 and q.ctid = any(array(
  select o.ctid from outbox o, unnest($2::bigint[], $3::bigint[]) mine (id, fence)
  where o.workspace_id = $1 and o.id = any($2) and o.id = mine.id
    and o.fence = mine.fence and o.state in ('sending', 'unknown')
  for update of o skip locked))
returning q.id
"""

# What was scheduled is said now. What an earlier attempt is said to have failed with does not stand any more.
_ON_THE_WAY = """
update messages m set
  at = case when m.due_at is null then m.at else $4 end, due_at = null, delivery = 'sending', delivery_at = $4,
  external_id = coalesce(m.external_id, mine.external_id), rev = m.rev + 1
from unnest($2::bigint[], $3::text[]) mine (id, external_id)
where m.workspace_id = $1 and m.id = any($2) and m.id = mine.id and m.delivery in ('queued', 'sending', 'failed')
returning m.id
"""


# A held row is in nobody's way (:mod:`.claims`): in its conversation none may be let go before an older one. The oldest
# are looked up first and locked then, so that it is known which of them somebody else is at: their conversations wait.
_OLDEST_HELD = """
select o.id, o.conversation_id, o.message_id from outbox o
join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and o.inbox_id = $2 and o.state = 'held'
  and m.delivery_code in ('inbox_disconnected', 'inbox_off') and exists (
    select 1 from inboxes i
    where i.workspace_id = $1 and i.id = $2 and i.enabled and i.deleted_at is null and i.health <> 'off')
order by o.due_at, o.id limit $3
"""
_LOCK_HELD = """
select id from outbox where workspace_id = $1 and id = any($2) and state = 'held' for update skip locked
"""
_RELEASE = "update outbox set state = 'queued', retry_at = null, attempts = 0 where workspace_id = $1 and id = any($2)"

# A failure is none: it may be an earlier attempt's.
_PROOF = {DeliveryState.accepted, DeliveryState.sent, DeliveryState.delivered, DeliveryState.read}


async def begin_sending(tx: Tx, rows: Sequence[tuple[Row, str | None]]) -> None:
    """Note on messages that they are on their way, each under the provider id that was fixed for it."""
    now = tx.now()
    ids, externals = [row["message_id"] for row, _ in rows], [external_id for _, external_id in rows]
    changed = {row["id"] for row in await tx.fetch(_ON_THE_WAY, tx.workspace_id, ids, externals, now)}
    for row, _ in rows:
        of = {"conversation_id": row["conversation_id"], "message_id": row["message_id"]}
        if row["message_id"] in changed:
            tx.emit(DeliveryChanged(**of, state="sending"))
        if row["scheduled"]:
            await spoken(
                tx, row["conversation_id"], row["message_id"], now, rules.preview(row["text"]), row["inbox_id"],
                row["author_name"], automatic=row["automatic"],
            )  # fmt: skip
            tx.emit(MessageChanged(**of, changed=("at",)))
            tx.emit(ConversationChanged(conversation_id=row["conversation_id"], changed=("last",)))


async def _settle(
    tx: Tx, row: Row, state: str, *, retry_at: datetime | None = None, error: str | None = None, doubt: bool = False
) -> bool:
    """Move the outbox row on if it is still ours. ``doubt``: nobody knows yet whether an earlier attempt arrived."""
    said = error and hide(rules.clean(error))
    return bool(await tx.execute(_SETTLE, *_ours(tx, row), state, retry_at, said, doubt))


def _ours(tx: Tx, row: Row) -> tuple[int, int, int]:
    """Workspace, outbox id, and the fence that fits as long as nobody else has claimed the row."""
    return tx.workspace_id, row["outbox_id"], row["fence"]


async def acknowledge(tx: Tx, rows: Sequence[Row], *, waiting: bool = False) -> set[int]:
    """Out of the queue with what the providers took; returns the outbox ids of those that were still ours. What others
    have locked or changed just now is left out, unless it may be waited for, as a single row may: of two who each hold
    some and wait for the other's, neither would get on."""
    ids, fences = [row["outbox_id"] for row in rows], [row["fence"] for row in rows]
    sql = _ACKNOWLEDGE if waiting else _ACKNOWLEDGE_FREE
    return {row["id"] for row in await tx.fetch(sql, tx.workspace_id, ids, fences)}


async def failed(
    tx: Tx, row: Row, reason: str, *, code: str | None, opt_out: bool = False, bad_address: bool = False
) -> bool:
    """It will never go out; ``reason`` is what the user reads."""
    if not await _settle(tx, row, "failed", error=reason):
        return False
    await record(tx, row["message_id"], DeliveryState.failed, code=code, reason=reason, source="provider")
    if opt_out and row["point_id"]:
        await contacts.opt_out(tx, row["point_id"], source="provider", reason=reason, inbox_id=row["inbox_id"])
    if bad_address and row["point_id"]:
        await contacts.mark_bad(tx, row["point_id"])
    return True


async def held(tx: Tx, row: Row, reason: str, *, code: str) -> bool:
    """It waits for a person: the inbox cannot work, or the message is too late to go by itself."""
    if row["unknown_since"]:
        return await uncertain(tx, row, f"{reason} {MAYBE}")
    if not await _settle(tx, row, "held", error=reason):
        return False
    await record(tx, row["message_id"], DeliveryState.held, code=code, reason=reason, source="frontdesk", force=True)
    return True


async def try_again(
    tx: Tx, row: Row, reason: str, *, after: float | None, code: str | None = None, untaken: bool = False
) -> bool:
    """The provider did not take it, or drops what it took before: queue it again, later each time, until it is given
    up. ``untaken``: the provider has said that it has none of the earlier attempts either."""
    now, doubt = tx.now(), bool(row["unknown_since"]) and not untaken
    if now - row["due_at"] > rules.GIVE_UP_AFTER:
        reason = f"Given up after two days: {reason}"
        if doubt:
            return await uncertain(tx, row, f"{reason} {MAYBE}")
        return await failed(tx, row, reason, code=code or "given_up")
    delay = after if after is not None else rules.retry_delay(row["attempts"], random.random())  # noqa: S311
    if not await _settle(tx, row, "queued", retry_at=now + timedelta(seconds=delay), error=reason, doubt=doubt):
        return False
    state, why = DeliveryState.queued, code or "retrying"
    await record(tx, row["message_id"], state, code=why, reason=reason, source="provider", force=True)
    return True


async def in_the_way(tx: Tx, patience: timedelta) -> list[Row]:
    """Across workspaces: rows that may have held back others of their conversation for so long."""
    now = tx.now()
    return await tx.fetch(_IN_THE_WAY, now - patience, now)


async def give_way(tx: Tx, ids: Sequence[int], patience: timedelta) -> int:
    """End those of these rows that were put off for so long: a person sends them again or does not, and what waits
    behind them goes on."""
    rows = await tx.fetch(_GIVE_WAY, tx.workspace_id, list(ids), tx.now() - patience)
    for row in rows:
        tried = f"Tried for {patience.total_seconds() / 60:.0f} minutes, while later messages waited."
        state = DeliveryState(row["state"])
        reason = f"{row['last_error']} {tried}{f' {MAYBE}' if state is DeliveryState.uncertain else ''}"
        await record(tx, row["message_id"], state, code="in_the_way", reason=reason, source="frontdesk", force=True)
    if rows:
        tx.wake()
    return len(rows)


async def put_back(tx: Tx, row: Row, *, after: float) -> bool:
    """Back into the queue for ``after`` seconds, as if never claimed: its inbox has sent as much as its rate allows, or
    has its connection in another process."""
    await tx.execute(
        "update outbox set attempts = attempts - 1, sending_since = null"
        " where workspace_id = $1 and id = $2 and fence = $3",
        *_ours(tx, row),
    )
    return await _settle(tx, row, "queued", retry_at=tx.now() + timedelta(seconds=after), doubt=True)


async def unknown(tx: Tx, row: Row, reason: str) -> bool:
    """Nobody knows whether the provider took it. It is looked up soon, and never resent blindly."""
    changed = await tx.execute(
        "update outbox set state = 'unknown',"
        " unknown_since = coalesce(unknown_since, $4), lease_until = $4, last_error = $5"
        " where workspace_id = $1 and id = $2 and fence = $3 and state in ('sending', 'unknown')",
        *_ours(tx, row),
        tx.now() + timedelta(seconds=2),
        hide(rules.clean(reason)),
    )
    if changed:
        tx.wake()
    return bool(changed)


async def remember(tx: Tx, row: Row, meta: Mapping[str, Any]) -> None:
    """Keep for the next attempt what this one came to, unless somebody else is at it by now: a part has left."""
    await tx.execute(
        "update messages m set meta = m.meta || $4 from outbox o where o.workspace_id = $1 and o.id = $2"
        " and o.fence = $3 and m.workspace_id = $1 and m.id = o.message_id",
        *_ours(tx, row),
        {**meta, rules.BEGUN: True},
    )


async def look_again(tx: Tx, row: Row, after: float) -> bool:
    """The provider could not say yet."""
    changed = await tx.execute(
        "update outbox set lease_until = $4 where workspace_id = $1 and id = $2 and fence = $3 and state = 'unknown'",
        *_ours(tx, row),
        tx.now() + timedelta(seconds=after),
    )
    return bool(changed)


async def proved(tx: Tx, row: Row) -> bool:
    """End the doubt if the provider has told of the message by itself, while it was being sent. True: nothing is left
    to do, because it has, or because the row is not ours any more."""
    ours = await tx.fetchval(
        "select 1 from outbox where workspace_id = $1 and id = $2 and fence = $3"
        " and state in ('sending', 'unknown') for update",
        *_ours(tx, row),
    )
    if not ours:
        return True
    delivery = await tx.fetchval(
        "select delivery from messages where workspace_id = $1 and id = $2", tx.workspace_id, row["message_id"]
    )
    return delivery in _PROOF and await _settle(tx, row, "accepted")


async def uncertain(tx: Tx, row: Row, reason: str) -> bool:
    """Show it to a person, who decides whether it was sent."""
    if not await _settle(tx, row, "uncertain", error=reason):
        return False
    await record(
        tx, row["message_id"], DeliveryState.uncertain, code="uncertain", reason=reason, source="frontdesk", force=True
    )
    return True


async def release_held(tx: Tx, inbox_id: int) -> int:
    """The inbox works again: the oldest :data:`AT_ONCE` of what waited only for that may go. Returns how many went:
    none when nothing is left, or somebody else is at it, or the inbox has stopped working since."""
    oldest = await tx.fetch(_OLDEST_HELD, tx.workspace_id, inbox_id, AT_ONCE)
    locked = await tx.fetch(_LOCK_HELD, tx.workspace_id, [row["id"] for row in oldest])
    free = {row["id"] for row in locked}
    stuck = {row["conversation_id"] for row in oldest if row["id"] not in free}
    going = [row for row in oldest if row["conversation_id"] not in stuck]
    if not going:
        return 0
    await tx.execute(_RELEASE, tx.workspace_id, [row["id"] for row in going])
    await record_all(tx, [row["message_id"] for row in going], DeliveryState.queued, source="frontdesk")
    tx.wake()
    return len(going)
