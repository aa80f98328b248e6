"""How much room is left where the database and the files are, and when nothing new may be taken.

A database whose disk is full can write nothing, not even that it cannot; in the end it stops. So deliveries and changes
are refused earlier (:meth:`Disk.require`), while there is room for what was taken already, and reading goes on. When
somebody else fills the disk nevertheless, the database gets the room that the :class:`Ballast` held, to start with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from frontdesk.kit.errors import Unavailable

LOOK_EVERY = 0.5  # seconds that one look counts; it costs a few microseconds, but every delivery asks


class Room(NamedTuple):
    free: int  # bytes that an ordinary user can still write: what is reserved for root does not help the database
    ratio: float  # of all that ordinary users can write, 0 to 1; as ``df`` has it


def disk_free(folder: Path) -> Room:
    """The room on the disk that this folder is on. Raises OSError where there is no such folder."""
    found = os.statvfs(folder)
    usable = found.f_blocks - found.f_bfree + found.f_bavail
    return Room(found.f_bavail * found.f_frsize, found.f_bavail / usable if usable else 0.0)


class Disk:
    """The folders of this process, by what people call them, and the bytes that must stay free on their disks."""

    def __init__(self, folders: Mapping[str, Path] | None = None, *, keep_free: int = 0) -> None:
        self.folders, self._keep_free = dict(folders or {}), keep_free
        self._looked, self._sentence = float("-inf"), ""

    def room(self) -> dict[str, Room]:
        """What is left for each folder; one that cannot be looked at is left out."""
        found = {}
        for name, folder in self.folders.items():
            try:
                found[name] = disk_free(folder)
            except OSError:
                continue
        return found

    def full(self) -> str | None:
        """Why nothing new may be taken, as a sentence for people, or None while there is room."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            short = [name for name, room in self.room().items() if room.free < self._keep_free]
            self._looked, self._sentence = now, ""
            if short:
                kept = self._keep_free // 2**20
                self._sentence = f"The disk of {' and '.join(short)} is full (less than {kept} MB are free)."
        return self._sentence or None

    def require(self) -> None:
        """Raises Unavailable while a disk is full."""
        if sentence := self.full():
            raise Unavailable(f"{sentence} Nothing was taken; reading goes on.", code="disk_full", retry_after=30)


class Ballast:
    """A file that takes up room on the database's disk while there is plenty, and gives it back when there is none."""

    def __init__(self, file: Path, size: int, *, keep_free: int) -> None:
        self._file, self._size, self._keep_free = file, size, keep_free

    def lay(self) -> None:
        """Take the room, if there is plenty and it is not taken yet."""
        with suppress(OSError):  # it is tried again in a moment
            if not self._file.exists() and disk_free(self._file.parent).free >= self._keep_free + 2 * self._size:
                half = self._file.with_name(f"{self._file.name}.new")
                with half.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, self._size)
                half.replace(self._file)

    def drop(self) -> bool:
        """Give the room back if little else is left; says whether that was done."""
        with suppress(OSError):
            if disk_free(self._file.parent).free < self._size:
                self._file.unlink()
                return True
        return False
