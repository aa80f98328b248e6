"""Tags, and putting them on contacts."""

from __future__ import annotations

from frontdesk.contacts import queries, rules, schemas
from frontdesk.contacts.events import ContactChanged, TagChanged, TagDeleted
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Tx


async def create_tag(tx: Tx, *, name: str, colour: str, by: Actor) -> schemas.Tag:
    """Raises Refused for a name that is there already."""
    tag_id = await tx.fetchval(
        "insert into tags (workspace_id, name, colour) values ($1, $2, $3) on conflict do nothing returning id",
        tx.workspace_id, _named(name), colour.lower(),
    )  # fmt: skip
    if tag_id is None:
        raise _taken()
    return await _told(tx, tag_id, by)


async def change_tag(
    tx: Tx, tag_id: int, *, by: Actor, name: str | None = None, colour: str | None = None
) -> schemas.Tag:
    """Change what is given (None: leave)."""
    if name is not None and await tx.fetchval(
        "select 1 from tags where workspace_id = $1 and name = $2 and id <> $3", tx.workspace_id, _named(name), tag_id
    ):
        raise _taken()
    changed = await tx.execute(
        "update tags set name = coalesce($3, name), colour = coalesce($4, colour) where workspace_id = $1 and id = $2",
        tx.workspace_id, tag_id, None if name is None else _named(name), colour.lower() if colour else None,
    )  # fmt: skip
    if not changed:
        raise NotFound("This tag")
    return await _told(tx, tag_id, by)


async def delete_tag(tx: Tx, tag_id: int, *, by: Actor) -> None:
    """It comes off every contact."""
    if not await tx.execute("delete from tags where workspace_id = $1 and id = $2", tx.workspace_id, tag_id):
        raise NotFound("This tag")
    tx.emit(TagDeleted(actor_id=by.user_id, tag_id=tag_id))


async def tag(tx: Tx, contact_id: int, tag_id: int, *, by: Actor) -> bool:
    """Put a tag on a contact; returns whether that is new."""
    await queries.must_exist(tx, contact_id)
    if tag_id not in await queries.tags_by_id(tx, [tag_id]):
        raise NotFound("This tag")
    fresh = await tx.execute(
        "insert into contact_tags (workspace_id, contact_id, tag_id) values ($1, $2, $3) on conflict do nothing",
        tx.workspace_id, contact_id, tag_id,
    )  # fmt: skip
    return await _changed(tx, contact_id, by, fresh)


async def untag(tx: Tx, contact_id: int, tag_id: int, *, by: Actor) -> bool:
    """Take a tag off a contact; returns whether it was on."""
    await queries.must_exist(tx, contact_id)
    gone = await tx.execute(
        "delete from contact_tags where workspace_id = $1 and contact_id = $2 and tag_id = $3",
        tx.workspace_id, contact_id, tag_id,
    )  # fmt: skip
    return await _changed(tx, contact_id, by, gone)


async def _changed(tx: Tx, contact_id: int, by: Actor, touched: int) -> bool:
    if touched:
        await tx.execute(
            "update contacts set rev = rev + 1 where workspace_id = $1 and id = $2", tx.workspace_id, contact_id
        )
        tx.emit(ContactChanged(actor_id=by.user_id, contact_id=contact_id))
    return bool(touched)


async def _told(tx: Tx, tag_id: int, by: Actor) -> schemas.Tag:
    tx.emit(TagChanged(actor_id=by.user_id, tag_id=tag_id))
    return (await queries.tags_by_id(tx, [tag_id]))[tag_id]


def _named(name: str) -> str:
    tidy = rules.tidy_name(name)
    if not tidy:
        raise Invalid("A tag needs a name.", fields={"name": "A name is needed."})
    return tidy


def _taken() -> Refused:
    return Refused("There is already a tag with this name.", code="name_taken")
