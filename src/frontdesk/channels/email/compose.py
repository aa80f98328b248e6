"""An outbound message as a mail: headers that thread, text with its HTML twin, files, and an envelope that hides
Bcc."""

from __future__ import annotations

import asyncio
import html as entities
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final

from frontdesk.channels.email import html as markup
from frontdesk.channels.email.decode import clean
from frontdesk.channels.email.headers import Mailbox, canonical, mailboxes
from frontdesk.channels.email.outline import to_text
from frontdesk.channels.email.parameters import content_type, file_name
from frontdesk.channels.email.parse import own_address
from frontdesk.channels.email.tokens import message_id, reply_address
from frontdesk.channels.port import Account, Attachment, Disconnected, Outbound, Rejected

# the first and the last 19: enough for every program to thread, short enough for every server
MAX_REFERENCES: Final = 20
# What Gmail and most others take, before base64 makes it a third larger.
MAX_ATTACHED: Final = 25 * 1024 * 1024
_ID = re.compile(r"<[^<>\s]{1,990}>\Z")
_LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")  # what ``str.splitlines`` takes for one, and tabs
_File = tuple[str, str, str, bytes]  # main type, subtype, name, content


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A mail ready to be handed over. ``recipients`` is the envelope: To, Cc and Bcc, the contact first."""

    data: bytes
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    needs_smtputf8: bool


async def compose(message: Outbound, account: Account, now: datetime) -> Composed:
    """The mail for the message. Raises Rejected (an impossible recipient, too much attached) and Disconnected (no own
    address set).

    The same message gives the same headers at every attempt but for Date.
    """
    address = own_address(account.settings)
    if address is None:
        raise Disconnected("This inbox has no mail address of its own.")
    to = _recipient(message.to.value, message.to.name)
    cc, bcc = _copies(message.cc), _copies(message.bcc)
    recipients = tuple(dict.fromkeys([to.address, *(one.address for one in (*cc, *bcc))]))
    utf8 = not all(one.isascii() for one in (address, *recipients))
    mail = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    mail["From"] = _shown(Mailbox(_from_name(message, account), address))
    mail["To"] = _shown(to)
    if cc:
        mail["Cc"] = [_shown(one) for one in cc]
    mail["Subject"] = one_line(message.subject or "")
    mail["Date"] = now
    mail["Message-ID"] = message.external_id or message_id(account, message.key, address.rpartition("@")[2])
    _thread(mail, message.answers)
    _answering(mail, message, account, address)
    _automatic(mail, message)
    files = await _files(message)
    return Composed(
        data=await asyncio.to_thread(_written, mail, message, files),  # base64 of 25 MB takes a while
        message_id=str(mail["Message-ID"]),
        sender=address,
        recipients=recipients,
        needs_smtputf8=utf8,
    )


def one_line(text: str) -> str:
    """Text for a header: whatever line breaks it has become spaces, so that it cannot begin another header."""
    return _LINE_BREAKS.sub(" ", clean(text)).strip()[:900]


def _recipient(value: str, name: str = "") -> Mailbox:
    try:
        return Mailbox(one_line(name), canonical(value))
    except ValueError as error:
        raise Rejected(str(error), bad_address=True) from None


def _copies(values: Iterable[str]) -> list[Mailbox]:
    """Addresses as people type them, "Jane <jane@…>" as well. Raises Rejected."""
    found = []
    for value in values:
        if _LINE_BREAKS.search(value):
            raise Rejected("A mail address cannot contain line breaks.", bad_address=False)
        found += [_recipient(one.address, one.name) for one in mailboxes([value])]
    return found


def _shown(one: Mailbox) -> HeaderAddress:
    local, _, domain = one.address.rpartition("@")
    return HeaderAddress(display_name=one.name, username=local.strip('"'), domain=domain)


def _from_name(message: Outbound, account: Account) -> str:
    inbox = one_line(str(account.get("name") or account.name or ""))
    writer = one_line(message.sender_name or "")
    return f"{writer} via {inbox}" if writer and inbox and writer != inbox else writer or inbox


def _thread(mail: EmailMessage, answers: Sequence[str]) -> None:
    """In-Reply-To and References (RFC 5322 §3.6.4) from the ids of the thread, oldest first."""
    ids = [one for one in dict.fromkeys(answers) if _ID.match(one)]
    if not ids:
        return
    kept = ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[-(MAX_REFERENCES - 1) :]]
    mail["In-Reply-To"] = ids[-1]
    mail["References"] = " ".join(kept)


def _answering(mail: EmailMessage, message: Outbound, account: Account, address: str) -> None:
    if message.token and account.get("plus_addressing", True):
        tagged = reply_address(account, address, message.token)
        if tagged:
            mail["Reply-To"] = _shown(Mailbox(one_line(str(account.get("name") or account.name or "")), tagged))


def _automatic(mail: EmailMessage, message: Outbound) -> None:
    """RFC 3834 §5, and the header by which Exchange knows it (MS-OXCMAIL)."""
    if message.automatic:
        mail["Auto-Submitted"] = "auto-replied" if message.answers else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    unsubscribe = one_line(str(message.meta.get("unsubscribe_url") or ""))
    if unsubscribe.startswith("https://"):  # RFC 8058, for mail to many
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


# --- body ---------------------------------------------------------------------------------------------------------


def _written(mail: EmailMessage, message: Outbound, files: Sequence[_File]) -> bytes:
    _body(mail, message, files)
    return mail.as_bytes()


def _body(mail: EmailMessage, message: Outbound, files: Sequence[_File]) -> None:
    text, html = _texts(message)
    mail.set_content(text, charset="utf-8", cte=_encoding(text))
    mail.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    twin = mail.get_payload(1)
    assert isinstance(twin, EmailMessage)
    for attachment, (main, sub, name, data) in zip(message.attachments, files, strict=True):
        shown_inside = attachment.content_id is not None and f"cid:{attachment.content_id}" in html
        if shown_inside:
            cid = f"<{one_line(attachment.content_id or '')}>"
            twin.add_related(data, maintype=main, subtype=sub, cid=cid, filename=name, disposition="inline")
        else:
            mail.add_attachment(data, maintype=main, subtype=sub, filename=name)


def _texts(message: Outbound) -> tuple[str, str]:
    """Text and HTML, each made from the other where only one is given, with the answered message below if wanted."""
    text = clean(message.text) or (to_text(message.html) if message.html else "")
    html = clean(message.html) if message.html else f'<div dir="auto">{markup.from_text(text)}</div>'
    quoted = clean(str(message.meta.get("quote_text") or ""))
    if quoted:
        head = one_line(str(message.meta.get("quote_head") or ""))
        text += "\n\n" + (f"{head}\n" if head else "") + "\n".join(f"> {line}" for line in quoted.split("\n"))
        inside = str(message.meta.get("quote_html") or "") or markup.from_text(quoted)
        html += f'\n<br>\n<div>{entities.escape(head)}</div>\n<blockquote type="cite">{clean(inside)}</blockquote>'
    return text.rstrip("\n") + "\n", html.rstrip("\n") + "\n"


def _encoding(text: str) -> str:
    """Plain where every server takes it (7 bit, lines up to 998, RFC 5321 §4.5.3.1.6); else the shorter of the two."""
    if text.isascii() and all(len(line) <= 990 for line in text.split("\n")):
        return "7bit"
    unusual = sum(1 for byte in text.encode() if byte > 126)
    return "base64" if unusual * 6 > len(text.encode()) else "quoted-printable"


async def _files(message: Outbound) -> list[_File]:
    """Raises Rejected, before anything is read, when they are more than a mail may carry."""
    size = sum(attachment.size for attachment in message.attachments)
    if size > MAX_ATTACHED:
        raise Rejected(f"The files have {size / 1024**2:.0f} MB together; a mail carries at most 25 MB.")
    return [await _file(attachment, number) for number, attachment in enumerate(message.attachments, 1)]


async def _file(attachment: Attachment, number: int) -> _File:
    kind = content_type(attachment.content_type, "application/octet-stream")[0]
    if kind.startswith(("message/", "multipart/")):  # these may not be base64, RFC 2046 §5
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    return main, sub, file_name(attachment.name, kind, number), await attachment.read()
