"""Setting up, signing in and signing out."""

from __future__ import annotations

from dataclasses import dataclass

from frontdesk.kit import clock, ids
from frontdesk.kit.addresses import network_of
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, Refused, Unauthorised
from frontdesk.kit.transaction import Database, Row, Tx
from frontdesk.people import queries, rules
from frontdesk.people.actions.passwords import ATTEMPTS, PER_ACCOUNT, PER_IP, hashed, verified
from frontdesk.people.actions.record import audit
from frontdesk.people.actions.users import insert_user

_FIRST = 7_305_003  # advisory: two people who set up at once cannot make two workspaces
_HOMES = 5  # workspaces of one e-mail address that a sign-in tries


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A fresh session: what goes into the cookie (nothing else holds it) and who it is."""

    cookie: str
    actor: Actor


async def first_run(
    db: Database,
    *,
    workspace: str,
    name: str,
    email: str,
    password: str,
    timezone: str = "UTC",
    ip: str | None = None,
    agent: str = "",
) -> SignedIn:
    """Make the first workspace and its owner, and sign them in. Refused once there is a workspace."""
    problems = {
        "workspace": rules.name_problem(workspace),
        "name": rules.name_problem(name),
        "email": rules.email_problem(email.strip()),
        "timezone": rules.timezone_problem(timezone),
    }
    if wrong := {field: problem for field, problem in problems.items() if problem}:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    password_hash = await hashed(password)
    async with db.across() as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", _FIRST)
        if await tx.fetchval("select exists(select 1 from workspaces)"):
            raise Refused("This installation is already set up. Sign in instead.", code="already_set_up")
        workspace_id: int = await tx.fetchval(
            "insert into workspaces (name, timezone) values ($1, $2) returning id", workspace.strip(), timezone
        )
        user = await insert_user(tx, workspace_id, name=name, email=email, role="owner", password_hash=password_hash)
    async with db.begin(workspace_id) as tx:
        await audit(tx, "workspace.created", actor_id=user["id"], subject=f"workspace:{workspace_id}", ip=ip)
        return await open_session(tx, user, ip=ip, agent=agent)


async def sign_in(db: Database, *, email: str, password: str, ip: str | None, agent: str = "") -> SignedIn:
    """Raises Unauthorised (the same for everybody who is not let in), TooMany, or Unavailable."""
    account, network = email.strip().casefold(), network_of(ip or "")
    ATTEMPTS.count("ip", network, PER_IP)
    ATTEMPTS.count("account", account, PER_ACCOUNT)
    user = await _who(db, email.strip(), password)
    if user is None:
        raise Unauthorised("This e-mail address and password do not belong together.", code="wrong_credentials")
    ATTEMPTS.forgive("ip", network, PER_IP)
    ATTEMPTS.forgive("account", account, PER_ACCOUNT)
    async with db.begin(user["workspace_id"]) as tx:
        await audit(tx, "session.opened", actor_id=user["id"], subject=f"user:{user['id']}", ip=ip)
        return await open_session(tx, user, ip=ip, agent=agent)


async def _who(db: Database, email: str, password: str) -> Row | None:
    """The active user of this address and password; the first workspace wins where several fit."""
    async with db.across() as tx:
        rows = await tx.fetch(
            "select * from users where lower(email) = lower($1) and active order by workspace_id limit $2",
            email,
            _HOMES,
        )
    if not rows:
        await verified(password, None)
    for row in rows:
        if await verified(password, row["password_hash"]):
            return row
    return None


async def open_session(tx: Tx, user: Row, *, ip: str | None, agent: str) -> SignedIn:
    """A new session with a new secret: whatever the browser held before is worth nothing."""
    cookie, csrf, now = ids.tenant_key(tx.workspace_id, 32), ids.secret(32), clock.now()
    session_id = await tx.fetchval(
        """insert into sessions (workspace_id, user_id, token_hash, csrf, ip, agent, created_at, seen_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7, $8) returning id""",
        tx.workspace_id, user["id"], ids.digest(cookie), csrf, ip, agent[:400], now, now + queries.SESSION_LASTS,
    )  # fmt: skip
    actor = Actor(
        workspace_id=tx.workspace_id,
        user_id=user["id"],
        name=user["name"],
        role=user["role"],
        permissions=rules.permissions(user["role"]),
        sees_all=rules.sees_all(user["role"], only_assigned=user["only_assigned"]),
        session_id=session_id,
        csrf=csrf,
        ip=ip,
    )
    return SignedIn(cookie=cookie, actor=actor)


async def sign_out(tx: Tx, actor: Actor) -> None:
    """End the session that the actor came with."""
    await tx.execute("delete from sessions where workspace_id = $1 and id = $2", tx.workspace_id, actor.session_id)
    await audit(tx, "session.closed", actor_id=actor.user_id, subject=f"user:{actor.user_id}", ip=actor.ip)


async def sign_out_everywhere(tx: Tx, actor: Actor) -> int:
    """End every session of the actor, this one included; returns how many there were. API tokens stay."""
    ended = await tx.execute(
        "delete from sessions where workspace_id = $1 and user_id = $2", tx.workspace_id, actor.user_id
    )
    await audit(
        tx,
        "session.closed_everywhere",
        actor_id=actor.user_id,
        subject=f"user:{actor.user_id}",
        ip=actor.ip,
        detail={"ended": ended},
    )
    return ended
