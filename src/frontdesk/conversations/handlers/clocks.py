"""What time alone brings about: snoozes that end, files to fetch, providers to compare with, old rows to sweep."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog

from frontdesk.channels import channel
from frontdesk.channels.port import FetchesMedia, Reconciles, Rejected
from frontdesk.conversations.actions import outbox
from frontdesk.conversations.actions.attach import settle_attachment
from frontdesk.conversations.actions.change import wake_snoozed
from frontdesk.inboxes import actions as inbox_actions
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock, meters
from frontdesk.kit.context import Resources
from frontdesk.kit.jobs import given_up, job
from frontdesk.kit.transaction import Row

KEEP_RAW = timedelta(days=30)
KEEP_EVENTS = timedelta(days=30)
KEEP_IDEMPOTENCY = timedelta(days=2)
KEEP_PARKED = timedelta(days=7)
RECONCILE_OVERLAP = timedelta(hours=2)
FIRST_RECONCILE = timedelta(days=1)  # how far back an inbox is compared that never was

_FETCHING = """
select a.*, m.inbox_id, m.conversation_id
from attachments a join messages m on m.workspace_id = $1 and m.id = a.message_id
where a.workspace_id = $1 and a.id = $2 and a.state = 'fetching'
"""

_RELEASABLE = """
select distinct o.workspace_id, o.inbox_id from outbox o
join inboxes i on i.workspace_id = o.workspace_id and i.id = o.inbox_id
where o.state = 'held' and i.enabled and i.deleted_at is null and i.health <> 'off'
"""

TOLERATED = 5.0  # seconds by which a clock may be set back: everything waits longer than that anyway
_AHEAD_IN = """
select distinct workspace_id from outbox
where (state = 'queued' and (due_at > $1 or retry_at > $1)) or (state in ('sending', 'unknown') and lease_until > $1)
"""
# What is due later than now, by a clock that was set back or because it was written since we looked, all becomes due
# now, whatever is being done with it: of two in one conversation the one that was written first stays the first.
_AHEAD_DUE = """
update outbox o set due_at = $2 from messages m
where o.workspace_id = $1 and o.state in ('queued', 'sending', 'unknown') and o.due_at > $2
  and m.workspace_id = $1 and m.id = o.message_id and m.due_at is null and exists (
    select 1 from outbox a join messages w on w.workspace_id = $1 and w.id = a.message_id and w.due_at is null
    where a.workspace_id = $1 and a.state = 'queued' and a.due_at > $3)
"""
_AHEAD = (  # $2 is now, $3 later than anything means that people did not choose
    (_AHEAD_DUE, timedelta(seconds=TOLERATED)),
    (
        "update outbox set retry_at = $2 where workspace_id = $1 and state = 'queued' and retry_at > $3",
        timedelta(hours=1),
    ),
    (
        "update outbox set lease_until = $2"
        " where workspace_id = $1 and state in ('sending', 'unknown') and lease_until > $3",
        timedelta(minutes=10),
    ),
)

SWEEP_BATCH = 5_000  # rows in one transaction: a month's worth in one would hold its locks for minutes

_SWEEP = "delete from {table} where ctid = any(array(select ctid from {table} where {column} < $1 limit $2))"
_SWEEPS = (
    (
        "update raw_deliveries set body = '', headers = '{}' where ctid = any(array(select ctid from raw_deliveries"
        " where state = 'done' and done_at < $1 and body <> '' limit $2))",
        KEEP_RAW,
    ),
    (_SWEEP.format(table="events", column="at"), KEEP_EVENTS),
    (_SWEEP.format(table="idempotency", column="created_at"), KEEP_IDEMPOTENCY),
    (_SWEEP.format(table="parked_receipts", column="at"), KEEP_PARKED),
    (_SWEEP.format(table="auto_replies", column="at"), KEEP_IDEMPOTENCY),
)

log = structlog.get_logger()


class SetBack:
    """Notices that the database's clock was set back, and lets nothing wait for a time that was never meant.

    What was written while the clock was ahead is due when it says so again, and a lease ends then: hours later. What
    people scheduled keeps its time. Looked at first is whatever happened while nobody looked.
    """

    def __init__(self) -> None:
        self._last: tuple[datetime, float] | None = None  # what the clock said, and when by one that is never set

    async def look(self, resources: Resources) -> int:
        """Returns how many outbox rows need not wait any more."""
        async with resources.db.across() as tx:
            now, at = tx.now(), time.monotonic()
            last, self._last = self._last, (now, at)
            if last and (now - last[0]).total_seconds() > at - last[1] - TOLERATED:
                return 0
            rows = await tx.fetch(_AHEAD_IN, now)
        freed = 0
        for row in rows:
            async with resources.db.begin(row["workspace_id"]) as tx:
                for sql, longest in _AHEAD:
                    freed += await tx.execute(sql, row["workspace_id"], now, now + longest)
                tx.wake()
        if freed:
            log.warning("the clock was set back; what waited for its later time does not wait", count=freed)
        return freed


async def end_snoozes(resources: Resources) -> int:
    """Open every conversation whose snooze is over."""
    now = clock.now()
    async with resources.db.across() as tx:
        rows = await tx.fetch(
            "select distinct workspace_id from conversations where status = 'snoozed' and snoozed_until <= $1", now
        )
    woken = 0
    for row in rows:
        async with resources.db.begin(row["workspace_id"]) as tx:
            woken += await wake_snoozed(tx, now)
    return woken


async def release(resources: Resources) -> int:
    """Let go what was held only because its inbox did not work, now that it does again: some of each inbox in turn,
    until none has any left."""
    async with resources.db.across() as tx:
        rows = await tx.fetch(_RELEASABLE)
    released = 0
    while rows:
        more = []
        for row in rows:
            async with resources.db.begin(row["workspace_id"]) as tx:
                if some := await outbox.release_held(tx, row["inbox_id"]):
                    more.append(row)
                    released += some
        rows = more
    return released


async def make_way(resources: Resources) -> int:
    """Fail what its provider keeps putting off while later messages of its conversation wait."""
    patience = timedelta(seconds=resources.settings.block_after)
    async with resources.db.across() as tx:
        rows = await outbox.in_the_way(tx, patience)
    ways: dict[int, list[int]] = {}
    for row in rows:
        ways.setdefault(row["workspace_id"], []).append(row["id"])
    made = 0
    for workspace_id, ids in ways.items():
        async with resources.db.begin(workspace_id) as tx:
            made += await outbox.give_way(tx, ids, patience)
    return made


async def reconcile(resources: Resources, row: Row) -> int:
    """Ask one inbox's provider what it has, and store what it never delivered; returns how many that were.

    Asked for is what came since the last time that this worked: a failure moves nothing on, and leaves no gap.
    """
    driver = channel(row["channel"]).driver
    if not isinstance(driver, Reconciles):
        return 0
    account = inboxes.account(resources.vault, resources.settings.url, row)
    began = clock.now()
    since = row["compared_at"] or began - FIRST_RECONCILE
    raws = [raw async for raw in driver.missed(account, since=since - RECONCILE_OVERLAP)]
    async with resources.db.begin(row["workspace_id"]) as tx:
        found = await inbox_actions.store(tx, row["id"], raws) if raws else 0
        await tx.execute(
            "update inboxes set compared_at = $3, missed_at = case when $4 then $3 else missed_at end"
            " where workspace_id = $1 and id = $2",
            tx.workspace_id,
            row["id"],
            began,
            found > 0,
        )
    if found:
        meters.reconcile_missing.labels(row["channel"]).inc(found)
        log.warning("recovered deliveries that the provider never made", inbox=row["id"], count=found)
    return found


async def sweep(resources: Resources) -> None:
    """Remove what nothing needs any more. Raw rows keep their dedupe key: only their bytes go."""
    for sql, keep in _SWEEPS:
        while True:
            async with resources.db.across() as tx:
                swept = await tx.execute(sql, tx.now() - keep, SWEEP_BATCH)
            if swept < SWEEP_BATCH:
                break


@job("conversations.fetch_media")
async def fetch_media(resources: Resources, *, workspace_id: int, attachment_id: int) -> None:
    """Download an attachment that came as an address. Raising tries again later; a refusal is shown on the message."""
    async with resources.db.begin(workspace_id) as tx:
        row = await tx.fetchrow(_FETCHING, workspace_id, attachment_id)
        if row is None:
            return
        inbox = await inboxes.get(tx, row["inbox_id"])
    driver = channel(inbox["channel"]).driver
    account = inboxes.account(resources.vault, resources.settings.url, inbox)
    digest, size, content_type, error = None, 0, row["content_type"], None
    try:
        if not isinstance(driver, FetchesMedia):
            raise Rejected("This channel cannot fetch files.")
        data, content_type = await driver.fetch(row["source_url"], account)
        digest, size = await resources.files.put(data), len(data)
    except Rejected as refused:
        error = str(refused)
    async with resources.db.begin(workspace_id) as tx:
        await settle_attachment(tx, row, digest=digest, size=size, content_type=content_type, error=error)


@given_up("conversations.fetch_media")
async def give_up_media(resources: Resources, *, workspace_id: int, attachment_id: int) -> None:
    """Say on the message that this attachment will not come."""
    async with resources.db.begin(workspace_id) as tx:
        row = await tx.fetchrow(_FETCHING, workspace_id, attachment_id)
        if row is not None:
            sentence = "This file could not be fetched from the provider, and is not tried any more."
            await settle_attachment(tx, row, digest=None, size=0, content_type=row["content_type"], error=sentence)
