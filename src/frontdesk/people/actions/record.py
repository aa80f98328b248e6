"""The record of what was done, by whom and from where. The application's role can only add to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.kit import clock
from frontdesk.kit.transaction import Tx
from frontdesk.people.queries import DIGEST

_TURN = "select pg_advisory_xact_lock(7305006, ($1::bigint % 2147483648)::int)"
_LINE = f"""
insert into audit (workspace_id, id, at, actor_id, action, subject, ip, detail, digest)
select a.*, {DIGEST} from (
  select $1::bigint as workspace_id, nextval('audit_id_seq') as id, $2::timestamptz as at, $3::bigint as actor_id,
    $4::text as action, $5::text as subject, $6::text as ip, $7::jsonb as detail) a
left join lateral (
  select digest as before from audit where workspace_id = $1 and digest is not null order by id desc limit 1) b on true
"""


async def audit(
    tx: Tx,
    action: str,
    *,
    actor_id: int | None = None,
    subject: str | None = None,
    ip: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one line, in the transaction of what it tells of. ``action`` is ``room.verb``, ``subject`` is ``kind:id``.

    ``detail`` never holds a secret, nor the text of a message.
    """
    tx.last(_TURN, tx.workspace_id)  # each line is chained to the one before: one at a time, until commit
    tx.last(_LINE, tx.workspace_id, clock.now(), actor_id, action, subject, ip, dict(detail or {}))
