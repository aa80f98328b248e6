"""Mailboxes with folders and letters. A folder never uses a UID twice (RFC 3501 §2.3.1.1)."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass

from ..store import Store

SPECIAL_FOLDERS = (("INBOX", ""), ("Sent", "\\Sent"), ("Drafts", "\\Drafts"), ("Trash", "\\Trash"), ("Junk", "\\Junk"))


@dataclass(frozen=True)
class Folder:
    id: int
    owner: str
    name: str
    special: str  # the RFC 6154 attribute, or nothing
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True)
class Letter:
    uid: int
    flags: frozenset[str]
    date: float  # when it arrived, seconds since the epoch
    size: int


def home_address(address: str) -> str:
    """The mailbox that an address belongs to: lower case, without the ``+detail`` of its local part (RFC 5233)."""
    local, _, domain = address.strip().strip("<>").lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


class Mailboxes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[int, set[asyncio.Event]] = defaultdict(set)

    # mailboxes

    def open(self, address: str, *, password: str, name: str = "", desk: bool = False) -> str:
        """Create a mailbox with its usual folders, or change its password and name; returns its address."""
        address = home_address(address)
        with self._store.transaction():
            self._store.run(
                "INSERT INTO mailboxes VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE"
                " SET password = excluded.password, name = excluded.name, desk = excluded.desk",
                address,
                password,
                name,
                desk,
            )
            for folder, special in SPECIAL_FOLDERS:
                self.create_folder(address, folder, special)
        return address

    def exists(self, address: str) -> bool:
        return self._store.row("SELECT 1 FROM mailboxes WHERE address = ?", home_address(address)) is not None

    def is_desk(self, address: str) -> bool:
        return bool(self._store.value("SELECT desk FROM mailboxes WHERE address = ?", home_address(address)))

    def password(self, address: str) -> str | None:
        found: str | None = self._store.value("SELECT password FROM mailboxes WHERE address = ?", home_address(address))
        return found

    # folders

    def create_folder(self, owner: str, name: str, special: str = "") -> bool:
        """False when it was there already."""
        highest = self._store.value("SELECT coalesce(max(uidvalidity), 0) FROM folders")
        return (
            self._store.changed(
                "INSERT INTO folders (owner, name, special, uidvalidity) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                owner,
                name,
                special,
                max(int(time.time()), highest + 1),
            )
            > 0
        )

    def folders(self, owner: str) -> list[Folder]:
        rows = self._store.rows("SELECT * FROM folders WHERE owner = ? ORDER BY id", owner)
        return [Folder(**dict(row)) for row in rows]

    def folder(self, owner: str, name: str) -> Folder | None:
        name = "INBOX" if name.upper() == "INBOX" else name
        row = self._store.row("SELECT * FROM folders WHERE owner = ? AND name = ?", home_address(owner), name)
        return Folder(**dict(row)) if row else None

    def remove_folder(self, folder: Folder) -> None:
        self._store.run("DELETE FROM folders WHERE id = ?", folder.id)

    # letters

    def append(
        self,
        owner: str,
        folder_name: str,
        raw: bytes,
        *,
        flags: frozenset[str] = frozenset(),
        date: float | None = None,
    ) -> tuple[int, int]:
        """File a letter; returns (UIDVALIDITY, UID).

        :raises LookupError: there is no such mailbox or folder.
        """
        folder = self.folder(owner, folder_name)
        if folder is None:
            raise LookupError(f"{owner} has no folder {folder_name}.")
        with self._store.transaction():
            uid = self._store.value(
                "UPDATE folders SET uidnext = uidnext + 1 WHERE id = ? RETURNING uidnext - 1", folder.id
            )
            self._store.run(
                "INSERT INTO letters VALUES (?, ?, ?, ?, ?, ?)",
                folder.id,
                uid,
                " ".join(sorted(flags)),
                time.time() if date is None else date,
                len(raw),
                raw,
            )
        self.ring(folder.id)
        return folder.uidvalidity, uid

    def letters(self, folder_id: int) -> list[Letter]:
        """Everything but the content, in the order of UIDs."""
        rows = self._store.rows("SELECT uid, flags, date, size FROM letters WHERE folder = ? ORDER BY uid", folder_id)
        return [Letter(row["uid"], frozenset(row["flags"].split()), row["date"], row["size"]) for row in rows]

    def letter(self, folder_id: int, uid: int) -> Letter | None:
        row = self._store.row("SELECT uid, flags, date, size FROM letters WHERE folder = ? AND uid = ?", folder_id, uid)
        return Letter(row["uid"], frozenset(row["flags"].split()), row["date"], row["size"]) if row else None

    def raw(self, folder_id: int, uid: int) -> bytes | None:
        found: bytes | None = self._store.value("SELECT raw FROM letters WHERE folder = ? AND uid = ?", folder_id, uid)
        return found

    def set_flags(self, folder_id: int, uid: int, flags: frozenset[str]) -> None:
        self._store.run(
            "UPDATE letters SET flags = ? WHERE folder = ? AND uid = ?", " ".join(sorted(flags)), folder_id, uid
        )
        self.ring(folder_id)

    def expunge(self, folder_id: int, uids: list[int]) -> None:
        with self._store.transaction():
            for uid in uids:
                self._store.run("DELETE FROM letters WHERE folder = ? AND uid = ?", folder_id, uid)
        self.ring(folder_id)

    # who wants to know at once

    def watch(self, folder_id: int, bell: asyncio.Event) -> None:
        self._watchers[folder_id].add(bell)

    def unwatch(self, folder_id: int, bell: asyncio.Event) -> None:
        self._watchers[folder_id].discard(bell)

    def ring(self, folder_id: int) -> None:
        for bell in self._watchers[folder_id]:
            bell.set()
