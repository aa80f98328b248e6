"""Reads of people: who is calling, who there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import UNSET

from frontdesk.kit import clock, ids, paging
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import NotFound
from frontdesk.kit.transaction import Database, Row, Tx
from frontdesk.people import rules, schemas

SESSION_LASTS = timedelta(days=30)  # after the last visit
SEEN_EVERY = timedelta(minutes=1)  # how exact "last seen" is: no write per request
TOKEN_PREFIX = "fd_"  # noqa: S105  (what scanners for leaked secrets can look for)

_TEAMS = "array(select m.team_id from team_members m where m.workspace_id = u.workspace_id and m.user_id = u.id)"

_BY_SESSION = f"""
select s.id, s.csrf, s.seen_at, u.id as user_id, u.name, u.role, u.only_assigned, {_TEAMS} as teams
from sessions s join users u on u.workspace_id = s.workspace_id and u.id = s.user_id
where s.workspace_id = $1 and s.token_hash = $2 and s.expires_at > $3 and u.active
"""

_BY_TOKEN = f"""
select t.id, t.scopes, t.last_used_at as seen_at, u.id as user_id, u.name, u.role, u.only_assigned, {_TEAMS} as teams
from tokens t join users u on u.workspace_id = t.workspace_id and u.id = t.user_id
where t.workspace_id = $1 and t.token_hash = $2 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $3)
  and u.active
"""


def cookie_name(*, secure: bool) -> str:
    """The session cookie; over TLS with the prefix that keeps other hosts from planting one (RFC 6265bis §4.1.3.2)."""
    return "__Host-frontdesk" if secure else "frontdesk"


async def actor_by_session(db: Database, cookie_value: str, *, ip: str | None) -> Actor | None:
    """Who a session cookie signs in; None for one that is unknown, expired, or of a deactivated user."""
    workspace_id = ids.tenant_of(cookie_value)
    if workspace_id is None:
        return None
    now = clock.now()
    async with db.begin(workspace_id) as tx:
        row = await tx.fetchrow(_BY_SESSION, workspace_id, ids.digest(cookie_value), now)
        if row is None:
            return None
        if now - row["seen_at"] >= SEEN_EVERY:
            await tx.execute(
                """update sessions set seen_at = $3, expires_at = $4, ip = $5
                where workspace_id = $1 and id = $2""",
                workspace_id, row["id"], now, now + SESSION_LASTS, ip,
            )  # fmt: skip
    return _actor(workspace_id, row, ip, session_id=row["id"], csrf=row["csrf"])


async def actor_by_token(db: Database, token: str, *, ip: str | None) -> Actor | None:
    """Whom an API token acts for; None for one that is unknown, expired, revoked, or of a deactivated user."""
    workspace_id = ids.tenant_of(token.removeprefix(TOKEN_PREFIX)) if token.startswith(TOKEN_PREFIX) else None
    if workspace_id is None:
        return None
    now = clock.now()
    async with db.begin(workspace_id) as tx:
        row = await tx.fetchrow(_BY_TOKEN, workspace_id, ids.digest(token), now)
        if row is None:
            return None
        if row["seen_at"] is None or now - row["seen_at"] >= SEEN_EVERY:
            await tx.execute(
                "update tokens set last_used_at = $3 where workspace_id = $1 and id = $2", workspace_id, row["id"], now
            )
    return _actor(workspace_id, row, ip, token_id=row["id"], scopes=row["scopes"])


def _actor(workspace_id: int, row: Row, ip: str | None, *, scopes: Sequence[str] | None = None, **more: Any) -> Actor:
    return Actor(
        workspace_id=workspace_id,
        user_id=row["user_id"],
        name=row["name"],
        role=row["role"],
        permissions=rules.permissions(row["role"], scopes),
        sees_all=rules.sees_all(row["role"], only_assigned=row["only_assigned"]),
        teams=frozenset(row["teams"]),
        ip=ip,
        **more,
    )


async def setup_needed(db: Database) -> bool:
    """Whether nobody has set this installation up yet."""
    async with db.across() as tx:
        return not await tx.fetchval("select exists(select 1 from workspaces)")


async def me(tx: Tx, actor: Actor, cursor: int) -> schemas.Me:
    """Everything that the first screen needs; ``cursor`` is the event that this answer is as new as."""
    user = await get_user(tx, actor.user_id)
    return schemas.Me(
        user=user_out(user, own=True),
        workspace=await workspace(tx),
        csrf=actor.csrf,
        cursor=cursor,
        permissions=sorted(actor.permissions),
    )


async def workspace(tx: Tx) -> schemas.Workspace:
    row = await tx.fetchrow(
        "select id, name, timezone, locale, settings from workspaces where id = $1", tx.workspace_id
    )
    if row is None:
        raise NotFound("This workspace")
    return msgspec.convert(dict(row), schemas.Workspace)


async def cursor(tx: Tx) -> int:
    """The newest event of the workspace, 0 before the first."""
    return await tx.fetchval("select seq from event_counters where workspace_id = $1", tx.workspace_id) or 0


def user_out(row: Row, *, own: bool = False) -> schemas.User:
    return schemas.User(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        role=row["role"],
        active=row["active"],
        only_assigned=row["only_assigned"],
        preferences=row["preferences"] if own else UNSET,
    )


async def get_user(tx: Tx, user_id: int) -> Row:
    row = await tx.fetchrow("select * from users where workspace_id = $1 and id = $2", tx.workspace_id, user_id)
    if row is None:
        raise NotFound("This user")
    return row


async def users(tx: Tx, cursor: str | None = None, limit: int | None = None) -> paging.Page[schemas.User]:
    """Everybody who signs in, deactivated ones included, by name."""
    after, size = paging.decode(cursor, str, int), paging.bounded(limit, 200)
    rows = await tx.fetch(
        """select * from users where workspace_id = $1 and ($2::text is null or (lower(name), id) > ($2, $3))
        order by lower(name), id limit $4""",
        tx.workspace_id, after[0] if after else None, after[1] if after else 0, size + 1,
    )  # fmt: skip
    last = rows[size - 1] if len(rows) > size else None
    following = paging.encode(last["name"].lower(), last["id"]) if last else None
    return paging.Page(items=[user_out(row) for row in rows[:size]], next=following)


async def users_by_id(tx: Tx, user_ids: Sequence[int]) -> dict[int, schemas.User]:
    rows = await tx.fetch(
        "select * from users where workspace_id = $1 and id = any($2::bigint[])", tx.workspace_id, list(user_ids)
    )
    return {row["id"]: user_out(row) for row in rows}


_TEAM = """
select t.id, t.name, array(
  select m.user_id from team_members m
  where m.workspace_id = t.workspace_id and m.team_id = t.id order by m.user_id) as member_ids
from teams t where t.workspace_id = $1
"""


async def teams(tx: Tx) -> list[schemas.Team]:
    """All teams by name: there are as many as a business has departments."""
    return [_team_out(row) for row in await tx.fetch(f"{_TEAM} order by lower(t.name), t.id", tx.workspace_id)]


async def teams_by_id(tx: Tx, team_ids: Sequence[int]) -> dict[int, schemas.Team]:
    rows = await tx.fetch(f"{_TEAM} and t.id = any($2::bigint[])", tx.workspace_id, list(team_ids))
    return {row["id"]: _team_out(row) for row in rows}


async def get_team(tx: Tx, team_id: int) -> schemas.Team:
    found = await teams_by_id(tx, [team_id])
    if team_id not in found:
        raise NotFound("This team")
    return found[team_id]


def _team_out(row: Row) -> schemas.Team:
    return schemas.Team(id=row["id"], name=row["name"], member_ids=list(row["member_ids"]))


async def sessions(tx: Tx, actor: Actor) -> list[schemas.Session]:
    """Where the actor is signed in, the latest first."""
    rows = await tx.fetch(
        """select id, ip, agent, created_at, seen_at from sessions
        where workspace_id = $1 and user_id = $2 and expires_at > $3 order by seen_at desc, id desc limit 200""",
        tx.workspace_id, actor.user_id, clock.now(),
    )  # fmt: skip
    return [schemas.Session(**dict(row), current=row["id"] == actor.session_id) for row in rows]


def token_out(row: Row) -> schemas.Token:
    names = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at")
    return schemas.Token(**{name: row[name] for name in names})


async def tokens(tx: Tx, user_id: int) -> list[schemas.Token]:
    """The tokens of one user that are not revoked, the newest first."""
    rows = await tx.fetch(
        """select * from tokens where workspace_id = $1 and user_id = $2 and revoked_at is null
        order by id desc limit 500""",
        tx.workspace_id, user_id,
    )  # fmt: skip
    return [token_out(row) for row in rows]


DIGEST = """sha256(coalesce(before, ''::bytea) || convert_to(jsonb_build_array(
  workspace_id, id, extract(epoch from at), actor_id, action, subject, ip, detail)::text, 'UTF8'))"""
"""What an audit's line is sealed with, given the digest of the one ``before``: a change of either shows."""

BROKEN_CHAIN = f"""
select format('line %s (%s, %s) is not what was written, or a line before it is gone', id, at, action) as wrong from (
  select *, {DIGEST} as ought from (
    select *, lag(digest) over (order by id) as before from audit where workspace_id = $1 and digest is not null) a) b
where digest <> ought
union all
select format('it ends with line %s (%s in all), where line %s was the last (%s in all)',
  a.id, a.lines, h.last_id, coalesce(h.lines, 0))
from (select 1) one
  left join (
    select id, digest, count(*) over () as lines from audit where workspace_id = $1 order by id desc limit 1) a on true
  left join audit_heads h on h.workspace_id = $1
where (coalesce(a.lines, 0), a.id, a.digest) is distinct from (coalesce(h.lines, 0), h.last_id, h.digest)
"""


async def audit_head(tx: Tx) -> tuple[int, str]:
    """How many lines the workspace's audit has, and the digest of the last (hexadecimal): to be noted elsewhere."""
    row = await tx.fetchrow("select lines, digest from audit_heads where workspace_id = $1", tx.workspace_id)
    return (row["lines"], (row["digest"] or b"").hex()) if row else (0, "")


async def audit_went_on_from(tx: Tx, lines: int, digest: str) -> bool:
    """Whether the audit still begins with as many lines as somebody noted, the last of them with that digest."""
    found = await tx.fetchval(
        "select encode(digest, 'hex') = $3 from audit where workspace_id = $1 order by id offset $2 limit 1",
        tx.workspace_id, lines - 1, digest,
    )  # fmt: skip
    return bool(found)


async def audit(tx: Tx, cursor: str | None, limit: int | None) -> paging.Page[schemas.AuditEntry]:
    """What was done, the newest first."""
    before, size = paging.decode(cursor, int), paging.bounded(limit)
    rows = await tx.fetch(
        """select id, at, actor_id, action, subject, ip, detail from audit
        where workspace_id = $1 and ($2::bigint is null or id < $2) order by id desc limit $3""",
        tx.workspace_id, before[0] if before else None, size + 1,
    )  # fmt: skip
    following = paging.encode(rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=[schemas.AuditEntry(**dict(row)) for row in rows[:size]], next=following)
