"""Named groups of users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Tx
from frontdesk.people import queries, rules, schemas
from frontdesk.people.actions.record import audit
from frontdesk.people.events import TeamChanged, TeamDeleted

TEAM_ENDINGS: list[Callable[[Tx, int], Awaitable[None]]] = []
"""What rooms above do before a team is deleted: they let go of it."""


async def create_team(tx: Tx, *, name: str, member_ids: Sequence[int], by: Actor) -> schemas.Team:
    team_id = await tx.fetchval(
        "insert into teams (workspace_id, name) values ($1, $2) on conflict do nothing returning id",
        tx.workspace_id,
        _named(name),
    )
    if team_id is None:
        raise _taken()
    await _set_members(tx, team_id, member_ids)
    return await _recorded(tx, "team.created", team_id, by)


async def change_team(
    tx: Tx, team_id: int, *, by: Actor, name: str | None = None, member_ids: Sequence[int] | None = None
) -> schemas.Team:
    """Change the name, the members, or both (None: leave)."""
    team = await tx.fetchrow(
        "select id, name from teams where workspace_id = $1 and id = $2 for update", tx.workspace_id, team_id
    )
    if team is None:
        raise NotFound("This team")
    if name is not None and _named(name) != team["name"]:
        if await tx.fetchval(
            "select 1 from teams where workspace_id = $1 and name = $2", tx.workspace_id, _named(name)
        ):
            raise _taken()
        await tx.execute(
            "update teams set name = $3 where workspace_id = $1 and id = $2", tx.workspace_id, team_id, _named(name)
        )
    if member_ids is not None:
        await _set_members(tx, team_id, member_ids)
    return await _recorded(tx, "team.changed", team_id, by)


async def delete_team(tx: Tx, team_id: int, *, by: Actor) -> None:
    await queries.get_team(tx, team_id)
    for let_go in TEAM_ENDINGS:
        await let_go(tx, team_id)
    await tx.execute("delete from teams where workspace_id = $1 and id = $2", tx.workspace_id, team_id)
    await audit(tx, "team.deleted", actor_id=by.user_id, subject=f"team:{team_id}", ip=by.ip)
    tx.emit(TeamDeleted(actor_id=by.user_id, team_id=team_id))


async def _set_members(tx: Tx, team_id: int, member_ids: Sequence[int]) -> None:
    wanted = sorted(set(member_ids))
    known = await tx.fetchval(
        "select count(*) from users where workspace_id = $1 and id = any($2::bigint[])", tx.workspace_id, wanted
    )
    if known != len(wanted):
        raise Invalid(
            "A team can only hold users of this workspace.", fields={"member_ids": "One of them does not exist."}
        )
    await tx.execute(
        "delete from team_members where workspace_id = $1 and team_id = $2 and user_id <> all($3::bigint[])",
        tx.workspace_id,
        team_id,
        wanted,
    )
    await tx.execute(
        """insert into team_members (workspace_id, team_id, user_id)
        select $1, $2, unnest($3::bigint[]) on conflict do nothing""",
        tx.workspace_id, team_id, wanted,
    )  # fmt: skip


async def _recorded(tx: Tx, action: str, team_id: int, by: Actor) -> schemas.Team:
    await audit(tx, action, actor_id=by.user_id, subject=f"team:{team_id}", ip=by.ip)
    tx.emit(TeamChanged(actor_id=by.user_id, team_id=team_id))
    return await queries.get_team(tx, team_id)


def _named(name: str) -> str:
    if problem := rules.name_problem(name):
        raise Invalid(problem, fields={"name": problem})
    return name.strip()


def _taken() -> Refused:
    return Refused("There is already a team with this name.", code="name_taken")
