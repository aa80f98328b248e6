"""Which conversation of a contact takes in what comes next."""

from __future__ import annotations

from frontdesk.conversations import rules
from frontdesk.kit.transaction import Tx


async def join_key(tx: Tx, inbox_id: int) -> int:
    """The key of a joining conversation under the workspace's policy."""
    settings = await tx.fetchval("select settings from workspaces where id = $1", tx.workspace_id)
    return rules.join_key((settings or {}).get("joining", "contact"), inbox_id)


async def said_in(tx: Tx, client_key: str, contact_id: int) -> int | None:
    """The conversation with this contact that holds the message which this key already made."""
    found: int | None = await tx.fetchval(
        "select m.conversation_id from messages m"
        " join conversations c on c.workspace_id = $1 and c.id = m.conversation_id"
        " where m.workspace_id = $1 and m.client_key = $2 and c.contact_id = $3",
        tx.workspace_id,
        client_key,
        contact_id,
    )
    return found


async def joining(tx: Tx, contact_id: int, key: int) -> int | None:
    """The conversation of a contact that has this key, if there is one."""
    found: int | None = await tx.fetchval(
        "select id from conversations where workspace_id = $1 and contact_id = $2 and join_key = $3",
        tx.workspace_id,
        contact_id,
        key,
    )
    return found
