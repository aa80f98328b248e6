"""Mails that nobody wrote: auto-replies, lists, bounces. They are shown, and never answered by a machine (RFC 3834)."""

from __future__ import annotations

import re

from frontdesk.channels.email.letter import Letter

_ROBOTS = re.compile(
    r"(?:mailer-?daemon|postmaster|no-?_?reply|do-?_?not-?_?reply|noreply.*|bounces?|auto-?reply|daemon|devnull)"
    r"(?:[+=._-].*)?\Z"
)
_BULK = {"bulk", "list", "junk", "auto_reply", "auto-reply"}
_SUPPRESS = {"all", "oof", "autoreply"}


def is_automatic(letter: Letter) -> bool:
    headers = letter.headers
    submitted = headers.get("auto-submitted", "no").split(";")[0].strip().lower()
    suppress = {one.strip().lower() for one in headers.get("x-auto-response-suppress", "").split(",")}
    return (
        submitted not in ("no", "")
        or headers.get("precedence", "").strip().lower() in _BULK
        or not _SUPPRESS.isdisjoint(suppress)
        or any(name in headers for name in ("x-autoreply", "x-autorespond", "x-autoresponse", "list-id", "list-post"))
        or "list-unsubscribe" in headers
        or "feedback-id" in headers
        or headers.get("return-path", "-").strip() == "<>"
        or letter.report is not None
        or is_robot(letter.sender.address if letter.sender else "")
    )


def is_robot(address: str) -> bool:
    """An address behind which nobody reads: mailer-daemon@, no-reply@ …"""
    return bool(_ROBOTS.match(address.partition("@")[0].lower()))
