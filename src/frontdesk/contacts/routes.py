"""Contacts over HTTP. Paths are relative to ``/api/v1``."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import UNSET

from frontdesk.contacts import actions, queries, schemas
from frontdesk.kit import paging
from frontdesk.kit.context import Actor, Context
from frontdesk.kit.errors import Forbidden

TAGS = ["contacts"]

PathId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Limit = Annotated[int | None, QueryParameter(ge=1, le=paging.LIMIT)]
Cursor = Annotated[str | None, QueryParameter(max_length=2000)]
Words = Annotated[str | None, QueryParameter(max_length=200)]
SomeId = Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)]


def _must_see_all(actor: Actor, what: str) -> None:
    """What reaches into every conversation of a contact is not for who may see only some of them."""
    if not actor.sees_all:
        raise Forbidden(f"{what} changes conversations that you may not see. Ask somebody who sees all of them.")


@get("/contacts", operation_id="listContacts", tags=TAGS)
async def list_contacts(
    context: NamedDependency[Context], q: Words = None, cursor: Cursor = None, limit: Limit = None
) -> paging.Page[schemas.ContactOut]:
    """By name. ``q`` is part of a name or of an address."""
    async with context.look("contacts:read") as tx:
        return await queries.search(tx, context.actor, q, cursor, limit)


@post("/contacts", operation_id="createContact", status_code=201, tags=TAGS)
async def create_contact(data: JSONBody[schemas.NewContact], context: NamedDependency[Context]) -> schemas.ContactOut:
    async with context.begin("contacts:write") as tx:
        addresses = await actions.normalised(tx, [(point.kind, point.value) for point in data.points])
        made = await actions.create_contact(tx, name=data.name, addresses=addresses, by=context.actor)
        return await queries.get(tx, context.actor, made)


@get("/contacts/{contact_id:int}", operation_id="getContact", tags=TAGS)
async def get_contact(contact_id: PathId, context: NamedDependency[Context]) -> schemas.ContactOut:
    """A contact that was merged away answers with the one that it became."""
    async with context.begin("contacts:read") as tx:
        return await queries.get(tx, context.actor, contact_id)


@patch("/contacts/{contact_id:int}", operation_id="changeContact", tags=TAGS)
async def change_contact(
    contact_id: PathId, data: JSONBody[schemas.ContactChange], context: NamedDependency[Context]
) -> schemas.ContactOut:
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        await actions.change_contact(
            tx,
            contact_id,
            by=context.actor,
            name=None if data.name is UNSET else data.name,
            note=None if data.note is UNSET else data.note,
            timezone=data.timezone,
        )
        return await queries.get(tx, context.actor, contact_id)


@delete("/contacts/{contact_id:int}", operation_id="deleteContact", status_code=204, tags=TAGS)
async def delete_contact(contact_id: PathId, context: NamedDependency[Context]) -> None:
    _must_see_all(context.actor, "Deleting a contact")
    async with context.begin("contacts:write") as tx:
        await actions.delete_contact(tx, contact_id, by=context.actor)


@post("/contacts/{contact_id:int}/points", operation_id="addPoint", status_code=201, tags=TAGS)
async def add_point(
    contact_id: PathId, data: JSONBody[schemas.NewPoint], context: NamedDependency[Context]
) -> schemas.ContactOut:
    """409 ``point_taken`` when another contact has this address; ``fields.contact_id`` is it, if you may see it."""
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        (address,) = await actions.normalised(tx, [(data.kind, data.value)])
        await actions.add_point(tx, contact_id, address, by=context.actor)
        return await queries.get(tx, context.actor, contact_id)


@delete("/contacts/{contact_id:int}/points/{point_id:int}", operation_id="removePoint", status_code=204, tags=TAGS)
async def remove_point(contact_id: PathId, point_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        await actions.remove_point(tx, contact_id, point_id, by=context.actor)


@put("/contacts/{contact_id:int}/points/{point_id:int}/consent", operation_id="setConsent", tags=TAGS)
async def set_consent(
    contact_id: PathId, point_id: PathId, data: JSONBody[schemas.ConsentIn], context: NamedDependency[Context]
) -> schemas.ContactOut:
    """What somebody of us was told. An opt-out in the contact's own words can only be lifted in their own words."""
    change = actions.opt_out if data.opted_out else actions.opt_in
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        await queries.get_point(tx, contact_id, point_id)
        await change(tx, point_id, source="user", reason=data.reason, actor_id=context.actor.user_id)
        return await queries.get(tx, context.actor, contact_id)


@put("/contacts/{contact_id:int}/tags/{tag_id:int}", operation_id="tagContact", status_code=204, tags=TAGS)
async def tag_contact(contact_id: PathId, tag_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        await actions.tag(tx, contact_id, tag_id, by=context.actor)


@delete("/contacts/{contact_id:int}/tags/{tag_id:int}", operation_id="untagContact", status_code=204, tags=TAGS)
async def untag_contact(contact_id: PathId, tag_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("contacts:write") as tx:
        await queries.must_see(tx, context.actor, contact_id)
        await actions.untag(tx, contact_id, tag_id, by=context.actor)


@post("/contacts/{contact_id:int}/merge", operation_id="mergeContact", status_code=200, tags=TAGS)
async def merge_contact(
    contact_id: PathId, data: JSONBody[schemas.Into], context: NamedDependency[Context]
) -> schemas.ContactOut:
    """This contact becomes ``into``, which is returned."""
    _must_see_all(context.actor, "Merging contacts")
    async with context.begin("contacts:write") as tx:
        await actions.merge(tx, contact_id, data.into, context.actor.user_id)
        return await queries.get(tx, context.actor, data.into)


@get("/suggestions", operation_id="listSuggestions", tags=TAGS)
async def list_suggestions(context: NamedDependency[Context], contact_id: SomeId = None) -> list[schemas.SuggestionOut]:
    async with context.begin("contacts:read") as tx:
        return await queries.suggestions(tx, context.actor, contact_id)


@post("/suggestions/{suggestion_id:int}/accept", operation_id="acceptSuggestion", status_code=200, tags=TAGS)
async def accept_suggestion(suggestion_id: PathId, context: NamedDependency[Context]) -> schemas.ContactOut:
    _must_see_all(context.actor, "Merging contacts")
    async with context.begin("contacts:write") as tx:
        winner = await actions.accept(tx, suggestion_id, context.actor.user_id)
        return await queries.get(tx, context.actor, winner)


@post("/suggestions/{suggestion_id:int}/dismiss", operation_id="dismissSuggestion", status_code=204, tags=TAGS)
async def dismiss_suggestion(suggestion_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("contacts:write") as tx:
        await actions.dismiss(tx, suggestion_id, context.actor)


@get("/tags", operation_id="listTags", tags=TAGS)
async def list_tags(context: NamedDependency[Context]) -> paging.Page[schemas.Tag]:
    async with context.begin("contacts:read") as tx:
        return paging.Page(items=await queries.tags(tx))


@post("/tags", operation_id="createTag", status_code=201, tags=TAGS)
async def create_tag(data: JSONBody[schemas.NewTag], context: NamedDependency[Context]) -> schemas.Tag:
    async with context.begin("tags:write") as tx:
        return await actions.create_tag(tx, name=data.name, colour=data.colour, by=context.actor)


@patch("/tags/{tag_id:int}", operation_id="changeTag", tags=TAGS)
async def change_tag(
    tag_id: PathId, data: JSONBody[schemas.TagChange], context: NamedDependency[Context]
) -> schemas.Tag:
    async with context.begin("tags:write") as tx:
        return await actions.change_tag(
            tx,
            tag_id,
            by=context.actor,
            name=None if data.name is UNSET else data.name,
            colour=None if data.colour is UNSET else data.colour,
        )


@delete("/tags/{tag_id:int}", operation_id="deleteTag", status_code=204, tags=TAGS)
async def delete_tag(tag_id: PathId, context: NamedDependency[Context]) -> None:
    async with context.begin("tags:write") as tx:
        await actions.delete_tag(tx, tag_id, by=context.actor)


ROUTES = [
    list_contacts,
    create_contact,
    get_contact,
    change_contact,
    delete_contact,
    add_point,
    remove_point,
    set_consent,
    tag_contact,
    untag_contact,
    merge_contact,
    list_suggestions,
    accept_suggestion,
    dismiss_suggestion,
    list_tags,
    create_tag,
    change_tag,
    delete_tag,
]
