"""Further addresses of a person. What is nobody's is added, what is another's is suggested; nothing merges silently."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.channels.port import Address
from frontdesk.contacts import rules
from frontdesk.contacts.actions.claims import take
from frontdesk.contacts.actions.suggestions import suggest
from frontdesk.contacts.events import ContactChanged
from frontdesk.kit.transaction import Tx


async def link(tx: Tx, contact_id: int, also: Sequence[Address]) -> None:
    """Give a contact the addresses that belong to nobody; for those that belong to another contact, suggest a merge.

    What is proved is theirs, also if somebody else typed it before; what is not is only a claim (see ``claims``).
    """
    wanted = {(rules.storable(a.kind), rules.storable(a.scope), rules.storable(a.value)): a.verified for a in also}
    if not wanted:
        return
    keys = sorted(wanted)
    columns = [list(column) for column in zip(*keys, strict=True)]
    proofs = [wanted[key] for key in keys]
    await take(tx, contact_id, [key for key in keys if wanted[key]], verified=True)
    added = await tx.fetch(
        """insert into contact_points (workspace_id, contact_id, kind, scope, value, verified, claimed)
        select $1, $2, kind, scope, value, verified, not verified
        from unnest($3::text[], $4::text[], $5::text[], $6::boolean[]) as w (kind, scope, value, verified)
        order by kind, scope, value
        on conflict (workspace_id, kind, scope, value) do nothing returning id""",
        tx.workspace_id, contact_id, *columns, proofs,
    )  # fmt: skip
    proved = await tx.fetch(
        """update contact_points p set verified = true
        from unnest($3::text[], $4::text[], $5::text[], $6::boolean[]) as w (kind, scope, value, verified)
        where p.workspace_id = $1 and p.contact_id = $2 and p.kind = w.kind and p.scope = w.scope and p.value = w.value
          and w.verified and not p.verified returning p.id""",
        tx.workspace_id, contact_id, *columns, proofs,
    )  # fmt: skip
    others = await tx.fetch(
        """select p.contact_id, p.kind, p.value from contact_points p
          join unnest($3::text[], $4::text[], $5::text[]) as w (kind, scope, value)
            on p.kind = w.kind and p.scope = w.scope and p.value = w.value
        where p.workspace_id = $1 and p.contact_id <> $2 order by p.id""",
        tx.workspace_id, contact_id, *columns,
    )  # fmt: skip
    if added or proved:
        await tx.execute(
            "update contacts set rev = rev + 1 where workspace_id = $1 and id = $2", tx.workspace_id, contact_id
        )
        tx.emit(ContactChanged(contact_id=contact_id))
    await suggest(
        tx, contact_id, {row["contact_id"]: f"Both gave {rules.display(row['kind'], row['value'])}." for row in others}
    )
