"""The inbound trip's second half: stored deliveries become messages, a batch at a time.

One process at a time ingests a workspace (:mod:`frontdesk.kit.locks`), so that messages stand in the order in which
their deliveries were stored. Parsing happens outside any transaction; what it yields, and that the deliveries are done,
commits together. A delivery that cannot be parsed, or that makes the transaction fail, is set aside by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from frontdesk.channels import channel
from frontdesk.channels.port import Account, Inbound, Incoming, Item, Raw, Receipt
from frontdesk.conversations import rules
from frontdesk.conversations.actions import Arrival, Kept, receive, take_receipts
from frontdesk.inboxes import actions as inbox_actions
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock, crash, locks, meters
from frontdesk.kit.context import Resources
from frontdesk.kit.hiding import hide
from frontdesk.kit.losses import gone
from frontdesk.kit.secrets import KeyProblem
from frontdesk.kit.transaction import PASSING, UNHURRIED, Row, Tx

BATCH = 250  # deliveries in one transaction: what each costs falls steeply up to 100 and little above 250
BYTES = 32 * 2**20  # of deliveries in one transaction, or one that has more: all of them are held in memory
SIDE_BY_SIDE = 3  # workspaces; each holds a connection meanwhile
TURN = 1.0  # seconds of batches of one workspace, after which the others have theirs
PARSING = 20.0  # seconds of reading in one batch
TRIES = 3
_LOCK = 7_305_002  # advisory lock class; the workspace id is its second part

log = structlog.get_logger()

_READY = "select distinct workspace_id from raw_deliveries where state = 'new'"
_TAKE = """
select * from (
  select r.*, i.channel, i.name as inbox_name,
         sum(octet_length(r.body)) over (order by r.id rows between unbounded preceding and 1 preceding) as before
  from raw_deliveries r join inboxes i on i.workspace_id = $1 and i.id = r.inbox_id
  where r.workspace_id = $1 and r.state = 'new' and ($2::bigint[] is null or r.id = any($2)) order by r.id limit $3) r
where before is null or before < $4 order by id
"""

# Whether a run was noted matters when the process ends, not when the database does.
_NOTE_RUN = f"insert into ingest_runs (workspace_id, raw_ids, started_at) values ($1, $2, $3) returning {UNHURRIED}"
_FORGET_RUN = f"delete from ingest_runs where workspace_id = $1 returning {UNHURRIED}"

# Only a run of one delivery shows which one ended the process.
_SUSPECT = """
update raw_deliveries set attempts = attempts + 1,
  state = case when attempts + 1 >= $3 then 'set_aside' else state end,
  error = case when attempts + 1 >= $3 then 'The process ended three times while reading this.' else error end
where workspace_id = $1 and id = any($2) and state = 'new' and cardinality($2) = 1
"""


@dataclass
class Parsed:
    """One delivery after parsing: what it means, or why it cannot be read."""

    row: Row
    arrivals: list[Arrival] = field(default_factory=list)
    receipts: list[tuple[int, Receipt]] = field(default_factory=list)
    error: str | None = None


async def ingest(resources: Resources) -> int:
    """Ingest what is waiting, in all workspaces; returns the number of deliveries taken. Of a long queue the rest may
    be left: what has come to other workspaces meanwhile has its turn."""
    async with resources.db.across() as tx:
        waiting = [row["workspace_id"] for row in await tx.fetch(_READY)]
    room, errors = asyncio.Semaphore(SIDE_BY_SIDE), []

    async def one(workspace_id: int) -> int:
        async with room:
            try:
                return await ingest_workspace(resources, workspace_id)
            except Exception as error:  # the other workspaces must not wait for what is wrong with this one
                errors.append(error)
                return 0

    taken = sum(await asyncio.gather(*(one(workspace_id) for workspace_id in waiting)))
    if errors:
        raise errors[0]
    return taken


async def ingest_workspace(resources: Resources, workspace_id: int) -> int:
    """Ingest one workspace until nothing is left or its turn is over, unless another process is at it."""
    taken, ends = 0, time.monotonic() + TURN
    async with resources.db.session() as connection:
        if not await locks.take(connection, _LOCK, workspace_id, hung_after=resources.settings.hung_after):
            return 0
        try:
            taken += await _after_crash(resources, connection, workspace_id)
            while rows := await _take(resources, connection, workspace_id, None, BATCH):
                done = await _batch(resources, connection, workspace_id, rows)
                taken += done
                if done == len(rows) < BATCH and sum(len(row["body"]) for row in rows) < BYTES:
                    break
                if time.monotonic() > ends:
                    break
        finally:
            await locks.free(connection, _LOCK, workspace_id)
    return taken


async def _take(
    resources: Resources, connection: Any, workspace_id: int, ids: list[int] | None, limit: int
) -> list[Row]:
    """The oldest waiting deliveries. A run is noted with them, so that one which kills the process is found again."""
    async with resources.db.on(connection, workspace_id) as tx:
        rows = await tx.fetch(_TAKE, workspace_id, ids, limit, BYTES)
        if rows:
            await tx.execute(_NOTE_RUN, workspace_id, [row["id"] for row in rows], clock.now())
        return rows


async def _after_crash(resources: Resources, connection: Any, workspace_id: int) -> int:
    """Deliveries of a run that never ended are suspects: they are taken a tenth at a time, at last one by one, and the
    one that ended three runs alone is set aside."""
    async with resources.db.on(connection, workspace_id) as tx:
        runs = await tx.fetch("delete from ingest_runs where workspace_id = $1 returning raw_ids", workspace_id)
        suspects = sorted({raw_id for run in runs for raw_id in run["raw_ids"]})
        if not suspects:
            return 0
        await tx.execute(_SUSPECT, workspace_id, suspects, TRIES)
    tenth = -(-len(suspects) // 10)
    for first in range(0, len(suspects), tenth):
        some = suspects[first : first + tenth]
        while rows := await _take(resources, connection, workspace_id, some, tenth):
            if await _batch(resources, connection, workspace_id, rows) == len(some):
                break
    return len(suspects)


async def _batch(resources: Resources, connection: Any, workspace_id: int, rows: Sequence[Row]) -> int:
    """Returns how many of these deliveries are done, from the first on; the others wait for the next batch."""
    try:
        accounts = await _accounts(resources, connection, workspace_id, {row["inbox_id"] for row in rows})
        # In a thread: a driver may read a hostile mail for seconds, and the rest of the process must not wait for it.
        async with locks.signs_of_life(connection, hung_after=resources.settings.hung_after):
            meanings = await asyncio.to_thread(_meanings, rows, accounts)
            parsed = [await _parse(resources, row, meaning) for row, meaning in zip(rows, meanings, strict=False)]
        if len(parsed) == 1:  # it was read without harm: whatever ends the process from here on is not its fault
            await _forget_run(resources, connection, workspace_id)
        await _store_all(resources, connection, workspace_id, parsed)
        return len(parsed)
    except PASSING:
        if not gone(connection):  # this run was not ended by what it read: nobody is a suspect
            await _forget_run(resources, connection, workspace_id)
        raise


async def _forget_run(resources: Resources, connection: Any, workspace_id: int) -> None:
    async with resources.db.on(connection, workspace_id) as tx:
        await tx.execute(_FORGET_RUN, workspace_id)


async def _store_all(resources: Resources, connection: Any, workspace_id: int, parsed: Sequence[Parsed]) -> None:
    try:
        await _store(resources, connection, workspace_id, parsed)
    except PASSING:
        raise
    except Exception as error:
        if gone(connection):
            raise
        log.warning(
            "a batch failed and is taken one by one", workspace=workspace_id, error=repr(error), size=len(parsed)
        )
        for one in parsed:
            await _store_alone(resources, connection, workspace_id, one)


async def _accounts(
    resources: Resources, connection: Any, workspace_id: int, ids: set[int]
) -> dict[int, Account | KeyProblem]:
    """Each inbox as its driver sees it, or why its credentials cannot be opened."""
    async with resources.db.on(connection, workspace_id) as tx:
        rows = await tx.fetch("select * from inboxes where workspace_id = $1 and id = any($2)", workspace_id, list(ids))
    found: dict[int, Account | KeyProblem] = {}
    for row in rows:
        try:
            found[row["id"]] = inboxes.account(resources.vault, resources.settings.url, row)
        except KeyProblem as problem:
            found[row["id"]] = problem
    return found


def _meanings(rows: Sequence[Row], accounts: dict[int, Account | KeyProblem]) -> list[Sequence[Item] | Exception]:
    """What the first of these mean, at least one, until :data:`PARSING` is over: what was read is stored soon."""
    began, found = time.monotonic(), []
    for row in rows:
        found.append(_meaning(row, accounts[row["inbox_id"]]))
        if time.monotonic() - began > PARSING:
            break
    return found


def _meaning(row: Row, account: Account | KeyProblem) -> Sequence[Item] | Exception:
    """What the driver makes of a delivery, or why it cannot."""
    try:
        if isinstance(account, KeyProblem):
            return account
        raw = Raw(dedupe_key=row["dedupe_key"], body=row["body"], headers=row["headers"], meta=row["meta"])
        return list(channel(row["channel"]).driver.parse(raw, account))
    except Exception as error:
        return error


async def _parse(resources: Resources, row: Row, meaning: Sequence[Item] | Exception) -> Parsed:
    """A delivery with its files kept. Raises only what passes: the place for files is full or away."""
    parsed = Parsed(row)
    try:
        if isinstance(meaning, Exception):
            raise meaning
        made = channel(row["channel"])
        for item in meaning:
            if isinstance(item, Inbound):
                parsed.arrivals.append(
                    Arrival(
                        raw_id=row["id"], trace=row["trace"], inbox_id=row["inbox_id"], inbox_name=row["inbox_name"],
                        channel=made, received_at=row["received_at"], item=item,
                        files=[await _keep(resources, file) for file in item.attachments] if item.attachments else (),
                    )
                )  # fmt: skip
            else:
                parsed.receipts.append((row["inbox_id"], item))
    except _FilesAway as away:
        raise OSError("the place for files does not take any") from away.__cause__
    except Exception as error:
        log.warning(
            "a delivery cannot be read and is set aside", raw=row["id"], inbox=row["inbox_id"], error=repr(error)
        )
        parsed.arrivals, parsed.receipts = [], []
        parsed.error = _told(error)
    return parsed


def _told(error: Exception) -> str:
    return hide(rules.clean(f"{type(error).__name__}: {error}"))[:2000]


class _FilesAway(Exception):
    """Not the delivery is at fault but the place for files."""


async def _keep(resources: Resources, file: Incoming) -> Kept:
    """Put an incoming file's bytes into the store before the message that names them exists."""
    try:
        if file.data is not None:
            return Kept(file=file, hash=await resources.files.put(file.data), size=len(file.data))
        if file.url and file.url.startswith("file:"):
            digest = file.url.removeprefix("file:")
            return Kept(file=file, hash=digest, size=await resources.files.size(digest) or 0)
    except OSError as error:
        raise _FilesAway from error
    return Kept(file=file, hash=None, size=0)


async def _store(resources: Resources, connection: Any, workspace_id: int, parsed: Sequence[Parsed]) -> None:
    """One transaction: messages, receipts, and that these deliveries are done."""
    crash.point("ingest: parsed")
    now = clock.now()
    async with resources.db.on(connection, workspace_id) as tx:
        await receive(tx, [arrival for one in parsed for arrival in one.arrivals])
        await take_receipts(tx, [receipt for one in parsed for receipt in one.receipts])
        good = [one.row["id"] for one in parsed if one.error is None]
        bad = [(one.row["id"], one.error) for one in parsed if one.error is not None]
        await tx.execute(
            "update raw_deliveries set state = 'done', done_at = $3, error = null"
            " where workspace_id = $1 and id = any($2)",
            workspace_id,
            good,
            now,
        )
        for raw_id, error in bad:
            await _set_aside(tx, raw_id, str(error))
        await inbox_actions.note_life(tx, sorted({one.row["inbox_id"] for one in parsed if one.error is None}))
        await tx.execute("delete from ingest_runs where workspace_id = $1", workspace_id)
    clocks = {name: meters.processing.labels(name) for name in {one.row["channel"] for one in parsed}}
    for one in parsed:
        if one.error is None:
            clocks[one.row["channel"]].observe(max(0.0, (now - one.row["received_at"]).total_seconds()))


async def _store_alone(resources: Resources, connection: Any, workspace_id: int, one: Parsed) -> None:
    try:
        await _store(resources, connection, workspace_id, [one])
    except PASSING:
        raise
    except Exception as error:
        if gone(connection):
            raise
        log.error("a delivery fails in the database and is set aside", raw=one.row["id"], error=repr(error))
        async with resources.db.on(connection, workspace_id) as tx:
            await _set_aside(tx, one.row["id"], _told(error))
            await tx.execute("delete from ingest_runs where workspace_id = $1", workspace_id)


async def _set_aside(tx: Tx, raw_id: int, error: str) -> None:
    """Keep it where people see it; it can be replayed."""
    await tx.execute(
        "update raw_deliveries set state = 'set_aside', attempts = attempts + 1, error = $3"
        " where workspace_id = $1 and id = $2",
        tx.workspace_id,
        raw_id,
        error,
    )
