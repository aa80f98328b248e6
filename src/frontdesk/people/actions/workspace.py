"""The workspace's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid
from frontdesk.kit.transaction import Tx
from frontdesk.people import queries, rules, schemas
from frontdesk.people.actions.record import audit
from frontdesk.people.events import WorkspaceChanged


async def change_workspace(
    tx: Tx,
    *,
    by: Actor,
    name: str | None = None,
    timezone: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> schemas.Workspace:
    """Change what is given (None: leave); ``settings`` are merged, key by key."""
    wrong = {}
    if name is not None and (problem := rules.name_problem(name)):
        wrong["name"] = problem
    if timezone is not None and (problem := rules.timezone_problem(timezone)):
        wrong["timezone"] = problem
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    await tx.execute(
        """update workspaces
        set name = coalesce($2, name), timezone = coalesce($3, timezone), settings = settings || $4::jsonb
        where id = $1""",
        tx.workspace_id, name.strip() if name else None, timezone, dict(settings or {}),
    )  # fmt: skip
    given = {"name": name, "timezone": timezone, **(settings or {})}
    detail = {key: value for key, value in given.items() if value is not None}
    await audit(
        tx, "workspace.changed", actor_id=by.user_id, subject=f"workspace:{tx.workspace_id}", ip=by.ip, detail=detail
    )
    tx.emit(WorkspaceChanged(actor_id=by.user_id))
    return await queries.workspace(tx)
