"""What customers write and read: composing a mail, answering one with a quote, and showing what arrived."""

from __future__ import annotations

import html
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid, parseaddr, parsedate_to_datetime
from typing import Any

import msgspec

from ..customers import Customer
from ..world import World
from .mailboxes import Letter
from .post_office import raw_of, take


class File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``data`` travels as base64 in JSON."""

    name: str = "file"
    content_type: str = "application/octet-stream"
    data: bytes


class NewMail(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail from a customer. ``reply`` answers and quotes the last mail from the desk, under its subject."""

    text: str
    to: str = ""  # the first desk mailbox when empty
    subject: str = ""
    html: str | None = None
    attachments: list[File] = []
    reply: bool = False
    headers: dict[str, str] = {}  # further headers, such as Auto-Submitted


class ShownMail(msgspec.Struct, kw_only=True):
    """A mail in a customer's mailbox. ``at`` is seconds since the epoch."""

    uid: int
    folder: str
    at: float
    sender: str
    to: str
    subject: str
    text: str
    html: str | None
    message_id: str
    in_reply_to: str
    attachments: list[dict[str, Any]]


def send(world: World, customer: Customer, new: NewMail) -> str:
    """Send a customer's mail on its way; a copy goes to the Sent folder. Returns the Message-ID.

    :raises LookupError: the customer has no address, the desk none, or there is nothing to answer.
    """
    if customer.email is None:
        raise LookupError(f"{customer.name} has no mail address.")
    answered = _last_from_desk(world, customer.email) if new.reply else None
    if new.reply and answered is None:
        raise LookupError(f"The desk has not written to {customer.email} yet.")
    desk = new.to or (parseaddr(str(answered["Reply-To"] or answered["From"]))[1] if answered else "")
    desk = desk or world.store.value("SELECT address FROM mailboxes WHERE desk ORDER BY rowid LIMIT 1") or ""
    if not world.mailboxes.is_desk(desk):
        raise LookupError(f"There is no mailbox {desk or 'of the desk'}.")
    mail = compose(customer, desk, new, answered)
    raw = raw_of(mail)
    with world.store.transaction():
        take(world, sender=customer.email, recipients=[desk], raw=raw)
        world.mailboxes.append(customer.email, "Sent", raw, flags=frozenset({"\\Seen"}))
    return str(mail["Message-ID"])


def compose(customer: Customer, desk: str, new: NewMail, answered: EmailMessage | None) -> EmailMessage:
    """Headers as common mail programs write them, the quote below the answer (threading: RFC 5322 §3.6.4)."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = formataddr((customer.name, customer.email or ""))
    mail["To"] = desk
    mail["Subject"] = new.subject or _answer_subject(answered) or "(no subject)"
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain="example.org")
    text, page = new.text, new.html
    if answered is not None:
        original = str(answered["Message-ID"] or "").strip()
        mail["In-Reply-To"] = original
        mail["References"] = " ".join([*str(answered["References"] or "").split(), original])
        text, page = _with_quote(new, answered)
    for name, value in new.headers.items():
        mail[name] = value
    mail.set_content(text)
    if page is not None:
        mail.add_alternative(page, subtype="html")
    for file in new.attachments:
        main, _, sub = file.content_type.partition("/")
        mail.add_attachment(
            file.data, maintype=main or "application", subtype=sub or "octet-stream", filename=file.name
        )
    return mail


def _answer_subject(answered: EmailMessage | None) -> str:
    subject = " ".join(str(answered["Subject"] or "").split()) if answered else ""
    return subject if not subject or subject.lower().startswith("re:") else f"Re: {subject}"


def _with_quote(new: NewMail, answered: EmailMessage) -> tuple[str, str | None]:
    sender, date = str(answered["From"] or ""), str(answered["Date"] or "")
    try:
        date = parsedate_to_datetime(date).strftime("%a, %d %b %Y at %H:%M")
    except ValueError:
        date = "an unknown day"
    quoted = body(answered)[0].rstrip()
    attribution = f"On {date} {sender} wrote:"
    marked = "\n".join(f"> {line}".rstrip() for line in quoted.splitlines())
    text = f"{new.text.rstrip()}\n\n{attribution}\n{marked}\n"
    if new.html is None:
        return text, None
    quote = html.escape(quoted).replace("\n", "<br>")
    return text, (
        f'<div dir="ltr">{new.html}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f'{html.escape(attribution)}<br></div><blockquote class="gmail_quote">{quote}</blockquote></div>'
    )


def _last_from_desk(world: World, address: str) -> EmailMessage | None:
    folder = world.mailboxes.folder(address, "INBOX")
    letters = world.mailboxes.letters(folder.id) if folder else []
    for letter in reversed(letters):
        raw = world.mailboxes.raw(folder.id, letter.uid) if folder else None
        if raw and not raw.startswith(b"Return-Path: <>"):
            return parse(raw)
    return None


def parse(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage) -> tuple[str, str | None]:
    """(plain text, HTML or None); what cannot be decoded is empty."""
    texts: dict[str, str | None] = {"plain": None, "html": None}
    for kind in texts:
        part = mail.get_body((kind,))
        if part is not None:
            try:
                texts[kind] = str(part.get_content())
            except (LookupError, ValueError):
                texts[kind] = None
    return texts["plain"] or "", texts["html"]


def mailbox(world: World, customer: Customer) -> list[ShownMail]:
    """Every mail between a customer and the desk, oldest first."""
    shown: list[ShownMail] = []
    for name in ("INBOX", "Sent"):
        folder = world.mailboxes.folder(customer.email or "", name)
        for letter in world.mailboxes.letters(folder.id) if folder else []:
            raw = world.mailboxes.raw(folder.id, letter.uid) if folder else None
            if raw is not None:
                shown.append(_shown(name, letter, raw))
    return sorted(shown, key=lambda mail: (mail.at, mail.uid))


def _shown(folder: str, letter: Letter, raw: bytes) -> ShownMail:
    mail = parse(raw)
    text, page = body(mail)
    files = [
        {"name": part.get_filename() or "file", "content_type": part.get_content_type(), "size": len(part.as_bytes())}
        for part in mail.iter_attachments()
    ]
    names = ("From", "To", "Subject", "Message-ID", "In-Reply-To")
    headers = {name: " ".join(str(mail[name] or "").split()) for name in names}
    return ShownMail(
        uid=letter.uid,
        folder=folder,
        at=letter.date,
        sender=headers["From"],
        to=headers["To"],
        subject=headers["Subject"],
        text=text,
        html=page,
        message_id=headers["Message-ID"],
        in_reply_to=headers["In-Reply-To"],
        attachments=files,
    )
