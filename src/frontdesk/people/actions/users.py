"""Users come, change and go. The last owner stays."""

from __future__ import annotations

from typing import Any

import msgspec

from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Forbidden, Invalid, NotFound, Refused
from frontdesk.kit.transaction import Database, Row, Tx
from frontdesk.people import queries, rules, schemas
from frontdesk.people.actions.passwords import ATTEMPTS, PER_ACCOUNT, hashed, verified
from frontdesk.people.actions.record import audit
from frontdesk.people.events import UserChanged

PREFERENCES_MAX = 16 * 1024  # bytes of JSON


async def insert_user(tx: Tx, workspace_id: int, *, name: str, email: str, role: str, password_hash: str | None) -> Row:
    """The row alone. Raises Refused for an address that another user of the workspace has."""
    row = await tx.fetchrow(
        """insert into users (workspace_id, email, name, role, password_hash) values ($1, $2, $3, $4, $5)
        on conflict (workspace_id, lower(email)) do nothing returning *""",
        workspace_id, email.strip(), name.strip(), role, password_hash,
    )  # fmt: skip
    if row is None:
        raise Refused("Somebody with this e-mail address is already here.", code="email_taken")
    return row


async def create_user(tx: Tx, *, name: str, email: str, role: str, password_hash: str | None, by: Actor | None) -> Row:
    """Add somebody. ``password_hash`` comes from :func:`hashed`; ``by`` is None for the command line."""
    problems = {"name": rules.name_problem(name), "email": rules.email_problem(email.strip())}
    if wrong := {field: problem for field, problem in problems.items() if problem}:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    if by and not rules.may_change_role(by.role, role, role):
        raise Forbidden("You cannot give a role that is above your own.")
    user = await insert_user(tx, tx.workspace_id, name=name, email=email, role=role, password_hash=password_hash)
    await _record(tx, "user.created", by, user["id"], {"role": role})
    return user


async def change_user(
    tx: Tx,
    user_id: int,
    *,
    by: Actor | None,
    name: str | None = None,
    role: str | None = None,
    active: bool | None = None,
    only_assigned: bool | None = None,
) -> Row:
    """Change what is given (None: leave). Takes effect with the next request of that user. With another role they sign
    in again: a session is never worth more, nor less, than when it was opened. With a lower one, or when they may no
    longer sign in, their API tokens end as well."""
    user, another_owner = await _locked(tx, user_id)
    wanted = role or user["role"]
    stays = user["active"] if active is None else active
    if by and not rules.may_change_role(by.role, user["role"], wanted):
        raise Forbidden("You cannot change somebody whose role is above your own, nor give such a role.")
    loses_owner = rules.loses_owner(user["role"], active=user["active"], wanted=wanted, stays_active=stays)
    if loses_owner and not another_owner:
        raise Refused("A workspace needs an owner. Make somebody else owner first.", code="last_owner")
    if name is not None and (problem := rules.name_problem(name)):
        raise Invalid(problem, fields={"name": problem})
    (changed,) = await tx.fetch(
        """update users
        set name = coalesce($3, name), role = $4, active = $5, only_assigned = coalesce($6, only_assigned)
        where workspace_id = $1 and id = $2 returning *""",
        tx.workspace_id, user_id, name.strip() if name else None, wanted, stays, only_assigned,
    )  # fmt: skip
    differs = {key: changed[key] for key in ("name", "role", "active", "only_assigned") if changed[key] != user[key]}
    lower = rules.RANK[wanted] < rules.RANK[user["role"]]
    if user["active"] and not stays:
        await _end(tx, user_id)
    elif wanted != user["role"]:
        await _end(tx, user_id, keep=by.session_id if by else None, tokens=lower)
    if differs:
        await _record(tx, "user.changed" if stays or not user["active"] else "user.deactivated", by, user_id, differs)
    return changed


async def deactivate(tx: Tx, user_id: int, *, by: Actor | None) -> Row:
    """They can no longer sign in, their sessions are over and their tokens revoked; what they wrote stays theirs."""
    return await change_user(tx, user_id, by=by, active=False)


async def change_me(tx: Tx, actor: Actor, *, name: str | None = None, preferences: dict[str, Any] | None = None) -> Row:
    """One's own name and preferences. Preferences are merged; a null removes a key."""
    if name is not None:
        await change_user(tx, actor.user_id, by=actor, name=name)
    user, _ = await _locked(tx, actor.user_id)
    if preferences is None:
        return user
    merged = {key: value for key, value in {**user["preferences"], **preferences}.items() if value is not None}
    if len(msgspec.json.encode(merged)) > PREFERENCES_MAX:
        raise Invalid(
            "These preferences are too long to keep.", fields={"preferences": f"At most {PREFERENCES_MAX} bytes."}
        )
    await tx.execute(
        "update users set preferences = $3 where workspace_id = $1 and id = $2", tx.workspace_id, actor.user_id, merged
    )
    return await queries.get_user(tx, actor.user_id)


async def new_password(db: Database, actor: Actor, *, current: str, new: str) -> str:
    """The hash for :func:`set_password`. Raises Invalid when ``current`` is wrong (attempts are counted as at
    sign-in) or ``new`` will not do."""
    async with db.begin(actor.workspace_id) as tx:
        user = await queries.get_user(tx, actor.user_id)
    account = user["email"].casefold()
    ATTEMPTS.count("account", account, PER_ACCOUNT)
    if not await verified(current, user["password_hash"]):
        wrong = "This is not your present password."
        raise Invalid(wrong, code="wrong_password", fields={"current": wrong})
    ATTEMPTS.forgive("account", account, PER_ACCOUNT)
    return await hashed(new)


async def set_password(
    tx: Tx, user_id: int, password_hash: str, *, keep: int | None = None, by: Actor | None = None
) -> schemas.Ended:
    """Store a hash from :func:`hashed`; end every session of the user except ``keep``, and every API token: whoever
    knew the old password may have made one."""
    await tx.execute(
        "update users set password_hash = $3 where workspace_id = $1 and id = $2",
        tx.workspace_id,
        user_id,
        password_hash,
    )
    ended = await _end(tx, user_id, keep=keep)
    await audit(
        tx,
        "user.password_changed",
        actor_id=by.user_id if by else None,
        subject=f"user:{user_id}",
        ip=by.ip if by else None,
        detail=msgspec.structs.asdict(ended),
    )
    return ended


async def _locked(tx: Tx, user_id: int) -> tuple[Row, bool]:
    """The user, and whether another active owner stays. All of them are locked, in one order: two owners cannot remove
    each other at once, nor wait for each other for ever."""
    rows = await tx.fetch(
        """select * from users where workspace_id = $1 and (id = $2 or (role = 'owner' and active))
        order by id for no key update""",
        tx.workspace_id, user_id,
    )  # fmt: skip
    found = [row for row in rows if row["id"] == user_id]
    if not found:
        raise NotFound("This user")
    return found[0], len(rows) > 1


async def _end(tx: Tx, user_id: int, *, keep: int | None = None, tokens: bool = True) -> schemas.Ended:
    """End the user's sessions except ``keep`` and, unless told otherwise, revoke their API tokens."""
    sessions = await tx.execute(
        "delete from sessions where workspace_id = $1 and user_id = $2 and id is distinct from $3",
        tx.workspace_id, user_id, keep,
    )  # fmt: skip
    if not tokens:
        return schemas.Ended(sessions=sessions, tokens=0)
    revoked = await tx.execute(
        """update tokens set revoked_at = now() where workspace_id = $1 and user_id = $2 and revoked_at is null
        and (expires_at is null or expires_at > now())""",
        tx.workspace_id, user_id,
    )  # fmt: skip
    return schemas.Ended(sessions=sessions, tokens=revoked)


async def _record(tx: Tx, action: str, by: Actor | None, user_id: int, detail: dict[str, Any]) -> None:
    who = by.user_id if by else None
    await audit(tx, action, actor_id=who, subject=f"user:{user_id}", ip=by.ip if by else None, detail=detail)
    tx.emit(UserChanged(actor_id=who, subject_id=user_id))
