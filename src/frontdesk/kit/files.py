"""Attachments, kept under the SHA-256 of their bytes: in a local folder, or in an S3 bucket by URL.

A name that is the content's hash makes storing the same bytes twice harmless, and a damaged file recognisable. When
``put`` returns, the bytes are on the disk (or with the bucket): a message may then be acknowledged.

StoreError
├── Missing    nothing is kept under that hash
├── Damaged    what is kept under that hash is something else
└── Away       the bucket does not answer or does not let us in, or the disk is full (an OSError: the next try may work)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

CHUNK = 256 * 1024  # bytes that ``stream`` hands out at once
ABANDONED = 24 * 3600  # seconds after which a half-written file belongs to a process that died

_HASH = re.compile(r"[0-9a-f]{64}\Z")


class StoreError(Exception):
    pass


class Missing(StoreError):
    pass


class Damaged(StoreError):
    pass


class Away(StoreError, OSError):
    pass


@contextmanager
def _reached() -> Iterator[None]:
    """What the library calls its own kind of error is the bucket's trouble, and no fault of what is kept there."""
    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        raise Away(f"The place for files cannot be reached: {error}") from error


class Store:
    """Files by content hash, 64 lower-case hexadecimal digits. Made by :func:`open_store`."""

    def __init__(
        self, backend: LocalStore | S3Store, folder: Path | None = None, full: Callable[[], str | None] = lambda: None
    ) -> None:
        self._backend = backend
        self._folder = folder
        self._full = full

    async def put(self, data: bytes) -> str:
        """Keep these bytes and return their hash. Keeping what is already there does nothing."""
        if sentence := self._full():
            raise Away(sentence)
        digest = await asyncio.to_thread(_sha256, data)
        if self._folder is not None:
            await asyncio.to_thread(_write_durably, self._folder, _key(digest), data)
        else:
            try:
                with _reached():
                    await obstore.put_async(self._backend, _key(digest), data)
            except FileNotFoundError as error:  # nothing of ours was asked for: it is the bucket that is not there
                raise Away(f"The place for files cannot be reached: {error}") from error
        return digest

    async def get(self, digest: str, *, verify: bool = False) -> bytes:
        """All bytes; ``verify`` computes the hash again and raises :class:`Damaged` where it differs."""
        data = b"".join([chunk async for chunk in self.stream(digest)])
        if verify and await asyncio.to_thread(_sha256, data) != digest:
            raise Damaged(f"The stored file {digest} is damaged.")
        return data

    async def stream(self, digest: str) -> AsyncIterator[bytes]:
        """The bytes in pieces of about :data:`CHUNK`. Raises :class:`Missing` before the first one."""
        try:
            with _reached():
                found = await obstore.get_async(self._backend, _key(digest))
        except FileNotFoundError:
            raise Missing(f"There is no stored file {digest}.") from None
        with _reached():
            async for chunk in found.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def size(self, digest: str) -> int | None:
        """Length in bytes, or None where nothing is kept under that hash."""
        try:
            with _reached():
                return int((await obstore.head_async(self._backend, _key(digest)))["size"])
        except FileNotFoundError:
            return None

    async def exists(self, digest: str) -> bool:
        return await self.size(digest) is not None

    async def delete(self, digest: str) -> None:
        """Forget these bytes. Forgetting what is not there does nothing."""
        try:
            with _reached():
                await obstore.delete_async(self._backend, _key(digest))
        except FileNotFoundError:
            return


def open_store(place: str | Path, *, full: Callable[[], str | None] = lambda: None) -> Store:
    """A folder, which is made if missing, or ``s3://bucket/prefix?endpoint=https://…&region=…``.

    While ``full`` has a sentence to say, nothing is kept in a folder: :class:`Away`.

    Credentials come from the usual ``AWS_*`` variables, or from ``access_key_id`` and ``secret_access_key`` in the URL.
    Raises ValueError for any other URL.
    """
    if str(place).startswith("s3://"):
        return Store(_bucket(str(place)))
    if "://" in str(place):
        raise ValueError(f"Files can be kept in a folder or at s3://…, not at {place}.")
    folder = Path(place).absolute()
    incoming = folder / "incoming"
    incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
    for leftover in incoming.iterdir():
        if leftover.stat().st_mtime < time.time() - ABANDONED:
            leftover.unlink(missing_ok=True)
    return Store(LocalStore(folder), folder, full)


def _bucket(url: str) -> S3Store:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    unknown = options.keys() - {"endpoint", "region", "access_key_id", "secret_access_key", "virtual_hosted"}
    if unknown or not parts.netloc:
        raise ValueError(
            f"The address of the files, s3://{parts.netloc}…, is wrong: {', '.join(unknown) or 'no bucket'}."
        )
    virtual_hosted = options.pop("virtual_hosted", "no") in ("1", "yes", "true")
    plain = str(options.get("endpoint", "")).startswith("http://")
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        virtual_hosted_style_request=virtual_hosted,
        client_options={"allow_http": plain},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},  # whoever asked tries again by itself
        **options,
    )


def _key(digest: str) -> str:
    if not _HASH.match(digest):
        raise ValueError("not a SHA-256 in lower-case hexadecimal digits")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_durably(folder: Path, key: str, data: bytes) -> None:
    """Write aside, sync, rename, sync the folders: the name appears with all its bytes or not at all."""
    target = folder / key
    if target.exists() and target.stat().st_size == len(data):
        return
    for parent in (target.parent.parent, target.parent):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)
            _sync(parent.parent)
    half = folder / "incoming" / secrets.token_hex(16)
    try:
        with open(half, "xb", opener=_privately) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
