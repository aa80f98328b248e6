"""Telling copies of one mail from different mails with one Message-ID.

A mail reaches us in several ways: in another folder, after the server numbered its mailbox anew (UIDVALIDITY),
through the listener and through IMAP. Servers add header lines on the way, so the bytes differ; who wrote what and
when does not. The key of a raw delivery is therefore the Message-ID plus a hash over From, Date, Subject and the
body: copies are stored once, and a different mail that carries the same Message-ID (broken programs do that) is
stored as well.
"""

from __future__ import annotations

import hashlib
import re

from frontdesk.channels.email.limits import header_end

_HEADER = re.compile(rb"^(from|date|subject|message-id):((?:.*)(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(rb"<([^<>\s]{1,990})>")
_BLANKS = re.compile(rb"[ \t\r\n]+")


def fingerprint(data: bytes) -> str:
    """24 hex digits over what the sender wrote; line ends and blanks at line ends, which servers change, do not
    count."""
    end = header_end(data)
    digest = hashlib.sha256()
    headers = _headers(data[:end])
    if not headers:  # not a mail at all: every byte counts
        digest.update(data[:end])
    for name, value in sorted(headers.items()):
        digest.update(name + b":" + _BLANKS.sub(b" ", value).strip() + b"\n")
    for line in data[end:].rstrip().split(b"\n"):
        digest.update(line.rstrip() + b"\n")
    return digest.hexdigest()[:24]


def dedupe_key(data: bytes) -> str:
    """The key under which a delivery of this mail is stored: ``mid:<message id>:<fingerprint>``."""
    found = _ID.search(_headers(data[: header_end(data)]).get(b"message-id", b""))
    named = found[1].decode("utf-8", "replace").replace("\x00", "")[:400] if found else ""
    return f"mid:{named}:{fingerprint(data)}"


def _headers(block: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in _HEADER.findall(block[: 1024 * 1024]):
        found.setdefault(name.lower(), value)
    return found
