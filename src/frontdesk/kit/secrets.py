"""Credentials at rest: AES-256-GCM under a key file that is made at first run.

A sealed value is ``version (1 byte) | key id (4 bytes) | nonce (12) | ciphertext and tag``. What it belongs to
(workspace, inbox, field) is authenticated with it, so that a sealed value copied to another row does not open. Several
keys may be in the file, newest first: the first seals, all open; ``frontdesk secrets rotate`` adds one and seals
everything again.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from frontdesk.kit.hiding import remember

_VERSION = b"\x01"


class KeyProblem(Exception):
    """The key file is missing, unreadable, or does not hold the key that sealed a value."""


class Vault:
    """Seals and opens values, and derives keys for other purposes. Keys are 32 random bytes, base64 in the file."""

    def __init__(self, keys: list[bytes], path: Path | None = None) -> None:
        if not keys or any(len(key) != 32 for key in keys):
            raise KeyProblem("The key file must hold at least one key of 32 bytes.")
        self._keys = {self._id(key): key for key in keys}
        self._first = keys[0]
        self._last = keys[-1]
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Vault:
        """Read the key file, or make one (mode 0600) if there is none. Of several that start together one makes it."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = _written(path, [secrets.token_bytes(32)])
            with suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        try:
            keys = [base64.b64decode(line, validate=True) for line in path.read_text().split()]
        except (OSError, ValueError) as error:
            raise KeyProblem(f"The key file {path} cannot be read: {error}") from error
        return cls(keys, path)

    @staticmethod
    def _id(key: bytes) -> bytes:
        return hashlib.sha256(b"frontdesk key id" + key).digest()[:4]

    def seal(self, value: Mapping[str, Any], *belongs_to: str | int) -> bytes:
        """Encrypt a JSON object for one owner."""
        nonce = secrets.token_bytes(12)
        head = _VERSION + self._id(self._first) + nonce
        return head + AESGCM(self._first).encrypt(nonce, msgspec.json.encode(value), self._aad(head[:5], belongs_to))

    def open_sealed(self, sealed: bytes, *belongs_to: str | int) -> dict[str, Any]:
        """Decrypt; raises KeyProblem when the key is not there or the value is another owner's."""
        head, nonce, rest = sealed[:5], sealed[5:17], sealed[17:]
        key = self._keys.get(head[1:5])
        if head[:1] != _VERSION or key is None:
            raise KeyProblem("The key that sealed this credential is not in the key file.")
        try:
            plain = AESGCM(key).decrypt(nonce, rest, self._aad(head, belongs_to))
        except InvalidTag as error:
            raise KeyProblem("This credential was changed, or copied from somewhere else.") from error
        opened: dict[str, Any] = msgspec.json.decode(plain)
        remember(opened.values())
        return opened

    def is_current(self, sealed: bytes) -> bool:
        return sealed[1:5] == self._id(self._first)

    def derive(self, *purpose: str | int) -> bytes:
        """A 32-byte key for one purpose that survives rotation (it comes from the oldest key)."""
        label = "\x1f".join(str(part) for part in purpose)
        return hashlib.blake2b(label.encode(), key=self._last, digest_size=32).digest()

    def rotated(self) -> Vault:
        """Add a fresh key in front and write the file; returns the vault that seals with it."""
        if self.path is None:
            raise KeyProblem("Only a vault that was opened from a file can be rotated.")
        older = [key for key in self._keys.values() if key != self._first]
        keys = [secrets.token_bytes(32), self._first, *older]
        os.replace(_written(self.path, keys), self.path)
        return Vault(keys, self.path)

    @staticmethod
    def _aad(head: bytes, belongs_to: tuple[str | int, ...]) -> bytes:
        return head + "\x1f".join(str(part) for part in belongs_to).encode()


def _written(path: Path, keys: list[bytes]) -> Path:
    """A file beside ``path``, to be put in its place in one step; nobody else may read it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    with os.fdopen(handle, "wb") as out:
        out.write(b"\n".join(base64.b64encode(key) for key in keys) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    return Path(name)
