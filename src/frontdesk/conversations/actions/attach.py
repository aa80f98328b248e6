"""Uploaded files become attachments of a message."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk.conversations.events import MessageChanged
from frontdesk.kit.errors import Invalid
from frontdesk.kit.transaction import Row, Tx, columns


async def uploaded(tx: Tx, files: Sequence[int], *, user_id: int | None) -> list[Row]:
    """The files with these ids that this user uploaded, in the order asked for; raises Invalid for any other."""
    if not files:
        return []
    rows = await tx.fetch(
        "select * from files where workspace_id = $1 and id = any($2) and user_id is not distinct from $3::bigint",
        tx.workspace_id,
        list(files),
        user_id,
    )
    by_id = {row["id"]: row for row in rows}
    if missing := [file for file in files if file not in by_id]:
        raise Invalid(
            "A file that was named does not exist.", code="unknown_file", fields={"files": f"unknown: {missing}"}
        )
    return [by_id[file] for file in files]


async def attach(tx: Tx, message_id: int, uploads: Sequence[Row]) -> None:
    """Rows of ``files``, in order, as attachments."""
    if uploads:
        rows = [(upload["hash"], upload["name"], upload["content_type"], upload["size"]) for upload in uploads]
        await tx.execute(
            "insert into attachments (workspace_id, message_id, hash, name, content_type, size)"
            " select $1, $2, a.* from unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) a",
            tx.workspace_id,
            message_id,
            *columns(rows, 4),
        )


async def keep_file(tx: Tx, *, hash: str, name: str, content_type: str, size: int, user_id: int | None) -> int:
    """Record a stored file so that a message can name it; returns its id."""
    file_id: int = await tx.fetchval(
        "insert into files (workspace_id, hash, size, content_type, name, user_id)"
        " values ($1, $2, $3, $4, $5, $6) returning id",
        tx.workspace_id,
        hash,
        size,
        content_type,
        name,
        user_id,
    )
    return file_id


async def settle_attachment(
    tx: Tx, row: Row, *, digest: str | None, size: int, content_type: str, error: str | None
) -> None:
    """A file that came as an address was fetched, or never will be."""
    await tx.execute(
        "update attachments set hash = $3, size = $4, content_type = $5, state = $6, error = $7"
        " where workspace_id = $1 and id = $2",
        tx.workspace_id,
        row["id"],
        digest,
        size,
        content_type or row["content_type"],
        "failed" if error else "ready",
        error,
    )
    await tx.execute(
        "update messages set rev = rev + 1 where workspace_id = $1 and id = $2", tx.workspace_id, row["message_id"]
    )
    tx.emit(MessageChanged(conversation_id=row["conversation_id"], message_id=row["message_id"], changed=("files",)))
