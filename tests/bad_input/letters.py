"""Mails for the cases: what a stranger sends, and what we would send."""

from __future__ import annotations

import email
import email.policy
import time
from typing import Any

from bad_input.site import Site
from frontdesk.channels.email.compose import compose
from frontdesk.channels.port import Account, Address, Outbound
from frontdesk.inboxes import queries
from frontdesk.kit import clock
from frontdesk.kit.transaction import Row

# A bounce of a mail that somebody else sent.
REPORT = (
    "\r\nYour mail could not be delivered.",
    "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; q@x.example\r\n"
    "Action: failed\r\nStatus: 5.1.1",
    "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <somebody-elses@y.example>\r\nTo: q@x.example",
)


def mail(*headers: str, body: str = "Hello there", sender: str = "jane@x.example") -> bytes:
    """Complete but for what the case is about; a Message-ID of its own unless one is given."""
    lines = list(headers)
    if sender and not any(one.lower().startswith("from") for one in lines):
        lines.insert(0, f"From: {sender}")
    if not any(one.lower().startswith("message-id") for one in lines):
        lines.append(f"Message-ID: <{time.monotonic_ns()}@x.example>")
    return "\r\n".join([*lines, "", body]).encode("utf-8", "surrogateescape")


def parts(*inner: str, kind: str = "mixed", boundary: str = "b", end: bool = True) -> bytes:
    body = "".join(f"--{boundary}\r\n{one}\r\n" for one in inner) + (f"--{boundary}--\r\n" if end else "")
    return mail(f'Content-Type: multipart/{kind}; boundary="{boundary}"', body=body)


async def quickly(site: Site, data: bytes, seconds: float = 8.0) -> Row:
    """A message, before anybody loses patience (the caps are CPU seconds; this machine may be busy)."""
    began = time.process_time()
    row = await site.letter(data)
    assert time.process_time() - began < seconds
    return row


async def contact(site: Site, row: Row) -> str:
    """The address of whom the message is from."""
    found: str = await site.value("select value from contact_points where id = $1", row["point_id"])
    return found


async def account(site: Site) -> Account:
    async with site.db.begin(site.workspace) as tx:
        row = await queries.get(tx, site.mail)
    return queries.account(site.resources.vault, site.resources.settings.url, row)


async def written(site: Site, **values: Any) -> tuple[bytes, Any]:
    """A mail of ours: its bytes, and what the standard library reads in them."""
    given: dict[str, Any] = {"key": "k", "to": Address(kind="email", value="jane@x.example"), "text": "Hello", **values}
    made = await compose(Outbound(**given), await account(site), clock.now())
    return made.data, email.message_from_bytes(made.data, policy=email.policy.default)
