"""Wire shapes of contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, Meta(max_length=200)]
Note = Annotated[str, Meta(max_length=20_000)]
Timezone = Annotated[str, Meta(max_length=64)]
Kind = Annotated[str, Meta(min_length=1, max_length=32)]
Value = Annotated[str, Meta(min_length=1, max_length=500)]
Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$", max_length=7)]
TagName = Annotated[str, Meta(min_length=1, max_length=60)]


class OptOut(Struct, kw_only=True):
    at: datetime
    reason: str
    source: str


class Point(Struct, kw_only=True):
    """One address of a contact. ``primary`` is the oldest of its kind; ``bad_since``: messages to it came back.

    ``claimed``: somebody typed it, and nothing shows that it is theirs.
    """

    id: int
    kind: str
    value: str
    display: str
    scope: str
    verified: bool
    claimed: bool
    primary: bool
    opt_out: OptOut | None
    bad_since: datetime | None
    created_at: datetime


class ContactOut(Struct, kw_only=True):
    id: int
    name: str
    points: list[Point]
    tags: list[int]
    note: str
    timezone: str | None
    locale: str | None
    created_at: datetime
    rev: int


class NewPoint(Struct, kw_only=True, forbid_unknown_fields=True):
    kind: Kind
    value: Value


class NewContact(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name = ""
    points: Annotated[list[NewPoint], Meta(max_length=50)] = []


class ContactChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    timezone: Timezone | UnsetType | None = UNSET


class ConsentIn(Struct, kw_only=True, forbid_unknown_fields=True):
    opted_out: bool
    reason: Annotated[str, Meta(max_length=500)] = ""


class Into(Struct, kw_only=True, forbid_unknown_fields=True):
    into: Id


class Named(Struct, kw_only=True):
    id: int
    name: str


class SuggestionOut(Struct, kw_only=True):
    """Two contacts that may be one person."""

    id: int
    contact: Named
    other: Named
    reason: str


class Tag(Struct, kw_only=True):
    id: int
    name: str
    colour: str


class NewTag(Struct, kw_only=True, forbid_unknown_fields=True):
    name: TagName
    colour: Colour = "#64748b"


class TagChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: TagName | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET
