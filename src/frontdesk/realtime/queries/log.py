"""Reading the event log, and dressing events with what they are about."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.contacts import queries as contacts
from frontdesk.conversations.queries import snapshots
from frontdesk.conversations.queries import thread as labels
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Row, Tx
from frontdesk.people import queries as people
from frontdesk.realtime.schemas import EventFrame

PAGE = 500  # events read at once


async def newest(tx: Tx) -> int:
    """The number of the last event, 0 before the first."""
    return await tx.fetchval("select seq from event_counters where workspace_id = $1", tx.workspace_id) or 0


async def reaches_back(tx: Tx, after: int) -> bool:
    """Whether every event after ``after`` is still there, and ``after`` is not from another life of this database."""
    if after > await newest(tx):
        return False
    oldest = await tx.fetchval("select min(seq) from events where workspace_id = $1", tx.workspace_id)
    return after >= (oldest - 1 if oldest is not None else await newest(tx))


async def since(tx: Tx, after: int, upto: int | None = None) -> list[Row]:
    """Events in order, at most :data:`PAGE`."""
    return await tx.fetch(
        "select * from events where workspace_id = $1 and seq > $2 and ($3::bigint is null or seq <= $3)"
        " order by seq limit $4",
        tx.workspace_id,
        after,
        upto,
        PAGE,
    )


async def dress(tx: Tx, resources: Resources, rows: Sequence[Row]) -> list[EventFrame]:
    """Events with snapshots of what they name, in one query for each kind of thing."""

    def named(column: str) -> list[int]:
        return sorted({row[column] for row in rows if row[column] is not None})

    def stated(fact: str) -> list[int]:
        return sorted({row["facts"][fact] for row in rows if row["facts"].get(fact) is not None})

    conversations = await snapshots.conversations(tx, named("conversation_id"))
    messages = await snapshots.messages(tx, named("message_id"), resources.file_url)
    changed = [row["contact_id"] for row in rows if row["contact_id"] is not None and row["kind"].startswith("Contact")]
    people_outside = await contacts.outs(tx, sorted(set(changed))) if changed else {}
    inbox_rows = await inboxes.by_ids(tx, stated("inbox_id"))
    shown_labels = await labels.labels_by_id(tx, stated("label_id"))
    tags = await contacts.tags_by_id(tx, stated("tag_id"))
    users = await people.users_by_id(tx, stated("subject_id"))
    teams = await people.teams_by_id(tx, stated("team_id"))
    frames = []
    for row in rows:
        facts = row["facts"]
        inbox = inbox_rows.get(facts.get("inbox_id")) if row["kind"].startswith("Inbox") else None
        frames.append(
            EventFrame(
                seq=row["seq"],
                kind=row["kind"],
                at=row["at"],
                actor_id=row["actor_id"],
                conversation_id=row["conversation_id"],
                message_id=row["message_id"],
                contact_id=row["contact_id"],
                facts=facts,
                conversation=conversations.get(row["conversation_id"]),
                message=messages.get(row["message_id"]),
                contact=people_outside.get(row["contact_id"]),
                inbox=inboxes.out(inbox, resources.settings.url) if inbox else None,
                label=shown_labels.get(facts.get("label_id")),
                tag=tags.get(facts.get("tag_id")),
                user=users.get(facts.get("subject_id")),
                team=teams.get(facts.get("team_id")),
            )
        )
    return frames


_RIGHTS = """
select {table}.id, u.role, u.role <> 'user' or not u.only_assigned as sees_all,
  array(select m.team_id from team_members m where m.workspace_id = $1 and m.user_id = u.id) as teams
from {table} join users u on u.workspace_id = $1 and u.id = {table}.user_id and u.active
where {table}.workspace_id = $1 and {table}.id = any($2) and {alive}
"""
_SESSIONS = _RIGHTS.format(table="sessions", alive="sessions.expires_at > $3")
_TOKENS = _RIGHTS.format(
    table="tokens", alive="tokens.revoked_at is null and (tokens.expires_at is null or tokens.expires_at > $3)"
)

Rights = tuple[str, bool, frozenset[int]]
"""(role, whether they see everything, teams): what decides who hears what."""


async def still_valid(
    tx: Tx, sessions: Sequence[int], tokens: Sequence[int]
) -> tuple[dict[int, Rights], dict[int, Rights]]:
    """Which of these sign-ins still count (not ended, and their user still active), and what each may see now."""
    found = []
    for sql, wanted in ((_SESSIONS, sessions), (_TOKENS, tokens)):
        rows = await tx.fetch(sql, tx.workspace_id, list(wanted), clock.now()) if wanted else []
        found.append({row["id"]: (row["role"], row["sees_all"], frozenset(row["teams"])) for row in rows})
    return found[0], found[1]


def contacts_in(row: Row) -> tuple[int, ...]:
    """The contacts that an event tells of by itself, not as part of a conversation."""
    if row["conversation_id"] is not None or row["contact_id"] is None:
        return ()
    other = row["facts"].get("other_id")
    return (row["contact_id"],) if other is None else (row["contact_id"], other)


async def called(tx: Tx, conversation_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Who was ever mentioned in each of these conversations: they may see it from then on."""
    rows = await tx.fetch(
        "select conversation_id as id, array_agg(distinct u) as users from messages, unnest(mentions) u"
        " where workspace_id = $1 and conversation_id = any($2) and mentions <> '{}' group by 1",
        tx.workspace_id,
        list(conversation_ids),
    )
    return {row["id"]: frozenset(row["users"]) for row in rows}
