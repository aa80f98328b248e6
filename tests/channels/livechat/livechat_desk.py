"""The other side of the port: a desk that keeps everything in one SQLite file.

It does with a stored delivery what the core does, no more: parse it, and show it in the thread of its sender. A file
outlives the process, so that a test can kill the server and start it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from frontdesk.channels.livechat import CHANNEL
from frontdesk.channels.port import Account, Address, Inbound, Raw, Receipt, ThreadFile, ThreadItem, Whisper

KEY = "site-1"
SECRET = b"a secret of this inbox alone 0123"
IDENTITY_SECRET = "an identity secret of forty characters!!"
SITE = "https://example.org"

SCHEMA = """
create table if not exists raws (key text primary key, body blob);
create table if not exists files (hash text primary key, data blob, type text);
create table if not exists receipts (external_id text, key text, state text);
create table if not exists items (
    cursor integer primary key autoincrement, id text, kind text, value text, mine int, text text, author text, at text,
    client text, files text, meta text
);
"""


def an_account(base: str = "http://desk.test", **settings: Any) -> Account:
    return Account(
        workspace_id=1,
        inbox_id=1,
        name="Website",
        settings={"origins": [SITE], "identity_secret": IDENTITY_SECRET, **settings},
        hook_url=f"{base}/hooks/{KEY}",
        secret=SECRET,
    )


class SqliteDesk:
    def __init__(self, account: Account, path: Path | str = ":memory:", *, heartbeat: float = 15.0) -> None:
        self.the_account: Account | None = account
        self.heartbeat, self.here = heartbeat, True
        self.broken: Exception | None = None
        self.whispers: list[Whisper] = []
        self._rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._rows.row_factory = sqlite3.Row
        self._rows.executescript("pragma journal_mode = wal; pragma synchronous = full;" + SCHEMA)
        self._said: list[asyncio.Queue[tuple[Address, Whisper] | None]] = []
        self._closing = False

    def close(self) -> None:
        self._rows.close()

    # --- the port ---

    async def account(self, key: str) -> Account | None:
        return self.the_account if key == KEY else None

    async def store(self, account: Account, raws: Sequence[Raw]) -> int:
        if self.broken:
            raise self.broken
        self._rows.execute("begin immediate")
        new = [raw for raw in raws if self._new(raw)]
        for raw in new:
            for item in CHANNEL.driver.parse(raw, account):
                if isinstance(item, Inbound):
                    self._show(item, raw.dedupe_key)
                elif isinstance(item, Receipt):
                    self._rows.execute(
                        "insert into receipts values (?, ?, ?)", (item.external_id, item.key, item.state)
                    )
        self._rows.execute("commit")
        self._ring()
        return len(new)

    async def keep(self, account: Account, data: bytes, content_type: str) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self._rows.execute("insert or ignore into files values (?, ?, ?)", (digest, data, content_type))
        return digest

    async def thread(self, account: Account, address: Address, *, limit: int = 50) -> tuple[Sequence[ThreadItem], int]:
        rows = self._rows.execute(
            "select * from items where kind = ? and value = ? order by cursor desc limit ?",
            (address.kind, address.value, limit),
        ).fetchall()
        newest = self._rows.execute("select coalesce(max(cursor), 0) from items").fetchone()[0]
        return [_item(row) for row in reversed(rows)], newest

    async def follow(
        self, account: Account, address: Address, *, after: int
    ) -> AsyncIterator[ThreadItem | Whisper | None]:
        if after < self._rows.execute("pragma user_version").fetchone()[0]:
            raise LookupError("too old")
        queue: asyncio.Queue[tuple[Address, Whisper] | None] = asyncio.Queue()
        self._said.append(queue)
        try:
            while True:
                for row in self._rows.execute(
                    "select * from items where kind = ? and value = ? and cursor > ? order by cursor",
                    (address.kind, address.value, after),
                ).fetchall():
                    after = row["cursor"]
                    yield _item(row)
                if self._closing:
                    return
                try:
                    said = await asyncio.wait_for(queue.get(), self.heartbeat)
                except TimeoutError:
                    yield None
                    continue
                if said and (said[0].kind, said[0].value) == (address.kind, address.value):
                    yield said[1]
        finally:
            self._said.remove(queue)

    async def whisper(self, account: Account, whisper: Whisper) -> None:
        self.whispers.append(whisper)

    async def online(self, account: Account) -> bool:
        return self.here

    # --- the team, as tests play it ---

    def say(self, to: Address, text: str, *, author: str = "Ada", files: Sequence[ThreadFile] = ()) -> str:
        """An answer; returns its id."""
        name = f"wm:{uuid4()}"
        kept = json.dumps([vars(file) for file in files])
        self._insert(name, to, mine=False, text=text, author=author, client=None, files=kept, meta="{}")
        self._ring()
        return name

    def hang_up(self) -> None:
        """Every stream ends, as when the server is stopped."""
        self._closing = True
        self._ring()

    def murmur(self, to: Address, whisper: Whisper) -> None:
        for queue in self._said:
            queue.put_nowait((to, whisper))

    def visitors(self) -> list[Address]:
        rows = self._rows.execute("select kind, value from items group by 1, 2 order by min(cursor)").fetchall()
        return [Address(kind=row["kind"], value=row["value"], scope=KEY) for row in rows]

    def written(self) -> list[Mapping[str, Any]]:
        """What visitors wrote, oldest first, with what the driver said of it."""
        rows = self._rows.execute("select * from items where mine order by cursor").fetchall()
        return [{**dict(row), "meta": json.loads(row["meta"])} for row in rows]

    def stored(self) -> dict[str, Any]:
        return {row["key"]: json.loads(row["body"]) for row in self._rows.execute("select * from raws")}

    def receipts(self) -> list[tuple[str, str, str]]:
        return [tuple(row) for row in self._rows.execute("select * from receipts")]

    def forget(self, *, before: int) -> None:
        """Nobody can resume from a cursor below ``before`` any more."""
        self._rows.execute(f"pragma user_version = {int(before)}")

    # --- inside ---

    def _new(self, raw: Raw) -> bool:
        done = self._rows.execute("insert or ignore into raws values (?, ?)", (raw.dedupe_key, raw.body))
        return done.rowcount > 0

    def _show(self, item: Inbound, client: str) -> None:
        files = [
            {"name": file.name, "content_type": file.content_type, "size": 1, "url": f"/test/files/{file.url}"}
            for file in item.attachments
        ]
        also = [{"kind": a.kind, "value": a.value, "verified": a.verified} for a in item.also]
        meta = json.dumps({**item.meta, "also": also, "name": item.sender.name})
        self._insert(
            item.external_id,
            item.sender,
            mine=True,
            text=item.text,
            author=None,
            client=client,
            files=json.dumps(files),
            meta=meta,
        )

    def _insert(self, name: str, to: Address, **values: Any) -> None:
        values |= {"id": name, "kind": to.kind, "value": to.value, "at": datetime.now(UTC).isoformat()}
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self._rows.execute(f"insert into items ({columns}) values ({marks})", tuple(values.values()))

    def _ring(self) -> None:
        for queue in self._said:
            queue.put_nowait(None)


def _item(row: sqlite3.Row) -> ThreadItem:
    return ThreadItem(
        cursor=row["cursor"],
        id=row["id"],
        mine=bool(row["mine"]),
        text=row["text"],
        html=None,
        author=row["author"],
        at=datetime.fromisoformat(row["at"]),
        client_key=row["client"],
        files=tuple(ThreadFile(**file) for file in json.loads(row["files"] or "[]")),
    )
