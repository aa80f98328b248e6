"""Sealing every credential again after a new key came in front."""

from __future__ import annotations

from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Database

BATCH = 200


async def rotate(db: Database, vault: Vault) -> int:
    """Re-seal what an older key sealed, in all workspaces; returns how many. May be repeated, and broken off, at will.

    A credential that somebody changes meanwhile is left alone: it is sealed with the new key already.
    """
    done, after = 0, (0, 0)
    while True:
        async with db.across() as tx:
            rows = await tx.fetch(
                """select workspace_id, id, credentials from inboxes
                where credentials is not null and (workspace_id, id) > ($1, $2) order by workspace_id, id limit $3""",
                *after, BATCH,
            )  # fmt: skip
            old = [row for row in rows if not vault.is_current(row["credentials"])]
            fresh = []
            for row in old:
                owner = ("inbox", row["workspace_id"], row["id"])
                fresh.append(vault.seal(vault.open_sealed(row["credentials"], *owner), *owner))
            done += await tx.execute(
                """update inboxes i set credentials = r.fresh
                from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) as r (workspace_id, id, old, fresh)
                where i.workspace_id = r.workspace_id and i.id = r.id and i.credentials = r.old""",
                [row["workspace_id"] for row in old], [row["id"] for row in old],
                [row["credentials"] for row in old], fresh,
            )  # fmt: skip
        if len(rows) < BATCH:
            return done
        after = rows[-1]["workspace_id"], rows[-1]["id"]
