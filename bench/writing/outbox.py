"""Taking what is due and writing down that it went: against a queue library, and beside a million rows that wait."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import asyncpg
from pgqueuer.domain.types import QueueExecutionMode
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.measure import Meter, Spent, interleaved, median, median_ratio, percentile
from bench.place import Office, Place
from frontdesk.channels import channel
from frontdesk.channels.port import Account, Outbound, Sent
from frontdesk.conversations.actions import claims, outbox
from frontdesk.conversations.handlers import dispatch
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.kit.context import Resources
from frontdesk.kit.jobs import library
from frontdesk.kit.transaction import Database

BATCH = 50

# Contacts with a conversation each, and in each conversation a message that waits to be sent.
_FILL = """
with c as (insert into contacts (workspace_id, name) select $1, 'Queue' from generate_series(1, $3) returning id),
p as (insert into contact_points (workspace_id, contact_id, kind, value)
  select $1, id, 'phone', '+1300' || id from c returning id, contact_id),
v as (insert into conversations (workspace_id, contact_id, last_at) select $1, contact_id, now() from p
  returning id, contact_id),
m as (insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, point_id, text, delivery, at)
  select $1, v.id, 'out', 'contact', $2, p.id, 'On our way.', 'queued', now() from v join p using (contact_id)
  returning id, conversation_id)
insert into outbox (workspace_id, message_id, conversation_id, inbox_id, key, due_at)
select $1, id, conversation_id, $2, gen_random_uuid(), now() - interval '1 second' from m
"""

# A million messages that are due in the next year, in 20,000 conversations. Referential checks and the triggers of the
# tables of words are left out while it is filled: nothing of them is measured here.
_SCHEDULED = """
set session_replication_role = replica;
with m as (
  insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, text, delivery, at, due_at)
  select {workspace}, (select min(id) from conversations) + n % 20000, 'out', 'contact', {inbox}, 'Tomorrow.',
    'scheduled', now(), now() + interval '1 day' + n * interval '30 seconds'
  from generate_series(1, {count}) n returning id, conversation_id, due_at)
insert into outbox (workspace_id, message_id, conversation_id, inbox_id, key, due_at)
select {workspace}, id, conversation_id, {inbox}, gen_random_uuid(), due_at from m;
set session_replication_role = origin;
"""


async def _fill(owner: Any, office: Office, count: int) -> None:
    await owner.execute(_FILL, office.workspace_id, office.inbox_id, count)


@benchmark
async def queue(place: Place) -> list[Gate]:
    """Claim and acknowledgement of what is due, in batches of 50, against pgqueuer with the same batches."""
    count = place.size(10_000, quick=100)
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    connection = await asyncpg.connect(**office.connect_args)
    db = await Database.open(office.connect_args)
    queries = library(connection)
    meter = Meter(postgres=place.pid)
    try:

        async def ours() -> Spent:
            await _fill(owner, office, count)
            await place.settle(office)
            with meter.measured(count) as spent:
                for _ in range(count // BATCH):
                    async with db.begin(office.workspace_id, planned=True) as tx:
                        claimed = await claims.claim(tx, BATCH)
                    async with db.begin(office.workspace_id, planned=True) as tx:
                        if len(await outbox.acknowledge(tx, claimed)) != BATCH:
                            raise AssertionError("a claimed row was not acknowledged")
            return spent

        async def theirs() -> Spent:
            await queries.enqueue(["bench"] * count, [b"{}"] * count, [0] * count)
            await place.settle(office)
            manager = QueueManager(queries)

            @manager.entrypoint("bench")
            async def nothing(job: Job) -> None:
                pass

            with meter.measured(count) as spent:
                await manager.run(dequeue_timeout=timedelta(seconds=1), batch_size=BATCH, mode=QueueExecutionMode.drain)
            if left := await queries.queue_size():
                raise AssertionError(f"the library left {left}")
            return spent

        found = await interleaved(place.size(5, quick=1), ours=ours, theirs=theirs)
    finally:
        await db.close()
        await connection.close()
        await owner.close()
    ratio = median_ratio(found["theirs"], found["ours"])
    return [
        Gate.at_least("CPU of pgqueuer, against ours", ratio, 5, "×", note="PostgreSQL and Python, no-op sending"),
        Gate.figure("ours: PostgreSQL", median(found["ours"], "postgres"), "µs"),
        Gate.figure("ours: Python", median(found["ours"], "client"), "µs"),
        Gate.figure("pgqueuer: PostgreSQL", median(found["theirs"], "postgres"), "µs"),
        Gate.figure("pgqueuer: Python", median(found["theirs"], "client"), "µs"),
    ]


@benchmark
async def sent(place: Place) -> list[Gate]:
    """A message from its claim until its outcome is written down, by the product's own dispatcher, through a provider
    that takes everything at once."""
    count = place.size(2000, quick=50)
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    numbers = itertools.count()

    async def take(message: Outbound, account: Account) -> Sent:
        return Sent(external_id=f"taken-{next(numbers)}")

    rounds = []
    try:
        with patch.object(type(channel("sms").driver), "send", lambda _, *asked: take(*asked)):
            async with office.resources() as resources:
                for _ in range(place.size(3, quick=1)):
                    await _fill(owner, office, count)
                    await place.settle(office)
                    with Meter(postgres=place.pid).measured(count) as spent:
                        await _send_all(resources)
                    rounds.append(spent)
        if await owner.fetchval("select count(*) from outbox where state <> 'accepted'"):
            raise AssertionError("a message was not sent")
    finally:
        await owner.close()
    return [
        Gate.figure("a message, from the claim until its outcome is written down", median(rounds), "µs", note="CPU"),
        Gate.figure("of that PostgreSQL", median(rounds, "postgres"), "µs"),
        Gate.figure("by the clock", statistics.median(spent.rate for spent in rounds), "/s"),
    ]


async def _send_all(resources: Resources) -> None:
    """As the worker does it: again whenever something under way has ended, until nothing is due."""
    bell = asyncio.Event()
    under_way = UnderWay(bell.set)
    while True:
        bell.clear()
        while await dispatch.dispatch(resources, under_way):  # noqa: ASYNC110  (no waiting: others get their turn)
            await asyncio.sleep(0)
        async with resources.db.across() as tx:
            left = await claims.next_due(tx)
        if left is None:
            return await under_way.settled()
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), 0.2)


@benchmark
async def backlog(place: Place) -> list[Gate]:
    """What a round of the worker costs while 100,000 messages are due in an inbox that has as much under way as it may:
    for another inbox, whose messages must not wait for that, and against the same round beside 1,000."""
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    db = await Database.open(office.connect_args)
    sizes = {"small": place.size(1000, quick=50), "large": place.size(100_000, quick=100)}
    rounds: dict[str, dict[str, list[float]]] = {}
    try:
        there = 0
        for name, size in sizes.items():
            await owner.execute("set session_replication_role = replica")  # no triggers of the tables of words
            await _fill(owner, office, size - there)
            await owner.execute("vacuum analyze outbox")
            rounds[name], there = await _looks(db, office, place.size(20, quick=5)), size
    finally:
        await db.close()
        await owner.close()
    gates = []
    for name, what in _LOOKS.items():
        large, small = (percentile(rounds[size][name], 0.5) for size in ("large", "small"))
        gates.append(Gate.at_most(f"{what}, p50", large, 2.0, "ms", note=f"beside 1,000: {small:.2f} ms"))
    return gates


_LOOKS = {"due": "where something is due", "claim": "a claim for the others", "next": "when the next one falls due"}


async def _looks(db: Database, office: Office, times: int) -> dict[str, list[float]]:
    """Milliseconds of what a worker asks when it has been rung for and the busy inbox may send no more."""
    spent: dict[str, list[float]] = {name: [] for name in _LOOKS}
    for _ in range(times):
        async with db.across() as tx:
            began = time.perf_counter()
            if await claims.workspaces_with_due(tx) != [office.workspace_id]:
                raise AssertionError("nothing was due")
            spent["due"].append((time.perf_counter() - began) * 1000)
        async with db.begin(office.workspace_id, planned=True) as tx:
            began = time.perf_counter()
            if await claims.claim(tx, 20, without=[office.inbox_id]):
                raise AssertionError("a busy inbox was asked to send")
            spent["claim"].append((time.perf_counter() - began) * 1000)
        async with db.across() as tx:
            began = time.perf_counter()
            await claims.next_due(tx)
            spent["next"].append((time.perf_counter() - began) * 1000)
    return spent


@benchmark
async def empty_poll(place: Place) -> list[Gate]:
    """What it costs to find nothing due among a million messages that wait for their time."""
    count = place.size(1_000_000, quick=2000)
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    db = await Database.open(office.connect_args)
    try:
        await _fill(owner, office, place.size(20_000, quick=100))
        await owner.execute("delete from outbox")
        await owner.execute(_SCHEDULED.format(workspace=office.workspace_id, inbox=office.inbox_id, count=count))
        await owner.execute("vacuum analyze")
        there, here = await _polls(db, office, place.size(500, quick=20))
    finally:
        await db.close()
        await owner.close()
    return [
        Gate.at_most("the claim's own time in the database, p50", percentile(there, 0.5), 1.0, "ms"),
        Gate.at_most(
            "the product's look for due work, p50",
            percentile(here["due"], 0.5),
            1.0,
            "ms",
            note="its statement, from Python",
        ),
        Gate.at_most(
            "the product's claim, p50", percentile(here["claim"], 0.5), 1.0, "ms", note="its statement, from Python"
        ),
        Gate.figure("when the next one falls due, p50", percentile(here["next"], 0.5), "ms"),
        Gate.figure("the product's claim, p99", percentile(here["claim"], 0.99), "ms"),
    ]


async def _polls(db: Database, office: Office, times: int) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds of polls that find nothing: as the database tells them, and around the product's functions."""
    here: dict[str, list[float]] = {"due": [], "claim": [], "next": []}
    for _ in range(times):
        async with db.across() as tx:
            for name, look in (("due", claims.workspaces_with_due), ("next", claims.next_due)):
                began = time.perf_counter()
                found = await look(tx)
                here[name].append((time.perf_counter() - began) * 1000)
                if name == "due" and found:
                    raise AssertionError("something was due")
        async with db.begin(office.workspace_id) as tx:
            began = time.perf_counter()
            claimed = await claims.claim(tx, 20)
            here["claim"].append((time.perf_counter() - began) * 1000)
            if claimed:
                raise AssertionError("something was claimed")
    there = []
    async with db.begin(office.workspace_id) as tx:
        now = tx.now()
        for _ in range(min(times, 100)):
            plan = await tx.fetchval(
                f"explain (analyze, timing off, format json) {claims.CLAIM}",
                office.workspace_id, now + timedelta(seconds=12), now, 20, [], [],
            )  # fmt: skip
            there.append(plan[0]["Execution Time"])
    return there, here
