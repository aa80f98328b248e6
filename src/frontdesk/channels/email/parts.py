"""Looking at one part of a mail through the stdlib, minus the ways in which that can raise."""

from __future__ import annotations

from email.message import Message
from email.policy import compat32
from typing import Any


def header(part: Message, name: str) -> str | None:
    """The first header of that name (given in lower case), as it stands."""
    return next((str(value) for key, value in part.raw_items() if key.lower() == name), None)


def children(part: Message) -> list[Message]:
    """The parts of a container; none for a leaf."""
    if not part.is_multipart():
        return []
    inner: Any = part.get_payload()
    return [one for one in inner if isinstance(one, Message)]


def bytes_of(part: Message) -> bytes:
    """The decoded content; base64, quoted-printable and uuencode with errors give as much as there is. A mail inside
    the mail (or a part that holds header blocks) as it came, near enough."""
    if not part.is_multipart():
        data: Any = part.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    pieces = []
    for one in children(part):
        try:
            pieces.append(one.as_bytes(policy=compat32))
        except Exception:  # generators raise on broken headers
            lines = [f"{name}: {value}" for name, value in one.raw_items()]
            pieces.append("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + bytes_of(one))
    return b"\r\n".join(pieces)
