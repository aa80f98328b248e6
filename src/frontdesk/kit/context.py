"""What a request or a command works with: the process's resources, and on whose behalf it acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from frontdesk.kit import clock, downloads
from frontdesk.kit.disk import Disk
from frontdesk.kit.errors import Forbidden
from frontdesk.kit.files import Store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database, Tx


class Resources:
    """What a process opens once. (A plain class: the framework would look into the fields of a dataclass.)"""

    def __init__(
        self, *, settings: Settings, db: Database, vault: Vault, files: Store, disk: Disk | None = None
    ) -> None:
        self.settings, self.db, self.vault, self.files = settings, db, vault, files
        self.disk = disk or Disk()

    def file_url(
        self,
        workspace_id: int,
        digest: str,
        name: str,
        content_type: str,
        *,
        absolute: bool = False,
        lasting: bool = False,
    ) -> str:
        """A signed address of a stored file, the same for a while so that browsers keep what they have.

        It works for half an hour to an hour; ``lasting`` for one to two days, for those who are not signed in and could
        not ask again: visitors of a chat, and providers (``absolute``), who fetch when they please.
        """
        now = clock.now()
        if lasting or absolute:
            expires = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        else:
            expires = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0) + timedelta(hours=1)
        link = downloads.Link(workspace_id, digest, name, content_type)
        token = downloads.sign(self.vault.derive("files"), link, expires=expires)
        return f"{self.settings.url if absolute else ''}/files/{token}"


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


class Context:
    """One request: resources and actor. ``async with context.begin("contacts:write") as tx`` is how a route starts."""

    def __init__(self, *, resources: Resources, actor: Actor) -> None:
        self.resources, self.actor = resources, actor

    @asynccontextmanager
    async def begin(self, permission: str) -> AsyncIterator[Tx]:
        """A transaction in the actor's workspace, if the actor has the permission."""
        self.actor.require(permission)
        async with self.resources.db.begin(self.actor.workspace_id) as tx:
            yield tx

    @asynccontextmanager
    async def look(self, permission: str) -> AsyncIterator[Tx]:
        """The same to read lists, threads and what is searched for: see :meth:`Database.look`."""
        self.actor.require(permission)
        async with self.resources.db.look(self.actor.workspace_id) as tx:
            yield tx
