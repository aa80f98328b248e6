"""Wire shapes of people: what requests may say about them, and what answers do say."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Email = Annotated[
    str, Meta(min_length=3, max_length=254)
]  # RFC 5321 §4.5.3.1.3: a path holds 256 octets, brackets included
Password = Annotated[str, Meta(max_length=1024)]  # how long in bytes and how short is rules.password_problem's
Role = Literal["owner", "admin", "user"]


class Setup(Struct, kw_only=True, forbid_unknown_fields=True):
    workspace: Name
    name: Name
    email: Email
    password: Password
    timezone: Annotated[str, Meta(max_length=64)] = "UTC"


class SignIn(Struct, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Password


class SetupState(Struct, kw_only=True):
    needed: bool


class User(Struct, kw_only=True):
    id: int
    name: str
    email: str
    role: Role
    active: bool
    only_assigned: bool
    preferences: dict[str, Any] | UnsetType = UNSET  # only one's own


class WorkspaceSettings(Struct, kw_only=True):
    """Which conversation an inbound message joins, and for how many days a closed one opens again."""

    joining: Literal["contact", "contact_inbox"] = "contact"
    reopen_days: Annotated[int, Meta(ge=0, le=365)] = 14


class Workspace(Struct, kw_only=True):
    id: int
    name: str
    timezone: str
    locale: str
    settings: WorkspaceSettings


class Ended(Struct, kw_only=True):
    """What a new password ended: the user's other sessions, and their API tokens."""

    sessions: int
    tokens: int


class Me(Struct, kw_only=True):
    user: User
    workspace: Workspace
    csrf: str | None
    cursor: int
    permissions: list[str]
    ended: Ended | UnsetType = UNSET  # only where a password was changed


class PasswordChange(Struct, kw_only=True, forbid_unknown_fields=True):
    current: Password
    new: Password


class MeChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    password: PasswordChange | UnsetType = UNSET
    preferences: dict[str, Any] | UnsetType = UNSET


class SettingsChange(Struct, kw_only=True, forbid_unknown_fields=True):
    joining: Literal["contact", "contact_inbox"] | UnsetType = UNSET
    reopen_days: Annotated[int, Meta(ge=0, le=365)] | UnsetType = UNSET


class WorkspaceChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    timezone: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    settings: SettingsChange | UnsetType = UNSET


class NewUser(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name
    email: Email
    role: Role
    password: Password


class UserChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    only_assigned: bool | UnsetType = UNSET


class Team(Struct, kw_only=True):
    id: int
    name: str
    member_ids: list[int]


class NewTeam(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name
    member_ids: Annotated[list[Id], Meta(max_length=1000)] = []


class TeamChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    member_ids: Annotated[list[Id], Meta(max_length=1000)] | UnsetType = UNSET


class Session(Struct, kw_only=True):
    """One browser that is signed in."""

    id: int
    ip: str | None
    agent: str | None
    created_at: datetime
    seen_at: datetime
    current: bool


class NewToken(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name
    scopes: Annotated[list[str], Meta(min_length=1, max_length=50)]
    expires_at: datetime | None = None


class Token(Struct, kw_only=True):
    """An API token; ``token`` itself is shown once, when it is made."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    token: str | UnsetType = UNSET


class AuditEntry(Struct, kw_only=True):
    id: int
    at: datetime
    actor_id: int | None
    action: str
    subject: str | None
    ip: str | None
    detail: dict[str, Any]
