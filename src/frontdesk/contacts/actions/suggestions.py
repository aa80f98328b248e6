"""Two contacts that may be one person: said to people, who decide."""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk.contacts.events import SuggestionMade
from frontdesk.kit.transaction import Tx


async def suggest(tx: Tx, contact_id: int, others: dict[int, str]) -> int:
    """Say that a contact may be the same person as ``others`` (id and reason); returns how many were new.

    What was dismissed once is not suggested again.
    """
    pairs = [(min(contact_id, other), max(contact_id, other), reason) for other, reason in others.items()]
    if not pairs:
        return 0
    left, right, reasons = (list(column) for column in zip(*sorted(pairs), strict=True))
    rows = await tx.fetch(
        """insert into suggestions (workspace_id, contact_id, other_id, reason)
        select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[])
        on conflict (workspace_id, contact_id, other_id) do nothing returning id, contact_id, other_id""",
        tx.workspace_id, left, right, reasons,
    )  # fmt: skip
    _tell(tx, ((row["id"], row["contact_id"], row["other_id"]) for row in rows))
    return len(rows)


def _tell(tx: Tx, made: Iterable[tuple[int, int, int]]) -> None:
    for suggestion_id, contact_id, other_id in made:
        tx.emit(SuggestionMade(contact_id=contact_id, suggestion_id=suggestion_id, other_id=other_id))
