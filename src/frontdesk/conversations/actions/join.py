"""Which conversation an inbound message joins, for a whole batch at once.

In this order: the conversation whose token it was sent to; the one whose message it answers, both only if the sender
takes part in it (otherwise anybody could write into it by naming an id, and tokens are easily guessed); the contact's
open one under the workspace's policy; one that was closed a short while ago; a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from frontdesk.conversations import rules
from frontdesk.kit.transaction import Row, Tx, columns

if TYPE_CHECKING:
    from frontdesk.conversations.actions.receive import Arrival

_CANDIDATES = """
select id, contact_id, join_key, status, message_count from conversations
where workspace_id = $1 and id in (
  select unnest($2::bigint[]) union
  select id from conversations where workspace_id = $1 and contact_id = any($3) and join_key is not null)
order by id for update
"""

# One without messages was merged into another; the lock waits for a merge that is under way.
_RECENT = """
select distinct on (contact_id, key) id, contact_id, key, closed_at from (
  select id, contact_id, case when $4 then 0 else last_inbox_id end as key, closed_at
  from conversations where workspace_id = $1 and contact_id = any($2) and status = 'closed' and closed_at >= $3
    and message_count > 0
  order by id for update) c
order by contact_id, key, closed_at desc
"""

# One that somebody opened between our look and our insert is locked, so that it is not merged into another meanwhile.
# A row that was inserted has the xmax 0, in one that was there before it is our lock.
_OPEN = """
insert into conversations as c (workspace_id, contact_id, join_key, subject, last_at)
select $1, w.* from unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[]) w
order by 2, 3
on conflict (workspace_id, contact_id, join_key) where join_key is not null do update set join_key = c.join_key
returning id, contact_id, join_key, xmax = 0 as opened
"""

_REJOIN = """
update conversations c set join_key = r.key, status = 'open', closed_at = null
from (select distinct on (o.contact_id, w.key) o.id, o.contact_id, w.key
      from unnest($2::bigint[], $3::bigint[]) w (id, key) join conversations o on o.workspace_id = $1 and o.id = w.id
      order by o.contact_id, w.key, o.id desc) r
where c.workspace_id = $1 and c.id = r.id and c.status = 'closed' and not exists (
  select 1 from conversations x where x.workspace_id = $1 and x.contact_id = r.contact_id and x.join_key = r.key)
"""


_WRITTEN_TO = """
select distinct w.number from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
  as w (number, kind, scope, value, answered, token)
join contact_points p on p.workspace_id = $1 and p.kind = w.kind and p.scope = w.scope and p.value = w.value
join messages m on m.workspace_id = $1 and m.point_id = p.id and m.direction = 'out'
  and (m.external_id = w.answered or m.conversation_id = w.token)
where p.claimed
"""


@dataclass(frozen=True)
class Place:
    conversation_id: int
    contact_id: int
    opened: bool


async def join(tx: Tx, arrivals: Sequence[Arrival], contact_ids: Sequence[int]) -> list[Place]:
    """One place for each arrival; conversations are opened and reopened as needed."""
    workspace = await tx.fetchrow("select settings from workspaces where id = $1", tx.workspace_id)
    settings = workspace["settings"] if workspace else {}
    policy: rules.Joining = settings.get("joining", "contact")
    answered, by_id = await _candidates(tx, arrivals, contact_ids)
    open_by_key = {(c["contact_id"], c["join_key"]): c["id"] for c in by_id.values() if c["join_key"] is not None}
    wanted: dict[tuple[int, int], Arrival] = {}
    keys = [(contact, rules.join_key(policy, a.inbox_id)) for a, contact in zip(arrivals, contact_ids, strict=True)]
    for arrival, key, conversation_id in zip(arrivals, keys, answered, strict=True):
        if conversation_id not in by_id and key not in open_by_key:
            if key not in wanted or wanted[key].item.automatic:  # what a person wrote decides, not what a machine did
                wanted[key] = arrival
    opened = await _open(tx, wanted, policy, int(settings.get("reopen_days", 14)))
    await _rejoin(tx, _reopened(arrivals, answered, by_id, policy))
    places = []
    for contact_id, key, conversation_id in zip(contact_ids, keys, answered, strict=True):
        if conversation_id in by_id and conversation_id is not None:
            places.append(Place(conversation_id, by_id[conversation_id]["contact_id"], opened=False))
        elif key in open_by_key:
            places.append(Place(open_by_key[key], contact_id, opened=False))
        else:
            places.append(Place(opened[key][0], contact_id, opened=opened[key][1]))
    return places


async def _candidates(
    tx: Tx, arrivals: Sequence[Arrival], contact_ids: Sequence[int]
) -> tuple[list[int | None], dict[int, Row]]:
    """For each arrival the conversation that it answers; by their ids, locked, those and the contacts' open ones.

    One that was emptied while we waited for its lock was merged into another, or its message was moved: what the
    arrival answers leads there now. Its lock comes out of turn, and a circle of waiting ends as any deadlock does.
    """
    for _ in range(5):
        answered = await _answered(tx, arrivals, contact_ids)
        rows = await tx.fetch(_CANDIDATES, tx.workspace_id, [i for i in answered if i], list(set(contact_ids)))
        by_id = {row["id"]: row for row in rows}
        if all(by_id[named]["message_count"] for named in answered if named in by_id):
            break
    return answered, by_id


def _reopened(
    arrivals: Sequence[Arrival], answered: Sequence[int | None], by_id: dict[int, Row], policy: rules.Joining
) -> list[tuple[int, int]]:
    """The closed conversations that a person answered in (an auto-reply reopens nothing)."""
    return sorted({
        (conversation_id, rules.join_key(policy, arrival.inbox_id))
        for arrival, conversation_id in zip(arrivals, answered, strict=True)
        if conversation_id in by_id and by_id[conversation_id]["status"] == "closed" and not arrival.item.automatic
    })  # fmt: skip


async def _answered(tx: Tx, arrivals: Sequence[Arrival], contact_ids: Sequence[int]) -> list[int | None]:
    """For each arrival the conversation that its token or the message it answers belongs to."""
    ids = sorted({answer for a in arrivals if a.channel.can.joins_thread for answer in _answers(a)})
    tokens = sorted({token for a in arrivals if (token := _token(a)) is not None})
    if not ids and not tokens:
        return [None] * len(arrivals)
    rows = await tx.fetch(
        "select m.external_id, m.conversation_id, c.contact_id from messages m"
        " join conversations c on c.workspace_id = m.workspace_id and c.id = m.conversation_id"
        " where m.workspace_id = $1 and m.external_id = any($2)",
        tx.workspace_id,
        ids,
    )
    by_external: dict[str, list[Row]] = {}
    for row in rows:
        by_external.setdefault(row["external_id"], []).append(row)
    addressed = {
        row["conversation_id"]: row
        for row in await tx.fetch(
            # One without messages was merged into another: the message that this answers leads there.
            "select id as conversation_id, contact_id from conversations"
            " where workspace_id = $1 and id = any($2) and message_count > 0",
            tx.workspace_id,
            tokens,
        )
    }
    result: list[int | None] = []
    for arrival, contact_id in zip(arrivals, contact_ids, strict=True):
        by_token = addressed.get(_token(arrival) or 0)
        named = [row for answer in _answers(arrival) for row in by_external.get(answer, [])]
        result.append(
            (await _trusted(tx, arrival, contact_id, [by_token]) if by_token else None)
            or await _trusted(tx, arrival, contact_id, named)
        )
    return result


async def _trusted(tx: Tx, arrival: Arrival, contact_id: int, named: Iterable[Row]) -> int | None:
    """The first conversation named whose contact wrote this, or in which the sender was written to or copied."""
    strangers = []
    for row in named:
        if row["contact_id"] == contact_id:
            found: int = row["conversation_id"]
            return found
        strangers.append(row["conversation_id"])
    if not strangers:
        return None
    copied: int | None = await tx.fetchval(
        "select conversation_id from messages where workspace_id = $1 and conversation_id = any($2)"
        " and (meta->'to' ? $3 or meta->'cc' ? $3) order by id desc limit 1",
        tx.workspace_id,
        strangers,
        rules.clean(arrival.item.sender.value),
    )
    return copied


async def written_to(tx: Tx, arrivals: Sequence[Arrival]) -> set[tuple[str, str, str]]:
    """The addresses (kind, scope, value) from which nothing came but answers to what we wrote to these very addresses.

    Whoever typed one of them meant it: the answer belongs where the question was asked.
    """
    asked: list[tuple[Arrival, str | None, int | None]] = [
        (a, answer, None) for a in arrivals if a.channel.can.joins_thread for answer in _answers(a)
    ]
    asked += [(a, None, token) for a in arrivals if (token := _token(a)) is not None]
    if not asked:
        return set()
    numbers = {id(arrival): number for number, arrival in enumerate(arrivals)}
    rows = [(numbers[id(a)], *_sender(a), answer, token) for a, answer, token in asked]
    found = await tx.fetch(_WRITTEN_TO, tx.workspace_id, *columns(rows, 6))
    answering = {row["number"] for row in found}
    strange = {_sender(a) for number, a in enumerate(arrivals) if number not in answering}
    return {_sender(arrivals[number]) for number in answering} - strange


def _sender(arrival: Arrival) -> tuple[str, str, str]:
    sender = arrival.item.sender
    return rules.clean(sender.kind), rules.clean(sender.scope), rules.clean(sender.value)


def _token(arrival: Arrival) -> int | None:
    """The conversation that the address it was sent to names, if it can be one."""
    token = arrival.item.token
    if not token:
        return None
    return int(token) if token.isascii() and token.isdigit() and len(token) <= 18 else None


def _answers(arrival: Arrival) -> list[str]:
    return [rules.clean(answer) for answer in arrival.item.answers if answer]


async def _open(
    tx: Tx, wanted: dict[tuple[int, int], Arrival], policy: rules.Joining, reopen_days: int
) -> dict[tuple[int, int], tuple[int, bool]]:
    """Reopen what was closed a short while ago, open the rest.

    Returns (conversation id, whether it is new) by (contact, join key). What a machine sent joins the one that was
    closed, and leaves it closed.
    """
    if not wanted:
        return {}
    result: dict[tuple[int, int], tuple[int, bool]] = {}
    newest = max(arrival.received_at for arrival in wanted.values())
    since = newest - timedelta(days=reopen_days)
    for row in await tx.fetch(_RECENT, tx.workspace_id, [contact for contact, _ in wanted], since, policy == "contact"):
        key = (row["contact_id"], row["key"])
        arrival = wanted.get(key)
        if arrival and rules.reopens(row["closed_at"], arrival.received_at, reopen_days):
            result[key] = (row["id"], False)
    woken = [(found, key) for (contact, key), (found, _) in result.items() if not wanted[contact, key].item.automatic]
    if woken:
        reopened, join_keys = columns(woken, 2)
        await tx.execute(
            "update conversations c set status = 'open', closed_at = null, join_key = r.key, rev = rev + 1"
            " from unnest($2::bigint[], $3::bigint[]) r (id, key)"
            " where c.workspace_id = $1 and c.id = r.id and c.status = 'closed'",
            tx.workspace_id,
            reopened,
            join_keys,
        )
    missing = [
        (contact, key, _subject(a), a.at) for (contact, key), a in wanted.items() if (contact, key) not in result
    ]
    for row in await tx.fetch(_OPEN, tx.workspace_id, *columns(missing, 4)) if missing else ():
        result[row["contact_id"], row["join_key"]] = (row["id"], row["opened"])
    return result


async def _rejoin(tx: Tx, closed: Sequence[tuple[int, int]]) -> None:
    """Closed conversations (id, join key) that an answer reopens join from now on, unless the contact has another."""
    if closed:
        await tx.execute(_REJOIN, tx.workspace_id, *columns(closed, 2))


def _subject(arrival: Arrival) -> str | None:
    return rules.clean(arrival.item.subject)[:500] if arrival.item.subject else None
