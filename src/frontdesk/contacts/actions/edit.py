"""What people do with a contact by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from msgspec import UNSET, UnsetType

from frontdesk.channels.port import Address
from frontdesk.contacts import queries, rules
from frontdesk.contacts.actions.claims import take
from frontdesk.contacts.events import ContactChanged
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Tx
from frontdesk.people import actions as people

ERASERS: list[Callable[[Tx, int], Awaitable[None]]] = []
"""What rooms above do before a contact is deleted: they delete what belongs to it."""


async def create_contact(tx: Tx, *, name: str, addresses: Sequence[Address], by: Actor | None) -> int:
    """A new contact with these addresses; returns its id. Raises Refused when one of them is another contact's."""
    called = rules.tidy_name(name)
    if not called and addresses:
        called = rules.tidy_name(addresses[0].name) or rules.default_name(addresses[0].kind, addresses[0].value)
    if not called:
        raise Invalid("A contact needs a name or an address.", fields={"name": "A name is needed."})
    contact_id: int = await tx.fetchval(
        "insert into contacts (workspace_id, name, created_by) values ($1, $2, $3) returning id",
        tx.workspace_id, called, by.user_id if by else None,
    )  # fmt: skip
    await _add(tx, contact_id, addresses, by)
    tx.emit(ContactChanged(actor_id=by.user_id if by else None, contact_id=contact_id))
    return contact_id


async def change_contact(
    tx: Tx,
    contact_id: int,
    *,
    by: Actor,
    name: str | None = None,
    note: str | None = None,
    timezone: str | UnsetType | None = UNSET,
) -> None:
    """Change what is given; a time zone of None takes it away."""
    wrong = {}
    if name is not None and not rules.tidy_name(name):
        wrong["name"] = "A name is needed."
    if isinstance(timezone, str) and (problem := rules.timezone_problem(timezone)):
        wrong["timezone"] = problem
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    changed = await tx.execute(
        """update contacts set name = coalesce($3, name), note = coalesce($4, note),
          timezone = case when $5 then $6 else timezone end, rev = rev + 1
        where workspace_id = $1 and id = $2 and merged_into is null""",
        tx.workspace_id, contact_id, None if name is None else rules.tidy_name(name), note,
        timezone is not UNSET, timezone if isinstance(timezone, str) else None,
    )  # fmt: skip
    if not changed:
        raise NotFound("This contact")
    tx.emit(ContactChanged(actor_id=by.user_id, contact_id=contact_id))


async def delete_contact(tx: Tx, contact_id: int, *, by: Actor) -> None:
    """Delete a contact and what belongs to it. What it said about consent stays in the ledger: an address that opted
    out is opted out when it comes again."""
    if not await tx.fetchval(
        "select 1 from contacts where workspace_id = $1 and id = $2 and merged_into is null for update",
        tx.workspace_id, contact_id,
    ):  # fmt: skip
        raise NotFound("This contact")
    for erase in ERASERS:
        await erase(tx, contact_id)
    try:
        await tx.execute(
            "delete from contacts where workspace_id = $1 and (id = $2 or merged_into = $2)",
            tx.workspace_id,
            contact_id,
        )
    except asyncpg.ForeignKeyViolationError as still:
        raise Refused("This contact still has conversations.", code="contact_in_use") from still
    await people.audit(tx, "contact.deleted", actor_id=by.user_id, subject=f"contact:{contact_id}", ip=by.ip)
    tx.emit(ContactChanged(actor_id=by.user_id, contact_id=contact_id, deleted=True))


async def add_point(tx: Tx, contact_id: int, address: Address, *, by: Actor) -> None:
    """Raises Refused (``point_taken``) when another contact has this address."""
    if not await tx.execute(
        "update contacts set rev = rev + 1 where workspace_id = $1 and id = $2 and merged_into is null",
        tx.workspace_id, contact_id,
    ):  # fmt: skip
        raise NotFound("This contact")
    await _add(tx, contact_id, [address], by)
    tx.emit(ContactChanged(actor_id=by.user_id, contact_id=contact_id))


async def remove_point(tx: Tx, contact_id: int, point_id: int, *, by: Actor) -> None:
    """Raises Refused for an address that messages went through, or that opted out: both must stay known."""
    point = await queries.get_point(tx, contact_id, point_id)
    if point["opted_out_at"] is not None:
        raise Refused(
            "This address has opted out. It stays, so that nobody writes to it again.", code="point_opted_out"
        )
    try:
        await tx.execute("delete from contact_points where workspace_id = $1 and id = $2", tx.workspace_id, point_id)
    except asyncpg.ForeignKeyViolationError as used:
        raise Refused("There are messages that went through this address, so it stays.", code="point_in_use") from used
    await tx.execute(
        "update contacts set rev = rev + 1 where workspace_id = $1 and id = $2", tx.workspace_id, contact_id
    )
    tx.emit(ContactChanged(actor_id=by.user_id, contact_id=contact_id))


async def _add(tx: Tx, contact_id: int, addresses: Sequence[Address], by: Actor | None) -> None:
    keys = sorted({(address.kind, address.scope, rules.storable(address.value)) for address in addresses})
    if not keys:
        return
    columns = [list(column) for column in zip(*keys, strict=True)]
    await take(tx, contact_id, keys)
    await tx.execute(
        """insert into contact_points (workspace_id, contact_id, kind, scope, value)
        select $1, $2, * from unnest($3::text[], $4::text[], $5::text[]) order by 3, 4, 5
        on conflict (workspace_id, kind, scope, value) do nothing""",
        tx.workspace_id, contact_id, *columns,
    )  # fmt: skip
    taken = await tx.fetchrow(
        """select p.contact_id, c.name, p.kind, p.value from contact_points p
          join unnest($3::text[], $4::text[], $5::text[]) w (kind, scope, value)
            on p.workspace_id = $1 and p.kind = w.kind and p.scope = w.scope and p.value = w.value
          join contacts c on c.workspace_id = $1 and c.id = p.contact_id
        where p.contact_id <> $2 limit 1""",
        tx.workspace_id, contact_id, *columns,
    )  # fmt: skip
    if taken and by and not await queries.sees(tx, by, taken["contact_id"]):
        hidden = "Another contact has this address."
        raise Refused(hidden, code="point_taken", fields={"value": hidden})
    if taken:
        shown = rules.display(taken["kind"], taken["value"])
        raise Refused(
            f"{shown} belongs to {taken['name']} (contact {taken['contact_id']}).",
            code="point_taken",
            fields={"value": "Another contact has this address.", "contact_id": str(taken["contact_id"])},
        )
