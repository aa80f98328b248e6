"""From the webhook to the message: against the floor of this machine, and against the obvious program."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.load import post, sentence, texts
from bench.measure import Meter, Spent, interleaved, median, median_ratio
from bench.place import SMS, Office, Place
from frontdesk.kit.transaction import Database

DRAINED_SECONDS = 120.0

_RAW = """
insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, point_id, author_name, text,
                      external_id, meta, raw_id, at)
select $1, c, 'in', 'contact', $2, p, '', t, e, $7, 1, $8
from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[]) as m (c, p, t, e)
"""

_DELIVERIES = """
insert into raw_deliveries (workspace_id, inbox_id, dedupe_key, body, state, received_at, done_at)
select $1, $2, k, b, 'done', $5, $5 from unnest($3::text[], $4::bytea[]) as r (k, b)
"""
_NEWCOMERS = """
with come as (
  select nextval(pg_get_serial_sequence('contacts', 'id')) as contact, value from unnest($3::text[]) as n (value)),
made as (insert into contacts (workspace_id, id) select $1, contact from come),
points as (
  insert into contact_points (workspace_id, contact_id, kind, value) select $1, contact, 'phone', value from come
  returning contact_id, id)
insert into conversations (workspace_id, contact_id, join_key, last_at, inbox_ids)
select $1, contact_id, 0, $4, array[$2::bigint] from points
returning id as conversation, (select p.id from points p where p.contact_id = conversations.contact_id) as point
"""
_CONVERSATIONS = """
update conversations c set
  inbound_count = c.inbound_count + 1, message_count = c.message_count + 1, last_at = $4, last_inbound_at = $4,
  last_preview = m.t, last_direction = 'in', last_audience = 'contact', waiting_since = coalesce(c.waiting_since, $4),
  rev = c.rev + 1
from unnest($2::bigint[], $3::text[]) as m (c, t) where c.workspace_id = $1 and c.id = m.c
"""
# Below zero, where no stream looks.
_EVENTS = """
insert into events (workspace_id, seq, at, kind, conversation_id)
select $1, s, $4, 'MessageReceived', c from unnest($2::bigint[], $3::bigint[]) as e (s, c)
"""


async def drained(connection: Any) -> None:
    """Wait until no delivery is waiting to be read."""
    ends = time.monotonic() + DRAINED_SECONDS
    while await connection.fetchval("select exists (select 1 from raw_deliveries where state = 'new')"):
        if time.monotonic() > ends:
            raise TimeoutError("deliveries are left that did not become messages")
        await asyncio.sleep(0.05)


class Lines:
    """What the sides of a comparison share: an office, a connection that sees everything, and a count."""

    def __init__(self, office: Office, owner: Any) -> None:
        self.office, self.owner = office, owner
        self.posted = 0
        self.seed = 0

    async def through(self, meter: Meter, count: int, connections: int) -> Spent:
        """Post deliveries to the product, and wait until they are messages."""
        self.seed += 1
        requests = texts(self.office.hook_url, count, seed=self.seed)
        self.posted += count
        with meter.measured(count) as spent:
            await post(self.office.url, requests, connections=connections, spent=spent)
            await drained(self.owner)
        await self.check()
        return spent

    async def check(self) -> None:
        """Every delivery is one message, and the bare rows do not count."""
        found = await self.owner.fetchval("select count(*) from messages where external_id like 'SM%'")
        if found != self.posted:
            raise AssertionError(f"{found} messages from {self.posted} deliveries")


@asynccontextmanager
async def lines(place: Place) -> AsyncIterator[Lines]:
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    try:
        yield Lines(office, owner)
    finally:
        await owner.close()


async def rows(owner: Any) -> list[tuple[int, int]]:
    """Conversations and points that messages can be inserted for."""
    found = await owner.fetch("select distinct conversation_id, point_id from messages where point_id is not null")
    return [(row["conversation_id"], row["point_id"]) for row in found]


async def insert_raw(
    db: Database, office: Office, places: list[tuple[int, int]], count: int, seed: int, *, bodies: Sequence[bytes] = ()
) -> None:
    """The same rows of messages and nothing else: 100 in a statement, two connections, each batch committed.

    With ``bodies``, all rows that the product writes: of deliveries, events, conversations, and for each tenth message
    a contact, an address and a conversation of their own.
    """
    chance = random.Random(seed)
    left = list(range(count))

    async def one(places: list[tuple[int, int]]) -> None:
        while left:
            batch, left[:] = left[:100], left[100:]
            where, said, now = [chance.choice(places) for _ in batch], [sentence(chance) for _ in batch], _now()
            async with db.begin(office.workspace_id) as tx:
                if bodies:
                    numbers = [f"+1206{seed:03d}{n:04d}" for n in batch[::10]]
                    come = await tx.fetch(_NEWCOMERS, office.workspace_id, office.inbox_id, numbers, now)
                    where[::10] = [(row["conversation"], row["point"]) for row in come]
                await tx.execute(
                    _RAW, office.workspace_id, office.inbox_id, [c for c, _ in where], [p for _, p in where], said,
                    [f"raw{seed}:{n}" for n in batch], {"to": SMS["number"]}, now,
                )  # fmt: skip
                if bodies:
                    last = {c: text for (c, _), text in zip(where, said, strict=True)}
                    await tx.execute(_CONVERSATIONS, office.workspace_id, list(last), list(last.values()), now)
                    await tx.execute(
                        _DELIVERIES, office.workspace_id, office.inbox_id, [f"raw{seed}:{n}" for n in batch],
                        [bodies[n] for n in batch], now,
                    )  # fmt: skip
                    numbered = [-(seed * 1_000_000 + n) for n in batch]
                    await tx.execute(_EVENTS, office.workspace_id, numbered, [c for c, _ in where], now)

    await asyncio.gather(one(places[::2]), one(places[1::2]))  # neither waits for a conversation of the other's


def _now() -> datetime:
    return datetime.now(UTC)


def _against_floor(found: dict[str, list[Spent]]) -> list[Gate]:
    full = [spent.per_item("postgres", "server") for spent in found["through"]]

    def share(bare: str) -> float:
        least = [a.per_item("server") + b.per_item() for a, b in zip(found["http"], found[bare], strict=True)]
        return statistics.median(100 * b / a for a, b in zip(full, least, strict=True))

    return [
        Gate.at_least("of the floor", share("insert_all"), 50, "%", note="CPU, webhook to message and events"),
        Gate.at_least("of the floor, stretch", share("insert_all"), 65, "%", kind="aim"),
        Gate.at_least("of a floor of message rows alone", share("insert"), 50, "%", kind="aim"),
        Gate.figure("floor: HTTP that does nothing", median(found["http"], "server"), "µs"),
        Gate.figure(
            "floor: all rows that are written, bare", median(found["insert_all"]), "µs",
            note="100 in a statement, client included",
        ),
        Gate.figure("bare message rows alone", median(found["insert"]), "µs"),
        Gate.figure("ours: web and worker", median(found["through"], "server"), "µs"),
        Gate.figure("ours: PostgreSQL", median(found["through"], "postgres"), "µs"),
        Gate.figure(
            "PostgreSQL, against bare rows", median_ratio(found["through"], found["insert_all"], "postgres"), "×"
        ),
        Gate.figure("messages by the clock", statistics.median(s.rate for s in found["through"]), "/s"),
    ]  # fmt: skip


@benchmark
async def floor(place: Place) -> list[Gate]:
    """The whole inbound trip against its floor: HTTP that does nothing, and the same rows barely written in batches."""
    count, connections = place.size(4000, quick=100), place.size(256, quick=8)
    async with lines(place) as line, line.office.resources() as resources:
        process = await line.office.start("run")
        nothing, url = await line.office.serve("nothing")
        hook = line.office.hook_url.replace(line.office.url, url)
        ours, theirs, bare = (
            Meter(postgres=place.pid, server=process.pid),
            Meter(server=nothing.pid),
            Meter(postgres=place.pid),
        )
        await line.through(ours, place.size(2000, quick=100), connections)
        places = await rows(line.owner)

        async def through() -> Spent:
            await place.settle(line.office)
            return await line.through(ours, count, connections)

        async def http() -> Spent:
            requests = texts(hook, count)
            with theirs.measured(count) as spent:
                await post(url, requests, connections=connections, spent=spent)
            return spent

        async def insert() -> Spent:
            await place.settle(line.office)
            line.seed += 1
            with bare.measured(count) as spent:
                await insert_raw(resources.db, line.office, places, count, line.seed)
            return spent

        async def insert_all() -> Spent:
            await place.settle(line.office)
            line.seed += 1
            bodies = [request.partition(b"\r\n\r\n")[2] for request in texts(hook, count, seed=line.seed)]
            with bare.measured(count) as spent:
                await insert_raw(resources.db, line.office, places, count, line.seed, bodies=bodies)
            return spent

        found = await interleaved(
            place.size(5, quick=1), through=through, http=http, insert=insert, insert_all=insert_all
        )
    return _against_floor(found)


@benchmark
async def against_orm(place: Place) -> list[Gate]:
    """The same deliveries through the obvious program: an object mapper and a transaction for each, 64 at a time."""
    count, few, connections = place.size(3000, quick=60), place.size(600, quick=20), place.size(64, quick=8)
    async with lines(place) as line:
        office = line.office
        process = await office.start("run")
        orm, url = await office.serve("orm", SMS["auth_token"], str(office.workspace_id), str(office.inbox_id))
        hook = office.hook_url.replace(office.url, url)
        ours, theirs = Meter(postgres=place.pid, server=process.pid), Meter(postgres=place.pid, server=orm.pid)

        async def through() -> Spent:
            await place.settle(office)
            return await line.through(ours, count, connections)

        async def mapper() -> Spent:
            line.seed += 1
            requests = texts(hook, few, seed=line.seed)
            line.posted += few
            with theirs.measured(few) as spent:
                await post(url, requests, connections=connections, spent=spent)
            return spent

        await through(), await mapper()
        found = await interleaved(place.size(3, quick=1), mapper=mapper, through=through)
    cpu = statistics.median(
        a.per_item("postgres", "server") / b.per_item("postgres", "server")
        for a, b in zip(found["mapper"], found["through"], strict=True)
    )
    clock = statistics.median(b.rate / a.rate for a, b in zip(found["mapper"], found["through"], strict=True))
    return [
        Gate.at_least("messages by the clock, against the mapper", clock, 20, "×"),
        Gate.at_least("messages by the clock, aim", clock, 30, "×", kind="aim"),
        Gate.at_least("CPU of the mapper, against ours", cpu, 20, "×", kind="aim", note="with PostgreSQL's"),
        Gate.figure("the mapper, CPU", median(found["mapper"], "postgres", "server"), "µs"),
        Gate.figure("ours, CPU", median(found["through"], "postgres", "server"), "µs"),
        Gate.figure("the mapper", statistics.median(s.rate for s in found["mapper"]), "/s"),
        Gate.figure("ours", statistics.median(s.rate for s in found["through"]), "/s"),
    ]


@benchmark
async def durability(place: Place) -> list[Gate]:
    """What the web process spends on a delivery that is committed before it is acknowledged, against one not kept."""
    count, connections = place.size(5000, quick=100), place.size(256, quick=8)
    async with lines(place) as line:
        office = line.office
        web = await office.start("web")
        unstored, url = await office.serve("unstored")
        hook = office.hook_url.replace(office.url, url)

        def side(pid: int, address: str, hook_url: str) -> Any:
            meter = Meter(server=pid)

            async def run() -> Spent:
                line.seed += 1
                requests = texts(hook_url, count, seed=line.seed)
                with meter.measured(count) as spent:
                    await post(address, requests, connections=connections, spent=spent)
                return spent

            return run

        kept, thrown = side(web.pid, office.url, office.hook_url), side(unstored.pid, url, hook)
        await kept(), await thrown()
        found = await interleaved(place.size(5, quick=1), kept=kept, thrown=thrown)
    return [
        Gate.at_most(
            "web process, committed against not kept",
            median_ratio(found["kept"], found["thrown"], "server"),
            1.25,
            "×",
            note="CPU",
        ),
        Gate.figure("committed", median(found["kept"], "server"), "µs"),
        Gate.figure("not kept", median(found["thrown"], "server"), "µs"),
        Gate.figure("acknowledged", statistics.median(s.rate for s in found["kept"]), "/s"),
    ]
