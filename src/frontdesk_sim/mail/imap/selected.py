"""The folder that a connection has selected, as that connection was told of it (RFC 3501 §5.2, §7.4.1)."""

from __future__ import annotations

import asyncio

from ..mailboxes import Folder, Letter, Mailboxes
from .fetch import items, line
from .lexer import numbers


class Selected:
    """Sequence numbers are positions in ``uids``; they change only through what :meth:`news` tells the client."""

    def __init__(self, mailboxes: Mailboxes, folder: Folder, *, read_only: bool) -> None:
        self._mailboxes, self.folder, self.read_only = mailboxes, folder, read_only
        known = mailboxes.letters(folder.id)
        self.uids = [letter.uid for letter in known]
        self._flags = {letter.uid: letter.flags for letter in known}
        self.bell = asyncio.Event()
        mailboxes.watch(folder.id, self.bell)

    def leave(self) -> None:
        self._mailboxes.unwatch(self.folder.id, self.bell)

    def sequence(self, uid: int) -> int:
        return self.uids.index(uid) + 1

    def highest(self) -> tuple[int, int]:
        """What ``*`` means: (sequence number, UID)."""
        return len(self.uids), self.uids[-1] if self.uids else 0

    def chosen(self, sequence_set: str, *, by_uid: bool) -> list[tuple[int, int]]:
        """(sequence number, UID) of every letter that the set names, in order; other numbers are passed over."""
        ranges = numbers(sequence_set, self.highest()[by_uid])
        pairs = enumerate(self.uids, 1)
        return [pair for pair in pairs if any(first <= pair[by_uid] <= last for first, last in ranges)]

    def letter(self, uid: int) -> Letter | None:
        return self._mailboxes.letter(self.folder.id, uid)

    def knows(self, uid: int, flags: frozenset[str]) -> None:
        """The client was just told the flags of a letter."""
        self._flags[uid] = flags

    def news(self, *, expunges: bool = True) -> bytes:
        """What changed since the client was last told, as untagged answers. Withheld expunges keep the bell ringing."""
        if not self.bell.is_set():
            return b""
        self.bell.clear()
        current = {letter.uid: letter for letter in self._mailboxes.letters(self.folder.id)}
        told = []
        if expunges:
            for position in range(len(self.uids), 0, -1):
                if self.uids[position - 1] not in current:
                    self._flags.pop(self.uids.pop(position - 1))
                    told.append(b"* %d EXPUNGE\r\n" % position)
        elif not current.keys() >= self._flags.keys():
            self.bell.set()
        fresh = sorted(uid for uid in current if uid not in self._flags)
        for uid in self.uids:
            if uid in current and current[uid].flags != self._flags[uid]:
                self._flags[uid] = current[uid].flags
                told.append(line(self.sequence(uid), current[uid], items(["UID", "FLAGS"]), None))
        if fresh:
            self.uids += fresh
            self._flags.update((uid, current[uid].flags) for uid in fresh)
            told.append(b"* %d EXISTS\r\n" % len(self.uids))
        return b"".join(told)
