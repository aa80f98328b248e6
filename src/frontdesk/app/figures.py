"""What waits and how old it is, asked of the database: for ``/metrics`` and for the alerts, from the same statements.

Each statement is answered from a partial index or a small table, so that asking costs the same in a large workspace as
in a small one. ``$1`` is a workspace, or null for all of them (the names of labels come from the columns).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from frontdesk.conversations.rules import RESTORED
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Tx

WORKER_LOCK = 7_305_007  # advisory, shared: every worker holds it while it lives

_MINE = "($1::bigint is null or {0}.workspace_id = $1)"
_R, _O, _I = (_MINE.format(name) for name in "roi")


@dataclass(frozen=True)
class Figure:
    """One measured thing. ``sql`` has a column ``value``; every other column is a label."""

    name: str
    words: str
    sql: str


@dataclass(frozen=True)
class Sample:
    """One value of a figure."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


FIGURES = (
    Figure(
        "frontdesk_raw_backlog",
        "Deliveries that are stored and not yet read.",
        f"select count(*) as value from raw_deliveries r where r.state = 'new' and {_R}",
    ),
    Figure(
        "frontdesk_raw_oldest_seconds",
        "Age of the oldest of them.",
        "select coalesce(extract(epoch from clock_timestamp() - min(r.received_at)), 0) as value"
        f" from raw_deliveries r where r.state = 'new' and {_R}",
    ),
    Figure(
        "frontdesk_set_aside",
        "Deliveries that could not be read.",
        "select i.channel, count(*) as value from raw_deliveries r"
        " join inboxes i on i.workspace_id = r.workspace_id and i.id = r.inbox_id"
        f" where r.state = 'set_aside' and {_R} group by i.channel",
    ),
    Figure(
        "frontdesk_outbox",
        "Outgoing messages that are not finished, by state.",
        "select o.state, i.channel, sum(n) as value from ("
        + " union all ".join(
            f"select workspace_id, inbox_id, '{state}' as state, count(*) as n from outbox o"
            f" where o.state = '{state}' and {_O} group by 1, 2"
            for state in ("queued", "sending", "unknown", "held")
        )
        + ") o join inboxes i on i.workspace_id = o.workspace_id and i.id = o.inbox_id group by 1, 2",
    ),
    Figure(
        "frontdesk_outbox_oldest_seconds",
        "How long the oldest message that could go out has been waiting.",
        "select i.channel, greatest(max(extract(epoch from"
        " clock_timestamp() - greatest(o.due_at, o.retry_at))), 0) as value from outbox o"
        " join inboxes i on i.workspace_id = o.workspace_id and i.id = o.inbox_id"
        " where o.state = 'queued' and o.due_at <= clock_timestamp()"
        f" and coalesce(o.retry_at, o.due_at) <= clock_timestamp() and {_O} group by i.channel",
    ),
    Figure(
        "frontdesk_uncertain_oldest_seconds",
        "How long the oldest message of which nobody knows whether it was sent has been waiting for a person.",
        "select coalesce(max(extract(epoch from clock_timestamp() - o.sending_since)), 0) as value from outbox o"
        f" where o.state = 'uncertain' and {_O}",
    ),
    Figure(
        "frontdesk_restored_held",
        "Messages that are held since a backup was restored.",
        "select count(*) as value from outbox o where o.state = 'held'"
        f" and o.last_error = '{RESTORED.sentence}' and {_O}",
    ),
    Figure(
        "frontdesk_inboxes",
        "Inboxes that are switched on, by how they are.",
        "select i.channel, i.health, count(*) as value from inboxes i"
        f" where i.enabled and i.deleted_at is null and {_I} group by 1, 2",
    ),
    Figure(
        "frontdesk_inbox_missed_seconds",
        "Since when a provider last failed to deliver something that was then fetched.",
        "select i.channel, min(extract(epoch from clock_timestamp() - i.missed_at)) as value from inboxes i"
        f" where i.missed_at is not null and i.deleted_at is null and {_I} group by 1",
    ),
    Figure(
        "frontdesk_backup_age_seconds",
        "Age of the newest backup, once there was one.",
        "select extract(epoch from clock_timestamp() - max((w.settings ->> 'backed_up_at')::timestamptz)) as value"
        " from workspaces w where w.settings ? 'backed_up_at' and ($1::bigint is null or w.id = $1)",
    ),
    Figure(
        "frontdesk_workers",
        "Workers that are alive.",
        "select count(*) as value from pg_locks where locktype = 'advisory' and granted and mode = 'ShareLock'"
        f" and database = (select oid from pg_database where datname = current_database())"
        f" and classid = 0 and objid = {WORKER_LOCK} and $1::bigint is not distinct from $1",
    ),
)

# An inbox is quiet when nothing came for four times as long as ever between two messages of the last week, nights and
# weekends included; one with less than fifty messages in a week has no habits yet.
SILENT = Figure(
    "frontdesk_inboxes_silent",
    "Inboxes through which nothing has come for much longer than is usual there.",
    """
select i.channel, count(*) as value from inboxes i join lateral (
  select count(*) as n, max(gap) as longest from (
    select e.at - lag(e.at) over (order by e.seq) as gap from events e
    where e.workspace_id = i.workspace_id and e.kind = 'MessageReceived' and e.at > now() - interval '7 days'
      and (e.facts ->> 'inbox_id')::bigint = i.id) g) h on true
where i.enabled and i.deleted_at is null and i.health = 'ok' and h.n >= 50
  and clock_timestamp() - i.last_inbound_at > greatest(4 * h.longest, interval '3 hours') and """
    + _I
    + " group by 1",
)


async def collect(resources: Resources, workspace_id: int | None = None) -> list[Sample]:
    """Every figure but :func:`silent`, of one workspace or of all."""
    samples = []
    async with resources.db.across() as tx:
        for figure in FIGURES:
            samples += await _measured(tx, figure, workspace_id)
    for name, room in resources.disk.room().items():
        samples.append(Sample("frontdesk_disk_free_ratio", room.ratio, {"place": name.removeprefix("the ")}))
    return samples


async def silent(resources: Resources, workspace_id: int | None = None) -> list[Sample]:
    """Inboxes that are unusually quiet. This reads a week of events: ask seldom."""
    async with resources.db.across() as tx:
        return await _measured(tx, SILENT, workspace_id)


async def _measured(tx: Tx, figure: Figure, workspace_id: int | None) -> list[Sample]:
    found = []
    for row in await tx.fetch(figure.sql, workspace_id):
        if row["value"] is not None:
            labels = {name: str(value) for name, value in row.items() if name != "value"}
            found.append(Sample(figure.name, float(row["value"]), labels))
    return found


WORDS = {figure.name: figure.words for figure in (*FIGURES, SILENT)} | {
    "frontdesk_disk_free_ratio": "How much of the disk is free."
}
