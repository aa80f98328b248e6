"""Reading a thread: messages, ways to answer, the fate of a message, scheduled ones, drafts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import phonenumbers

from frontdesk import channels
from frontdesk.conversations import rules, schemas
from frontdesk.conversations.queries.listing import one, visible_to
from frontdesk.conversations.queries.ranges import Conditions
from frontdesk.conversations.queries.sending import WAY, sending
from frontdesk.conversations.queries.snapshots import Link, messages
from frontdesk.kit import clock, paging
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import NotFound
from frontdesk.kit.transaction import Row, Tx


async def see(tx: Tx, actor: Actor, conversation_id: int) -> schemas.Conversation:
    """The conversation, or NotFound: for one that does not exist as for one that the actor may not see."""
    found = await one(tx, actor, conversation_id)
    if found is None:
        raise NotFound("This conversation")
    return found


async def thread(
    tx: Tx,
    conversation_id: int,
    link: Link,
    *,
    before: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> paging.Page[schemas.Message]:
    """Messages oldest first: the newest page, the one before a cursor or after it. ``next`` leads to older ones."""
    size = paging.bounded(limit)
    values: list[Any] = [tx.workspace_id, conversation_id, size + 1]
    condition, order = "", "desc"
    if key := paging.decode(before or after, datetime, int):
        sign, order = ("<", "desc") if before else (">", "asc")
        condition = f" and (at, id) {sign} ($4, $5)"
        values += key
    rows = await tx.fetch(
        f"select id, at from messages where workspace_id = $1 and conversation_id = $2{condition}"
        f" order by at {order}, id {order} limit $3",
        *values,
    )
    page = rows[:size]
    if order == "desc":
        page = page[::-1]
    shown = await messages(tx, [row["id"] for row in page], link)
    more = paging.encode(page[0]["at"], page[0]["id"]) if page and (len(rows) > size or after) else None
    return paging.Page(items=[shown[row["id"]] for row in page if row["id"] in shown], next=more)


async def message(tx: Tx, actor: Actor, message_id: int, link: Link) -> schemas.Message:
    """One message, if the actor may see its conversation."""
    found = (await messages(tx, [message_id], link)).get(message_id)
    if found is None or await one(tx, actor, found.conversation_id) is None:
        raise NotFound("This message")
    return found


async def row(tx: Tx, actor: Actor, message_id: int) -> Row:
    """The stored row of one message, if the actor may see it."""
    found = await tx.fetchrow("select * from messages where workspace_id = $1 and id = $2", tx.workspace_id, message_id)
    if found is None or await one(tx, actor, found["conversation_id"]) is None:
        raise NotFound("This message")
    return found


_WAYS = f"""{WAY}
from inboxes i, contact_points p
where i.workspace_id = $1 and i.deleted_at is null and p.workspace_id = $1 and p.contact_id = $3
order by i.id, p.claimed, p.verified desc, p.id
"""


_LAST = "select * from (({}) union all ({})) last order by first limit 1".format(*(
    f"select {first} as first, inbox_id, point_id from messages where workspace_id = $1 and conversation_id = $2"
    f" and audience = 'contact' and direction = '{direction}' order by at desc, id desc limit 1"
    for first, direction in enumerate(("in", "out"))
))  # fmt: skip


async def routes(tx: Tx, conversation_id: int, contact_id: int) -> list[schemas.Route]:
    """Every inbox with every address of the contact that it could write to, and what stands against it."""
    last = await tx.fetchrow(
        _LAST,
        tx.workspace_id,
        conversation_id,
    )
    now = clock.now()
    found = []
    for way in await tx.fetch(_WAYS, tx.workspace_id, conversation_id, contact_id):
        made = channels.all_channels().get(way["channel"])
        if not made or way["kind"] not in made.can.address_kinds or way["scope"] not in ("", way["public_key"]):
            continue
        why = rules.why_not_send(sending(way, text="…", now=now))
        open_for, heard = made.can.reply_window, way["last_inbound_at"]
        kind, value = way["kind"], way["value"]
        found.append(
            schemas.Route(
                inbox_id=way["inbox_id"], inbox_name=way["inbox_name"], channel=way["channel"], sender=way["address"],
                point=schemas.PointRef(id=way["point_id"], kind=kind, value=value, display=display(kind, value)),
                why_not=schemas.WhyNot(code=why.code, sentence=why.sentence) if why else None,
                window_expires_at=heard + open_for if open_for and heard else None,
                default=last is not None and (last["inbox_id"], last["point_id"]) == (way["inbox_id"], way["point_id"]),
            )
        )  # fmt: skip
    if found and not any(route.default for route in found):
        next((route for route in found if route.why_not is None), found[0]).default = True
    return found


def display(kind: str, value: str) -> str:
    """An address as people write it; a visitor's random id says nothing to anybody."""
    if kind == "phone" and value.startswith("+"):
        try:
            return phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        except phonenumbers.NumberParseException:
            return value
    return "Website visitor" if kind == "visitor" else value


async def history(tx: Tx, message_id: int) -> list[schemas.Receipt]:
    """Everything that is known of an outbound message's way, oldest first."""
    rows = await tx.fetch(
        "select * from receipts where workspace_id = $1 and message_id = $2 order by id", tx.workspace_id, message_id
    )
    return [
        schemas.Receipt(state=r["state"], at=r["at"], code=r["code"], reason=r["reason"], source=r["source"])
        for r in rows
    ]


_ARRIVED = """
select m.trace, m.external_id, m.client_key, r.id, r.received_at, r.done_at, r.state from messages m
left join raw_deliveries r on r.workspace_id = $1 and r.id = m.raw_id where m.workspace_id = $1 and m.id = $2
"""


async def details(tx: Tx, message_id: int) -> schemas.DeliveryDetails:
    """A message's way from the delivery that it came with, or through every attempt to send it."""
    row = await tx.fetchrow(_ARRIVED, tx.workspace_id, message_id)
    if row is None:
        raise NotFound("This message")
    attempts = await tx.fetch(
        "select began_at, at, outcome, code, reason, request from attempts"
        " where workspace_id = $1 and message_id = $2 order by id",
        tx.workspace_id,
        message_id,
    )
    arrived = schemas.Arrived(
        id=row["id"], received_at=row["received_at"], read_at=row["done_at"], state=row["state"]
    )  # fmt: skip
    return schemas.DeliveryDetails(
        trace=row["trace"],
        external_id=row["external_id"],
        key=row["client_key"],
        arrived=arrived if row["id"] is not None else None,
        attempts=[schemas.Attempt(**attempt) for attempt in attempts],
        receipts=await history(tx, message_id),
    )


_SCHEDULED = """
select m.id, m.due_at, c.contact_id, k.name from messages m
join conversations c on c.workspace_id = $1 and c.id = m.conversation_id
join contacts k on k.workspace_id = $1 and k.id = c.contact_id
where m.workspace_id = $1 and m.delivery in ('queued', 'held') and m.due_at is not null and $2::bigint is not null
  and {conditions}
order by m.due_at, m.id limit {limit}
"""


async def scheduled(
    tx: Tx, actor: Actor, link: Link, *, cursor: str | None, limit: int | None
) -> paging.Page[schemas.Scheduled]:
    """All messages that wait for their time, the next first."""
    size = paging.bounded(limit)
    where = Conditions(tx.workspace_id, actor.user_id)
    where.add("c.workspace_id = $1")
    visible_to(actor, where)
    if key := paging.decode(cursor, datetime, int):
        where.add("(m.due_at, m.id) > ({}, {})", *key)
    where.values.append(size + 1)
    sql = _SCHEDULED.format(conditions=" and ".join(where.parts), limit=f"${len(where.values)}")
    rows = await tx.fetch(sql, *where.values)
    shown = await messages(tx, [found["id"] for found in rows[:size]], link)
    items = []
    for found in rows[:size]:
        built = shown[found["id"]]
        ref = schemas.ConversationRef(
            id=built.conversation_id, contact=schemas.ContactRef(id=found["contact_id"], name=found["name"])
        )
        items.append(
            schemas.Scheduled(**{name: getattr(built, name) for name in built.__struct_fields__}, conversation=ref)
        )
    more = paging.encode(rows[size - 1]["due_at"], rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=items, next=more)


async def drafts(tx: Tx, actor: Actor, conversation_id: int) -> list[schemas.Draft]:
    rows = await tx.fetch(
        "select mode, body from drafts where workspace_id = $1 and user_id = $2 and conversation_id = $3",
        tx.workspace_id,
        actor.user_id,
        conversation_id,
    )
    return [schemas.Draft(mode=found["mode"], body=found["body"]) for found in rows]


async def labels(tx: Tx) -> list[schemas.Label]:
    rows = await tx.fetch(
        "select id, name, colour from labels where workspace_id = $1 order by lower(name)", tx.workspace_id
    )
    return [schemas.Label(id=found["id"], name=found["name"], colour=found["colour"]) for found in rows]


async def labels_by_id(tx: Tx, ids: list[int]) -> dict[int, schemas.Label]:
    rows = await tx.fetch(
        "select id, name, colour from labels where workspace_id = $1 and id = any($2)", tx.workspace_id, ids
    )
    return {found["id"]: schemas.Label(id=found["id"], name=found["name"], colour=found["colour"]) for found in rows}
