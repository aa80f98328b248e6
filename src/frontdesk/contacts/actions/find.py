"""Whom a message is from: the contact of an address, made if there is none.

Two statements for any number of addresses. The unique key of the address decides between parallel deliveries: the
contact is inserted only for the address that won, so that there is one contact and never an orphan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from frontdesk.channels.port import Address
from frontdesk.contacts import rules
from frontdesk.contacts.actions.claims import Key, release
from frontdesk.contacts.events import ContactChanged
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.transaction import Row, Tx

_WANTED = "unnest($2::text[], $3::text[], $4::text[]) as w (kind, scope, value)"

# In key order, so that two batches with the same addresses wait for each other in turn and never in a circle. A new
# address starts opted out if the same one opted out before and was deleted since.
_CREATE = """
with missing as materialized (
  select w.*, nextval(pg_get_serial_sequence('contacts', 'id')) as contact_id
  from unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[]) as w (kind, scope, value, verified, name)
  where not exists (select 1 from contact_points p
    where p.workspace_id = $1 and p.kind = w.kind and p.scope = w.scope and p.value = w.value)),
points as (
  insert into contact_points (workspace_id, contact_id, kind, scope, value, verified)
  select $1, contact_id, kind, scope, value, verified from missing order by kind, scope, value
  on conflict (workspace_id, kind, scope, value) do nothing
  returning contact_id, id)
insert into contacts (workspace_id, id, name)
select $1, missing.contact_id, missing.name from points join missing using (contact_id)
returning id
"""

# The lock lets a merge of one of these contacts wait until what is being done with it is committed; a contact that a
# merge had already is not in the answer, and asked for again.
_FIND = f"""
select p.id as point_id, p.contact_id, p.verified, p.claimed, p.kind, p.scope, p.value, c.name
from {_WANTED}
  join contact_points p on p.workspace_id = $1 and p.kind = w.kind and p.scope = w.scope and p.value = w.value
  join contacts c on c.workspace_id = $1 and c.id = p.contact_id and c.merged_into is null
order by c.id
for key share of c
"""

_SUPPRESS = """
update contact_points p
set opted_out_at = latest.at, opt_out_source = latest.source, opt_out_reason = 'They opted out before.'
from (select own.id, said.* from contact_points own, lateral (
        select action, source, at from consents c
        where c.workspace_id = $1 and c.kind = own.kind and c.value = own.value order by c.id desc limit 1) said
      where own.workspace_id = $1 and own.contact_id = any($2::bigint[])) latest
where p.workspace_id = $1 and p.id = latest.id and latest.action = 'out'
"""


@dataclass(frozen=True)
class Found:
    """Whose an address is. ``created``: nobody's until now."""

    contact_id: int
    point_id: int
    created: bool


async def find_or_create(tx: Tx, addresses: Sequence[Address], *, keep: Collection[Key] = ()) -> dict[Key, Found]:
    """The contact and the point of each address, by ``(kind, scope, value)`` as it was given.

    A new contact is called by the name that came with the address, otherwise by the address. Correct in any number of
    transactions at once. A proof that came with an address is remembered; a name replaces only one that was made up.
    An address that somebody only typed is theirs no longer, unless it is among those to ``keep``.
    """
    wanted = _distinct(addresses)
    if not wanted:
        return {}
    keys = sorted(wanted)
    columns = [list(column) for column in zip(*keys, strict=True)]
    names = [rules.tidy_name(wanted[key].name) or rules.default_name(key[0], key[2]) for key in keys]
    made = await tx.fetch(_CREATE, tx.workspace_id, *columns, [wanted[key].verified for key in keys], names)
    created = {row["id"] for row in made}
    if created:
        await tx.execute(_SUPPRESS, tx.workspace_id, list(created))
    rows = await _settled(tx, columns, len(keys))
    if typed := [row for row in rows if row["claimed"] and (row["kind"], row["scope"], row["value"]) not in keep]:
        created |= await _released(tx, typed, wanted)
        rows = await _settled(tx, columns, len(keys))
    learned = await _learn(tx, [row for row in rows if row["contact_id"] not in created], wanted)
    for contact_id in sorted(created | learned):
        tx.emit(ContactChanged(contact_id=contact_id))
    found = {
        (row["kind"], row["scope"], row["value"]): Found(
            row["contact_id"], row["point_id"], row["contact_id"] in created
        )
        for row in rows
    }
    return {(a.kind, a.scope, a.value): found[_key(a)] for a in addresses}


async def _settled(tx: Tx, columns: list[list[str]], expected: int) -> list[Row]:
    """Every address with its contact. One that is just being merged or deleted by somebody else is looked up again."""
    for _ in range(5):
        rows = await tx.fetch(_FIND, tx.workspace_id, *columns)
        if len(rows) == expected:
            return rows
    raise Unavailable("These contacts are being changed at this moment. Try again.", code="busy")


async def _released(tx: Tx, rows: Sequence[Row], wanted: dict[Key, Address]) -> set[int]:
    """Points that were only typed, and from which something really comes now, as new contacts."""
    known = [(row, wanted[row["kind"], row["scope"], row["value"]]) for row in rows]
    made = await release(tx, [(row, address.name, address.verified) for row, address in known])
    await tx.execute(_SUPPRESS, tx.workspace_id, list(made))
    return made


async def _learn(tx: Tx, rows: Iterable[Row], wanted: dict[Key, Address]) -> set[int]:
    """Remember that an address was proved, and a name where there was only the address. Returns whom that changed."""
    news = []
    for row in rows:
        key = (row["kind"], row["scope"], row["value"])
        name = rules.tidy_name(wanted[key].name)
        renamed = name and name != row["name"] and row["name"] in ("", rules.default_name(key[0], key[2]))
        if renamed or (wanted[key].verified and not row["verified"]):
            news.append((row["contact_id"], row["point_id"], name if renamed else None, wanted[key].verified))
    if not news:
        return set()
    contact_ids, point_ids, names, proofs = (list(column) for column in zip(*sorted(news), strict=True))
    await tx.execute(
        """with proved as (
          update contact_points p set verified = true from unnest($3::bigint[], $5::boolean[]) as n (id, verified)
          where p.workspace_id = $1 and p.id = n.id and n.verified)
        update contacts c set name = coalesce(n.name, c.name), rev = c.rev + 1
        from (select id, max(name) as name from unnest($2::bigint[], $4::text[]) as n (id, name) group by id) n
        where c.workspace_id = $1 and c.id = n.id""",
        tx.workspace_id, contact_ids, point_ids, names, proofs,
    )  # fmt: skip
    return set(contact_ids)


def _key(address: Address) -> Key:
    return rules.storable(address.kind), rules.storable(address.scope), rules.storable(address.value)


def _distinct(addresses: Iterable[Address]) -> dict[Key, Address]:
    """One for each key: named before nameless, proved before claimed."""
    chosen: dict[Key, Address] = {}
    for address in addresses:
        key = _key(address)
        other = chosen.get(key)
        if other is None or (address.verified, bool(address.name)) > (other.verified, bool(other.name)):
            chosen[key] = address
    return chosen
