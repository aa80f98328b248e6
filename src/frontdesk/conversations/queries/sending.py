"""What decides whether a message may leave, read in one query, for one message or for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from frontdesk.channels import channel
from frontdesk.conversations.rules import Sending
from frontdesk.kit.errors import NotFound, Refused
from frontdesk.kit.transaction import Row, Tx

WAY = """
select i.id as inbox_id, i.name as inbox_name, i.channel, i.address, i.enabled, i.health, i.settings, i.public_key,
       p.id as point_id, p.kind, p.scope, p.value, p.opted_out_at, p.bad_since, p.contact_id,
       (select max(m.at) from messages m where m.workspace_id = $1 and m.conversation_id = $2 and m.direction = 'in'
          and m.inbox_id = i.id and m.point_id = p.id) as last_inbound_at
"""
"""What :func:`sending` needs of an inbox ``i`` and a contact point ``p`` for conversation ``$2``."""

_WAY = f"""{WAY}
from inboxes i left join contact_points p on p.workspace_id = $1 and p.id = $4
where i.workspace_id = $1 and i.id = $3 and i.deleted_at is null
"""

_LAST_WAY = """
select m.inbox_id, m.point_id from messages m
join contact_points p on p.workspace_id = $1 and p.id = m.point_id and p.contact_id = $4
where m.workspace_id = $1 and m.conversation_id = $2 and m.audience = 'contact'
  and m.inbox_id is not null and ($3::bigint is null or m.inbox_id = $3)
order by m.at desc, m.id desc limit 1
"""


async def way(tx: Tx, conversation_id: int, contact_id: int, *, inbox_id: int | None, point_id: int | None) -> Row:
    """The inbox and contact point that a message would go through: the given ones, else those of the last message
    that went to or came from the contact (others may have written here too: who was copied).

    Raises Refused (``no_way``) when there is nothing to go by, NotFound for an inbox that does not exist.
    """
    if inbox_id is None or point_id is None:
        last = await tx.fetchrow(_LAST_WAY, tx.workspace_id, conversation_id, inbox_id, contact_id)
        if last:
            inbox_id, point_id = inbox_id or last["inbox_id"], point_id or last["point_id"]
    if inbox_id is None:
        raise Refused(
            "Choose an inbox to write from: nothing has gone to or come from this contact here yet.", code="no_way"
        )
    if point_id is None:
        name = await tx.fetchval(
            "select channel from inboxes where workspace_id = $1 and id = $2", tx.workspace_id, inbox_id
        )
        kinds = list(channel(name).can.address_kinds) if name else []
        point_id = await tx.fetchval(
            "select id from contact_points where workspace_id = $1 and contact_id = $2 and kind = any($3)"
            " order by array_position($3, kind), claimed, verified desc, id limit 1",
            tx.workspace_id,
            contact_id,
            kinds,
        )
    found = await tx.fetchrow(_WAY, tx.workspace_id, conversation_id, inbox_id, point_id)
    if found is None:
        raise NotFound("This inbox")
    if found["contact_id"] not in (None, contact_id):
        raise Refused("This address belongs to another contact.", code="wrong_contact")
    return found


def sending(
    row: Row,
    *,
    text: str,
    now: datetime,
    files: Sequence[tuple[str, str, int]] = (),
    copies: int = 0,
    answers_opt_out: bool = False,
) -> Sending:
    """The facts of one message for :func:`frontdesk.conversations.rules.why_not_send`."""
    return Sending(
        can=channel(row["channel"]).can,
        inbox_name=row["inbox_name"],
        inbox_enabled=row["enabled"],
        inbox_needs_person=row["health"] == "off",
        has_address=row["point_id"] is not None,
        address_kind=row["kind"] or "",
        opted_out=row["opted_out_at"] is not None,
        bad_address=row["bad_since"] is not None,
        last_inbound_at=row["last_inbound_at"],
        text=text,
        attachments=files,
        copies=copies,
        answers_opt_out=answers_opt_out,
        now=now,
    )


_BATCH = """
select o.id as outbox_id, o.message_id, o.conversation_id, o.key, o.attempts, o.fence, o.due_at, o.sending_since,
       o.unknown_since, m.due_at is not null as scheduled, m.text, m.html, m.subject, m.meta, m.automatic,
       m.author_name, m.client_key, m.external_id, m.trace,
       i.id as inbox_id, i.name as inbox_name, i.channel, i.address, i.enabled, i.health, i.settings, i.credentials,
       i.public_key, i.checkpoint, i.rate_per_minute, i.workspace_id,
       p.id as point_id, p.kind, p.scope, p.value, p.opted_out_at, p.bad_since, p.contact_id, c.name as contact_name,
       (select max(x.at) from messages x where x.workspace_id = $1 and x.conversation_id = o.conversation_id
          and x.direction = 'in' and x.inbox_id = i.id and x.point_id = p.id) as last_inbound_at,
       (select array_agg(t.external_id order by t.at, t.id) from (
          select x.external_id, x.at, x.id from messages x
          where x.workspace_id = $1 and x.conversation_id = o.conversation_id
            and x.inbox_id = i.id and x.external_id is not null and x.id <> m.id and x.at <= greatest(m.at, o.due_at)
          order by x.at desc, x.id desc limit 20) t) as thread
from outbox o
join messages m on m.workspace_id = $1 and m.id = o.message_id
join inboxes i on i.workspace_id = $1 and i.id = o.inbox_id
left join contact_points p on p.workspace_id = $1 and p.id = m.point_id
left join contacts c on c.workspace_id = $1 and c.id = p.contact_id
where o.workspace_id = $1 and o.id = any($2)
order by o.due_at, o.id
"""


async def batch(tx: Tx, claimed: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    """Everything that sending needs, one row for each that was claimed, with its attachments."""
    rows = await tx.fetch(_BATCH, tx.workspace_id, [row["outbox_id"] for row in claimed])
    files: dict[int, list[Row]] = {}
    for file in await tx.fetch(
        "select * from attachments where workspace_id = $1 and message_id = any($2) order by id",
        tx.workspace_id,
        [row["message_id"] for row in rows],
    ):
        files.setdefault(file["message_id"], []).append(file)
    return [(row, files.get(row["message_id"], [])) for row in rows]


def file_facts(files: Sequence[Any]) -> list[tuple[str, str, int]]:
    """(name, content type, bytes) of attachments."""
    return [(file["name"], file["content_type"], file["size"]) for file in files]
