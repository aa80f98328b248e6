"""API tokens: shown once, stored as a hash, never more than their user may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from frontdesk.kit import clock, ids
from frontdesk.kit.errors import Invalid, NotFound
from frontdesk.kit.transaction import Row, Tx
from frontdesk.people import queries, rules
from frontdesk.people.actions.record import audit


async def create_token(
    tx: Tx,
    user_id: int,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    by: int | None = None,
    ip: str | None = None,
) -> tuple[Row, str]:
    """A token that acts for ``user_id``; returns its row and the token itself, which nothing keeps."""
    wrong = {}
    if problem := rules.name_problem(name):
        wrong["name"] = problem
    if unknown := rules.unknown_scopes(scopes):
        wrong["scopes"] = f"There is no scope called {unknown[0][:64]!r}."
    if expires_at and (expires_at.tzinfo is None or expires_at <= clock.now()):
        wrong["expires_at"] = "This must be a time in the future, with its offset from UTC."
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    await queries.get_user(tx, user_id)
    token = queries.TOKEN_PREFIX + ids.tenant_key(tx.workspace_id, 53)  # 53 characters of 30: 260 bits
    row = await tx.fetchrow(
        """insert into tokens (workspace_id, user_id, name, prefix, token_hash, scopes, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7) returning *""",
        tx.workspace_id, user_id, name.strip(), token[:10], ids.digest(token), sorted(set(scopes)), expires_at,
    )  # fmt: skip
    assert row is not None
    await audit(
        tx,
        "token.created",
        actor_id=by or user_id,
        subject=f"token:{row['id']}",
        ip=ip,
        detail={"user_id": user_id, "scopes": row["scopes"]},
    )
    return row, token


async def revoke_token(tx: Tx, token_id: int, *, user_id: int, ip: str | None = None) -> None:
    """Refused from the next request on. Raises NotFound for a token that is not this user's."""
    done = await tx.execute(
        """update tokens set revoked_at = now()
        where workspace_id = $1 and id = $2 and user_id = $3 and revoked_at is null""",
        tx.workspace_id, token_id, user_id,
    )  # fmt: skip
    if not done:
        raise NotFound("This token")
    await audit(tx, "token.revoked", actor_id=user_id, subject=f"token:{token_id}", ip=ip)
