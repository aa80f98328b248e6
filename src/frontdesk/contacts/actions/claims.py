"""Addresses that somebody typed (in the chat, as a Reply-To) without a proof.

They are good for answering whoever typed them, and for nothing else: a letter from such an address is not theirs, or
everybody could take over somebody else's correspondence by typing an address before its owner first writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.contacts import rules
from frontdesk.contacts.actions.suggestions import suggest
from frontdesk.contacts.events import ContactChanged
from frontdesk.kit.transaction import Row, Tx

Key = tuple[str, str, str]  # kind, scope, value

_TAKE = """
with typed as (
  select p.id, p.contact_id as claimer from contact_points p
    join unnest($3::text[], $4::text[], $5::text[]) as w (kind, scope, value)
      on p.kind = w.kind and p.scope = w.scope and p.value = w.value
  where p.workspace_id = $1 and p.claimed order by p.id for update of p)
update contact_points p set contact_id = $2, claimed = false, verified = p.verified or $6
from typed where p.workspace_id = $1 and p.id = typed.id returning typed.claimer, p.kind, p.value
"""


async def take(tx: Tx, contact_id: int, keys: Sequence[Key], *, verified: bool = False) -> None:
    """Addresses that were only typed until now are this contact's. Who typed them loses them: that the two may be one
    person is suggested, and left to a person to decide."""
    if not keys:
        return
    columns = [list(column) for column in zip(*sorted(keys), strict=True)]
    rows = await tx.fetch(_TAKE, tx.workspace_id, contact_id, *columns, verified)
    lost = {row["claimer"]: f"Both gave {rules.display(row['kind'], row['value'])}." for row in rows}
    lost.pop(contact_id, None)
    if lost:
        await tx.execute(
            "update contacts set rev = rev + 1 where workspace_id = $1 and id = any($2)", tx.workspace_id, list(lost)
        )
        for claimer in sorted(lost):
            tx.emit(ContactChanged(contact_id=claimer))
        await suggest(tx, contact_id, lost)


async def release(tx: Tx, points: Sequence[tuple[Row, str, bool]]) -> set[int]:
    """Something came from these points (with a name, and whether it proved them): each is a contact of its own now.

    Returns the new contacts. A point that somebody else released meanwhile is left alone.
    """
    ids = [row["point_id"] for row, _, _ in points]
    still = await tx.fetch(
        "select id from contact_points where workspace_id = $1 and id = any($2) and claimed order by id for update",
        tx.workspace_id, ids,
    )  # fmt: skip
    claimed, made = {row["id"] for row in still}, set()
    for row, name, verified in points:
        if row["point_id"] in claimed:
            called = rules.tidy_name(name) or rules.default_name(row["kind"], row["value"])
            fresh: int = await tx.fetchval(
                "insert into contacts (workspace_id, name) values ($1, $2) returning id", tx.workspace_id, called
            )
            await take(tx, fresh, [(row["kind"], row["scope"], row["value"])], verified=verified)
            made.add(fresh)
    return made
