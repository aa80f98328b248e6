"""What a request or a command works with: the process's resources, and on whose behalf it acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from frontdesk.kit.errors import Forbidden
from frontdesk.kit.files import Store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database, Tx


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a process opens once."""

    settings: Settings
    db: Database
    vault: Vault
    files: Store


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, in which workspace, with which permissions (``room:read`` or ``room:write``).

    ``sees_all`` is false for users who may see only what is assigned to them, to their teams, or mentions them.
    """

    workspace_id: int
    user_id: int
    name: str
    role: str
    permissions: frozenset[str]
    sees_all: bool = True
    session_id: int | None = None  # signed in with a cookie
    token_id: int | None = None  # came with an API token
    csrf: str | None = None
    ip: str | None = None
    teams: frozenset[int] = field(default_factory=frozenset)

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden with a sentence that names what is missing."""
        if permission not in self.permissions:
            raise Forbidden(f"This needs the permission {permission}, which you do not have. An admin can give it.")


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request: resources and actor. ``async with context.begin("contacts:write") as tx`` is how a route starts."""

    resources: Resources
    actor: Actor

    @asynccontextmanager
    async def begin(self, permission: str) -> AsyncIterator[Tx]:
        """A transaction in the actor's workspace, if the actor has the permission."""
        self.actor.require(permission)
        async with self.resources.db.begin(self.actor.workspace_id) as tx:
            yield tx
