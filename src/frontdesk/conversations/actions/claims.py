"""Claiming what is due: looking where that is, and taking it.

A row is claimed by at most one process (``FOR UPDATE SKIP LOCKED``), with a lease and a fencing number that grows with
every claim. Only the oldest unfinished row of a conversation can be claimed, so that the provider sees messages in the
order of commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from frontdesk.kit.transaction import Row, Tx

LEASE = timedelta(seconds=12)  # unless the settings say otherwise; renewed while the driver is at it
RATE_WINDOW = timedelta(minutes=1)
SEEN = 1000  # rows that are due: so many are looked at one by one

# Where something can be done, as far as the first rows tell that are due; and how many of them were looked at.
_DUE = """
select workspace_id, sum(seen)::int as seen, sum(ready)::int as ready from (
  select workspace_id, 1 as seen, (retry_at is null or retry_at <= $1)::int as ready from (
    select workspace_id, retry_at from outbox where state = 'queued' and due_at <= $1 order by due_at limit $2) early
  union all
  select workspace_id, 0, 1 from outbox where state in ('sending', 'unknown') and lease_until <= $1) found
group by workspace_id
"""

# When more than that are due: from the first row of an inbox to the first row of the next, among those that nobody has
# tried yet and among those that were put off.
_INBOX_BY_INBOX = """
  (select workspace_id, inbox_id, {time} as at from outbox where state = 'queued' and retry_at {null}
   order by workspace_id, inbox_id, {time}, id limit 1)
  union all
  select n.* from {name} f cross join lateral (
    select workspace_id, inbox_id, {time} as at from outbox
    where state = 'queued' and retry_at {null} and (workspace_id, inbox_id) > (f.workspace_id, f.inbox_id)
    order by workspace_id, inbox_id, {time}, id limit 1) n
"""
_DUE_OF_MANY = f"""
with recursive
fresh as ({_INBOX_BY_INBOX.format(name="fresh", time="due_at", null="is null")}),
again as ({_INBOX_BY_INBOX.format(name="again", time="retry_at", null="is not null")})
select workspace_id from fresh where at <= $1 union
select workspace_id from again where at <= $1 union
select workspace_id from outbox where state in ('sending', 'unknown') and lease_until <= $1
"""

_NEXT = """
select min(at) from (
  (select greatest(due_at, retry_at) as at from outbox where state = 'queued' order by due_at limit 50) union all
  (select lease_until from outbox where state in ('sending', 'unknown') order by lease_until limit 1)) t
"""

# An array, because that is read once: a join may read a subquery again for each row, and pass its limit by. By its
# place a row is found without its index; one that was changed just now has another, and is left for the next round.
#
# Inbox by inbox, so that nobody reads through the queue of one that has no room; in any order, so that none is always
# the last; and no more rows are locked than are taken. First what was put off and may go again: it waited longest.
_OF_AN_INBOX = """
    select * from (
      select q.ctid from outbox q
      where q.workspace_id = $1 and q.inbox_id = i.id and q.state = 'queued' and q.due_at <= $3 and q.retry_at {ready}
        and not exists (
          select 1 from outbox h where h.workspace_id = $1 and h.conversation_id = q.conversation_id
            and h.state in ('queued', 'sending', 'unknown') and h.due_at <= $3 and (h.due_at, h.id) < (q.due_at, q.id))
      order by q.{time}, q.id limit $4 for update of q skip locked) {name}
"""
CLAIM = f"""
update outbox o set
  state = 'sending', lease_until = $2, sending_since = $3, fence = nextval('outbox_fence'), attempts = attempts + 1,
  metered = o.inbox_id = any($6)
where o.workspace_id = $1 and o.ctid = any(array(
  select ready.ctid
  from (select id from inboxes where workspace_id = $1 and not (id = any($5)) order by random()) i
  cross join lateral ({_OF_AN_INBOX.format(name="again", time="retry_at", ready="<= $3")}
    union all {_OF_AN_INBOX.format(name="fresh", time="due_at", ready="is null")}) ready
  limit $4))
returning o.id as outbox_id, o.fence
"""

_EXPIRED = """
update outbox o set
  state = 'unknown', lease_until = $3, unknown_since = coalesce(unknown_since, $2), fence = nextval('outbox_fence')
where o.workspace_id = $1 and o.id = any(array(
  select q.id from outbox q where q.workspace_id = $1 and q.state in ('sending', 'unknown') and q.lease_until <= $2
    and not (q.inbox_id = any($5)) and not (q.id = any($6))
  order by q.lease_until limit $4 for update of q skip locked))
returning o.id as outbox_id, o.fence
"""

_RATED = """
select i.id, i.rate_per_minute <= (
  select count(*) from outbox o
  where o.workspace_id = $1 and o.inbox_id = i.id and o.metered and o.sending_since > $2) as full
from inboxes i where i.workspace_id = $1 and i.rate_per_minute is not null
"""


async def workspaces_with_due(tx: Tx) -> list[int]:
    """Across workspaces: those where something can be claimed now."""
    rows = await tx.fetch(_DUE, tx.now(), SEEN)
    if sum(row["seen"] for row in rows) < SEEN:
        return [row["workspace_id"] for row in rows if row["ready"]]
    return [row["workspace_id"] for row in await tx.fetch(_DUE_OF_MANY, tx.now())]


async def next_due(tx: Tx) -> float | None:
    """Across workspaces: in how many seconds the next row falls due; below zero when one already is."""
    at: datetime | None = await tx.fetchval(_NEXT)
    return None if at is None else (at - tx.now()).total_seconds()


async def rated_inboxes(tx: Tx) -> dict[int, bool]:
    """Those that have a rate, and whether they have sent as much in the last minute as it allows."""
    return {row["id"]: row["full"] for row in await tx.fetch(_RATED, tx.workspace_id, tx.now() - RATE_WINDOW)}


async def claim(
    tx: Tx, limit: int, *, lease: timedelta = LEASE, without: Sequence[int] = (), rated: Sequence[int] = ()
) -> list[Row]:
    """Take what may be sent now, but for inboxes ``without`` room; it is in state sending when this commits. What goes
    through inboxes with a rate is counted. Returns outbox ids and fences."""
    now = tx.now()
    return await tx.fetch(CLAIM, tx.workspace_id, now + lease, now, limit, list(without), list(rated))


async def renew(tx: Tx, rows: Sequence[Row], lease: timedelta) -> set[int]:
    """Whoever claimed these rows is still alive and at it. Returns the outbox ids of those that are still theirs."""
    renewed = await tx.fetch(
        "update outbox o set lease_until = $4 from unnest($2::bigint[], $3::bigint[]) mine (id, fence)"
        " where o.workspace_id = $1 and o.id = mine.id and o.fence = mine.fence and o.state = 'sending' returning o.id",
        tx.workspace_id,
        [row["outbox_id"] for row in rows],
        [row["fence"] for row in rows],
        tx.now() + lease,
    )
    return {row["id"] for row in renewed}


async def claim_expired(
    tx: Tx, limit: int, *, lease: timedelta = LEASE, without: Sequence[int] = (), here: Sequence[int] = ()
) -> list[Row]:
    """Take what somebody began to send and never settled: nobody knows whether the provider has it. What is under way
    ``here`` (outbox ids), or belongs to an inbox ``without`` room, is left for later."""
    now = tx.now()
    return await tx.fetch(_EXPIRED, tx.workspace_id, now, now + lease, limit, list(without), list(here))
