"""How a mail gets from a sender to mailboxes: delivery, faults on the way, and the bounce when it cannot arrive."""

from __future__ import annotations

import base64
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesHeaderParser
from email.utils import format_datetime, localtime, make_msgid
from typing import Any

from ..world import World
from .mailboxes import home_address

DOMAIN = "mail.example.org"  # what the simulated mail server calls itself


def header(raw: bytes, name: str) -> str:
    """One header of a raw mail as plain text, or an empty string. Never raises."""
    value = BytesHeaderParser().parsebytes(raw[: 256 * 1024]).get(name, "")
    return " ".join(str(value).split())


def take(world: World, *, sender: str, recipients: list[str], raw: bytes) -> None:
    """Accept a mail for delivery: on the agenda, on disk, before the sender hears that it was accepted."""
    with world.store.transaction():
        for recipient in recipients:
            to_desk = world.mailboxes.is_desk(recipient)
            desk, customer = (recipient, sender) if to_desk else (sender, recipient)
            message_id = header(raw, "Message-ID")
            world.truth.note(
                "mail.accepted",
                desk=home_address(desk),
                customer=customer.lower(),
                message_id=message_id,
                subject=header(raw, "Subject"),
                sender=sender,
                recipient=recipient,
                size=len(raw),
                to_desk=to_desk,
            )
            payload = {"sender": sender, "recipient": recipient, "raw": base64.b64encode(raw).decode()}
            lane = f"mail {home_address(recipient)}"
            if not to_desk:
                world.agenda.add("mail.deliver", payload, lane=lane)
                continue
            spread = world.faults.spread(home_address(desk), customer.lower())
            if not spread.waits:
                world.truth.note(
                    "mail.dropped", desk=home_address(desk), customer=customer.lower(), message_id=message_id
                )
            for copy, wait in enumerate(spread.waits):
                world.agenda.add("mail.deliver", payload, after=wait, lane=lane if spread.ordered and copy == 0 else "")


async def deliver(world: World, payload: dict[str, Any]) -> None:
    """File one copy in its mailbox, or send the sender a delivery status notification."""
    sender, recipient, raw = payload["sender"], payload["recipient"], base64.b64decode(payload["raw"])
    if reason := _why_not(world, sender, recipient):
        _bounce(world, sender, recipient, raw, reason)
        return
    address = home_address(recipient)
    to_desk = world.mailboxes.is_desk(address)
    desk, customer = (address, sender) if to_desk else (home_address(sender) if sender else "", recipient)
    trace = (
        f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n"
        f"Received: from submission by {DOMAIN} with ESMTPSA for <{recipient}>;\r\n\t{format_datetime(localtime())}\r\n"
    )
    with world.store.transaction():
        if not world.mailboxes.exists(address):
            world.mailboxes.open(address, password=base64.b32encode(address.encode()).decode())
        uidvalidity, uid = world.mailboxes.append(address, "INBOX", trace.encode() + raw)
        world.truth.note(
            "mail.delivered",
            desk=desk,
            customer=customer.lower(),
            message_id=header(raw, "Message-ID"),
            to_desk=to_desk,
            recipient=recipient,
            uidvalidity=uidvalidity,
            uid=uid,
        )
        if not to_desk and sender:
            world.arrived(address, sender)


def _why_not(world: World, sender: str, recipient: str) -> str:
    if world.mailboxes.is_desk(recipient):
        return ""
    reach = world.store.value("SELECT reach FROM customers WHERE email = ?", home_address(recipient))
    if reach not in (None, "reachable"):
        return "550 5.1.1 The email account that you tried to reach does not exist"
    if world.faults.strikes("undelivered", home_address(sender), recipient.lower()):
        return "550 5.2.1 The mailbox is disabled"
    return ""


def _bounce(world: World, sender: str, recipient: str, raw: bytes, reason: str) -> None:
    """A notification in the sender's mailbox (RFC 3464); without a sender there is none (RFC 5321 §4.5.5)."""
    message_id = header(raw, "Message-ID")
    facts = {"message_id": message_id, "recipient": recipient, "reason": reason}
    world.truth.note("mail.refused", desk=home_address(sender) if sender else "", customer=recipient.lower(), **facts)
    if sender and world.mailboxes.exists(sender):
        notification = bounce_mail(sender, recipient, raw, reason)
        world.mailboxes.append(sender, "INBOX", b"Return-Path: <>\r\n" + notification)


def bounce_mail(sender: str, recipient: str, raw: bytes, reason: str) -> bytes:
    """A ``multipart/report`` with the three parts of RFC 3462 and RFC 3464; the last has only the headers."""
    report = MIMEMultipart("report")
    report.set_param("report-type", "delivery-status")
    report["From"] = f"Mail Delivery Subsystem <mailer-daemon@{DOMAIN}>"
    report["To"] = sender
    report["Subject"] = "Delivery Status Notification (Failure)"
    report["Date"] = format_datetime(localtime())
    report["Message-ID"] = make_msgid(domain=DOMAIN)
    report["Auto-Submitted"] = "auto-replied"
    report["X-Failed-Recipients"] = recipient
    report.attach(MIMEText(f"Your message to {recipient} could not be delivered.\n\nThe response was:\n\n{reason}\n"))
    status = MIMEBase("message", "delivery-status")
    per_message, per_recipient = Message(), Message()
    per_message["Reporting-MTA"] = f"dns; {DOMAIN}"
    per_recipient["Final-Recipient"] = f"rfc822; {recipient}"
    per_recipient["Action"] = "failed"
    per_recipient["Status"] = reason.split()[1]
    per_recipient["Diagnostic-Code"] = f"smtp; {reason}"
    status.set_payload([per_message, per_recipient])
    report.attach(status)
    headers = MIMEText(
        raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace") + "\n", "rfc822-headers"
    )
    report.attach(headers)
    return report.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def raw_of(mail: EmailMessage) -> bytes:
    """The mail with the line ends of the wire."""
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
