"""Who must not be written to. The ledger only grows: who opted out or in, when, how, with which words."""

from __future__ import annotations

from frontdesk.contacts import rules
from frontdesk.contacts.events import ContactChanged
from frontdesk.kit import clock
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Row, Tx

_LEDGER = """
insert into consents (workspace_id, contact_id, kind, value, inbox_id, action, source, evidence, actor_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def opt_out(
    tx: Tx,
    point_id: int,
    *,
    source: str,
    reason: str,
    evidence: str = "",
    inbox_id: int | None = None,
    actor_id: int | None = None,
) -> bool:
    """From now on nothing goes to this address. Returns whether that is new. ``source`` is who says so: "keyword",
    "provider" or "link" for the contact, "user" for one of us."""
    row = await tx.fetchrow(
        """update contact_points set opted_out_at = $3, opt_out_reason = $4, opt_out_source = $5
        where workspace_id = $1 and id = $2 and opted_out_at is null returning *""",
        tx.workspace_id, point_id, clock.now(), rules.storable(reason), source,
    )  # fmt: skip
    if row is None:
        await _theirs_now(tx, point_id, source, reason)
        return False
    await _record(tx, row, "out", source, evidence or reason, inbox_id, actor_id)
    return True


async def opt_in(
    tx: Tx,
    point_id: int,
    *,
    source: str,
    reason: str,
    evidence: str = "",
    inbox_id: int | None = None,
    actor_id: int | None = None,
) -> bool:
    """Lift an opt-out; returns whether there was one. Raises Refused when only the contact could lift it."""
    row = await tx.fetchrow(
        """select * from contact_points where workspace_id = $1 and id = $2 and opted_out_at is not null
        for no key update""",
        tx.workspace_id, point_id,
    )  # fmt: skip
    if row is None:
        return False
    if problem := rules.why_not_opt_in(row["opt_out_source"], source):
        raise Refused(problem, code="only_they_opt_in")
    await tx.execute(
        """update contact_points set opted_out_at = null, opt_out_reason = null, opt_out_source = null
        where workspace_id = $1 and id = $2""",
        tx.workspace_id, point_id,
    )  # fmt: skip
    await _record(tx, row, "in", source, evidence or reason, inbox_id, actor_id)
    return True


async def _theirs_now(tx: Tx, point_id: int, source: str, reason: str) -> None:
    """Somebody of us had opted the contact out, and now they say it themselves: it becomes theirs to lift."""
    if source in rules.CONTACTS_OWN:
        contact_id = await tx.fetchval(
            """update contact_points set opt_out_source = $3, opt_out_reason = $4
            where workspace_id = $1 and id = $2 and opt_out_source <> all($5::text[]) returning contact_id""",
            tx.workspace_id, point_id, source, rules.storable(reason), sorted(rules.CONTACTS_OWN),
        )  # fmt: skip
        if contact_id is not None:
            await _changed(tx, contact_id)


async def _record(
    tx: Tx, point: Row, action: str, source: str, evidence: str, inbox_id: int | None, actor_id: int | None
) -> None:
    await tx.execute(
        _LEDGER,
        tx.workspace_id, point["contact_id"], point["kind"], point["value"], inbox_id, action, source,
        rules.storable(evidence)[:2000], actor_id, clock.now(),
    )  # fmt: skip
    await _changed(tx, point["contact_id"], actor_id)


async def mark_bad(tx: Tx, point_id: int) -> bool:
    """The provider says that this address does not exist. Returns whether that is news."""
    contact_id = await tx.fetchval(
        """update contact_points set bad_since = $3 where workspace_id = $1 and id = $2 and bad_since is null
        returning contact_id""",
        tx.workspace_id, point_id, clock.now(),
    )  # fmt: skip
    if contact_id is not None:
        await _changed(tx, contact_id)
    return contact_id is not None


async def mark_good(tx: Tx, point_ids: list[int]) -> int:
    """These addresses were heard from, so they exist after all. Returns for how many that is news."""
    rows = await tx.fetch(
        """with good as (
          update contact_points set bad_since = null
          where workspace_id = $1 and id = any($2::bigint[]) and bad_since is not null returning contact_id)
        update contacts c set rev = rev + 1 from (select distinct contact_id from good) g
        where c.workspace_id = $1 and c.id = g.contact_id returning c.id""",
        tx.workspace_id, point_ids,
    )  # fmt: skip
    for row in rows:
        tx.emit(ContactChanged(contact_id=row["id"]))
    return len(rows)


async def _changed(tx: Tx, contact_id: int, actor_id: int | None = None) -> None:
    await tx.execute(
        "update contacts set rev = rev + 1 where workspace_id = $1 and id = $2", tx.workspace_id, contact_id
    )
    tx.emit(ContactChanged(contact_id=contact_id, actor_id=actor_id))
