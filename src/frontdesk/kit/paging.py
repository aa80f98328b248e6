"""Keyset cursors: opaque to clients, tamper-evident by shape, never an offset."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Generic, TypeVar

import msgspec

from frontdesk.kit.errors import Invalid

Item = TypeVar("Item")
LIMIT = 200  # the most that one page holds
LISTED, FOUND = 50, 25  # rows of a page for whoever does not say: of a list, and of what a search found


class Page(msgspec.Struct, Generic[Item], kw_only=True):
    """One page; ``next`` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None = None


def encode(*keys: Any) -> str:
    """A cursor from the sort keys of the last row of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(keys)).rstrip(b"=").decode()


def decode(cursor: str | None, *kinds: Any) -> tuple[Any, ...] | None:
    """The sort keys in a cursor, converted to ``kinds``; None for no cursor. Raises Invalid if it is not ours."""
    if not cursor:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        shape: Any = tuple.__class_getitem__(kinds)
        return tuple(msgspec.json.decode(base64.urlsafe_b64decode(padded), type=shape))
    except (ValueError, binascii.Error, msgspec.DecodeError, UnicodeError) as error:
        raise Invalid("This cursor is not one that a list of ours returned.", code="bad_cursor") from error


def bounded(limit: int | None, default: int = LISTED) -> int:
    """How many rows to return: at least 1, at most ``LIMIT``."""
    return max(1, min(limit or default, LIMIT))
