"""A workspace with a past: contacts, conversations and messages in amounts that no test would type."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

SQL = Path(__file__).with_suffix(".sql")
_INDEXES = """
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as made
from pg_index i where indrelid = any($1::regclass[])
  and not exists (select 1 from pg_constraint where conindid = i.indexrelid)
"""
_TABLES = ["contacts", "contact_points", "conversations", "messages", "conversation_labels", "read_states", "events"]
_SHADOWS = ["listings", "message_words", "contact_words"]  # a function makes what they hold of the others


@dataclass(frozen=True)
class Past:
    """How much there is. Messages: about 3.2 for each conversation, and ``threads`` of ``thread`` messages."""

    conversations: int
    contacts: int
    threads: int
    thread: int


LARGE = Past(conversations=300_000, contacts=120_000, threads=4, thread=20_000)
TINY = Past(conversations=500, contacts=200, threads=2, thread=100)
SMALL = Past(conversations=10_000, contacts=4_000, threads=2, thread=500)


async def fill(owner: asyncpg.Connection[Any], workspace_id: int, past: Past) -> None:
    """Give a workspace a past. ``owner`` is a superuser's connection. Indexes are made again after the rows."""
    await owner.execute(
        "set session_replication_role = replica; set maintenance_work_mem = '512MB'; set work_mem = '128MB'"
    )
    try:
        async with owner.transaction():
            await owner.execute(
                f"create temp table wanted on commit drop as select {workspace_id}::bigint as workspace_id,"
                f" {past.conversations} as conversations, {past.contacts} as contacts, {past.threads} as threads,"
                f" {past.thread} as thread"
            )
            await _without_indexes(owner, _TABLES, SQL.read_text())
            await owner.execute(f"analyze {', '.join(_TABLES)}")
            copies = (f"insert into {one} select f.* from wanted, {one}_of(workspace_id, null) f" for one in _SHADOWS)
            await _without_indexes(owner, _SHADOWS, "; ".join(copies))
    finally:
        await owner.execute("reset session_replication_role; reset maintenance_work_mem; reset work_mem")
    await owner.execute("vacuum (analyze)")


async def _without_indexes(owner: asyncpg.Connection[Any], tables: list[str], script: str) -> None:
    indexes = await owner.fetch(_INDEXES, tables)
    for index in indexes:
        await owner.execute(f"drop index {index['name']}")
    await owner.execute(script)
    for index in indexes:
        await owner.execute(index["made"])
