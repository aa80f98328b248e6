"""Two contacts become one. Always because somebody decided it, and written down so that it can be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from frontdesk.contacts import queries, rules
from frontdesk.contacts.events import ContactsMerged
from frontdesk.kit import clock
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import NotFound, Refused
from frontdesk.kit.transaction import Row, Tx
from frontdesk.people import actions as people

MERGERS: list[Callable[[Tx, int, int], Awaitable[None]]] = []
"""What rooms above do when a contact (loser, then winner) becomes another: they re-point what is theirs."""


async def merge(tx: Tx, loser_id: int, winner_id: int, actor_id: int | None) -> None:
    """Everything of ``loser_id`` becomes ``winner_id``'s. Raises Refused for the same one twice, or one that is merged
    already; both are locked, in the order of their ids, and what comes in for either waits."""
    if loser_id == winner_id:
        raise Refused("A contact cannot be merged with itself.", code="same_contact")
    rows = await tx.fetch(
        "select * from contacts where workspace_id = $1 and id = any($2::bigint[]) order by id for update",
        tx.workspace_id, [loser_id, winner_id],
    )  # fmt: skip
    both = {row["id"]: row for row in rows}
    if len(both) < 2:
        raise NotFound("One of these contacts")
    if any(row["merged_into"] is not None for row in rows):
        raise Refused("One of these contacts has already become another.", code="already_merged")
    moved = await _move(tx, both[loser_id], both[winner_id])
    for follow in MERGERS:
        await follow(tx, loser_id, winner_id)
    await tx.execute(
        "insert into merges (workspace_id, winner_id, loser_id, actor_id, moved, at) values ($1, $2, $3, $4, $5, $6)",
        tx.workspace_id, winner_id, loser_id, actor_id, moved, clock.now(),
    )  # fmt: skip
    detail = {"loser_id": loser_id}
    await people.audit(tx, "contact.merged", actor_id=actor_id, subject=f"contact:{winner_id}", detail=detail)
    tx.emit(ContactsMerged(actor_id=actor_id, contact_id=winner_id, loser_id=loser_id))


async def _move(tx: Tx, loser: Row, winner: Row) -> dict[str, Any]:
    """Points, tags, suggestions and the words about the loser; returns what was whose."""
    pair = (tx.workspace_id, loser["id"], winner["id"])
    points = await tx.fetch(
        """update contact_points set contact_id = $3 where workspace_id = $1 and contact_id = $2
        returning id, kind, value""",
        *pair,
    )
    tags = await tx.fetch(
        """with had as (delete from contact_tags where workspace_id = $1 and contact_id = $2 returning tag_id)
        insert into contact_tags (workspace_id, contact_id, tag_id) select $1, $3, tag_id from had
        on conflict do nothing returning tag_id""",
        *pair,
    )
    await tx.execute(
        """with had as (
          delete from suggestions where workspace_id = $1 and $2 in (contact_id, other_id)
          returning contact_id + other_id - $2 as other, reason, state)
        insert into suggestions (workspace_id, contact_id, other_id, reason, state)
        select $1, least(other, $3), greatest(other, $3), reason, state from had where other <> $3
        on conflict do nothing""",
        *pair,
    )
    made_up = {rules.default_name(point["kind"], point["value"]) for point in points}
    named = await _winners_name(tx, winner, {row["id"] for row in points})
    name = winner["name"] if named or loser["name"] in made_up else loser["name"]
    note = "\n\n".join(text for text in (winner["note"], loser["note"]) if text)
    await tx.execute(
        """update contacts set name = $3, note = $4, timezone = coalesce(timezone, $5), locale = coalesce(locale, $6),
          rev = rev + 1
        where workspace_id = $1 and id = $2""",
        tx.workspace_id, winner["id"], name or loser["name"], note, loser["timezone"], loser["locale"],
    )  # fmt: skip
    await tx.execute(
        """update contacts set merged_into = $3, rev = rev + 1
        where workspace_id = $1 and (id = $2 or merged_into = $2)""",
        *pair,
    )
    return {
        "points": [row["id"] for row in points],
        "tags": [row["tag_id"] for row in tags],
        "loser": {key: loser[key] for key in ("name", "note", "timezone", "locale")},
        "winner": {key: winner[key] for key in ("name", "note", "timezone", "locale")},
    }


async def _winners_name(tx: Tx, winner: Row, moved: set[int]) -> bool:
    """Whether somebody gave the winner its name, so that it is not only one of its addresses."""
    points = await tx.fetch(
        "select id, kind, value from contact_points where workspace_id = $1 and contact_id = $2",
        tx.workspace_id, winner["id"],
    )  # fmt: skip
    made_up = {rules.default_name(row["kind"], row["value"]) for row in points if row["id"] not in moved}
    return bool(winner["name"]) and winner["name"] not in made_up


async def accept(tx: Tx, suggestion_id: int, actor_id: int | None) -> int:
    """Merge what was suggested: the younger contact into the older one, whose id is returned."""
    row = await _answered(tx, suggestion_id, "accepted")
    await merge(tx, row["other_id"], row["contact_id"], actor_id)
    winner: int = row["contact_id"]
    return winner


async def dismiss(tx: Tx, suggestion_id: int, by: Actor) -> None:
    """They are two people. It is not suggested again. Raises NotFound where ``by`` does not see both."""
    row = await _answered(tx, suggestion_id, "dismissed")
    if not await queries.sees(tx, by, row["contact_id"], row["other_id"]):
        raise NotFound("This suggestion")
    subject = f"contact:{row['contact_id']}"
    await people.audit(tx, "suggestion.dismissed", actor_id=by.user_id, subject=subject, detail={"id": suggestion_id})


async def _answered(tx: Tx, suggestion_id: int, state: str) -> Row:
    row = await tx.fetchrow(
        """update suggestions set state = $3 where workspace_id = $1 and id = $2 and state = 'open'
        returning contact_id, other_id""",
        tx.workspace_id, suggestion_id, state,
    )  # fmt: skip
    if row is None:
        raise NotFound("This suggestion")
    return row
