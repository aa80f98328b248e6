"""A stored mail to what it means for the inbox: a message, a receipt, or both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from frontdesk.channels.email.automatic import is_automatic
from frontdesk.channels.email.bounces import receipts
from frontdesk.channels.email.headers import Mailbox, canonical
from frontdesk.channels.email.letter import Letter
from frontdesk.channels.email.mime import own_addresses_in
from frontdesk.channels.email.safe import letter
from frontdesk.channels.email.tokens import is_own_id, token_in
from frontdesk.channels.port import Account, Address, Inbound, Incoming, Item, Raw

NOBODY = "unknown@sender.invalid"  # for mails without any usable From; .invalid never exists (RFC 2606 §2)
_BELIEVED = (timedelta(days=1), timedelta(hours=1))  # a Date further before or after the arrival is a wrong clock


def own_address(settings: Mapping[str, Any]) -> str | None:
    """The address that contacts write to."""
    try:
        return canonical(str(settings.get("address") or settings.get("username") or ""))
    except ValueError:
        return None


def parse(raw: Raw, account: Account) -> Sequence[Item]:
    """One Inbound for a mail, whatever it is made of; for a delivery report of a mail of ours only its Receipt.

    A report that is not certainly about a mail of ours is both, so that it is seen. Blocks while a doubtful mail is
    read in the child (see :mod:`safe`).
    """
    found = letter(raw.body)
    left_out = int(raw.meta.get("left_out") or 0)
    if left_out:
        found.problem = f"This mail has {left_out // 1024 // 1024} MB, too much to be fetched. It is in the mailbox."
        found.text = found.reply = found.problem
    if raw.meta.get("sent"):
        return [_message(found, raw, account, own=True)]
    reports, ours = receipts(found, account)
    if reports and ours:
        return reports
    return [*reports, _message(found, raw, account, own=_is_echo(found, account))]


def _is_echo(found: Letter, account: Account) -> bool:
    """A mail of ours that came back to us because we stood in its Cc or on a list."""
    return (
        found.sender is not None
        and found.sender.address == own_address(account.settings)
        and found.message_id is not None
        and is_own_id(account, found.message_id)
    )


def _message(found: Letter, raw: Raw, account: Account, *, own: bool) -> Inbound:
    address = own_address(account.settings)
    sender = _contact(found, address, own=own)
    verdict = _authentication(found, account)
    text = found.text
    return Inbound(
        external_id=_external_id(found, account, own=own),
        sender=_address(sender, verified=verdict == "pass" and not own),
        also=() if own else _also(found, sender, address),
        text=text,
        html=found.html,
        reply=found.reply if found.reply != text.strip() else None,
        subject=found.subject or None,
        sent_at=_sent_at(found, raw),
        attachments=tuple(
            Incoming(
                name=part.name,
                content_type=part.content_type,
                data=part.data,
                content_id=part.content_id,
                inline=part.inline,
            )
            for part in found.attachments
        ),
        answers=_answers(found),
        token=token_in(account, address, own_addresses_in(found)),
        automatic=is_automatic(found),
        own=own,
        meta=_meta(found, raw, verdict),
    )


def _contact(found: Letter, address: str | None, *, own: bool) -> Mailbox:
    """Who this conversation is with: the sender; of our own mails the first recipient who is not us; and of forms on
    our own site, which write "from" ourselves, the one to answer to."""
    others = [one for one in (*found.to, *found.cc, *found.bcc) if "@" in one.address and one.address != address]
    if own:
        return others[0] if others else Mailbox("", NOBODY)
    answer_to = [one for one in found.reply_to if "@" in one.address and one.address != address]
    if found.sender is not None and found.sender.address == address and answer_to:
        return answer_to[0]
    return found.sender or Mailbox("", NOBODY)


def _address(one: Mailbox, *, verified: bool = False) -> Address:
    return Address(kind="email", value=one.address, name=one.name, verified=verified)


def _also(found: Letter, sender: Mailbox, own: str | None) -> tuple[Address, ...]:
    """One different Reply-To of a person, not of a list or robot, may be another address of the same person."""
    if len(found.reply_to) != 1 or is_automatic(found):
        return ()
    one = found.reply_to[0]
    usable = "@" in one.address and one.address not in (sender.address, own)
    return (_address(one),) if usable else ()


def _external_id(found: Letter, account: Account, *, own: bool) -> str:
    """The Message-ID. A mail without one, or from somebody else with one of ours, is named by its content."""
    forged = found.message_id is not None and not own and is_own_id(account, found.message_id)
    return f"hash:{found.fingerprint}" if found.message_id is None or forged else found.message_id


def _answers(found: Letter) -> tuple[str, ...]:
    """What In-Reply-To names, then References from the nearest to the farthest."""
    ids = dict.fromkeys([*found.in_reply_to, *reversed(found.references)])
    ids.pop(found.message_id or "", None)
    return tuple(one for one in ids if one)


def _sent_at(found: Letter, raw: Raw) -> datetime:
    """The Date of the mail, unless it is missing or impossible beside the time at which a server received it."""
    arrived = found.received or _stored_time(raw)
    if found.date is None:
        return arrived or datetime.fromtimestamp(0, UTC)
    if arrived is not None and not arrived - _BELIEVED[0] <= found.date <= arrived + _BELIEVED[1]:
        return arrived
    return found.date


def _stored_time(raw: Raw) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(raw.meta.get("received_at", "")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_DMARC = re.compile(r"\bdmarc\s*=\s*([a-z]+)", re.IGNORECASE)


def _authentication(found: Letter, account: Account) -> str:
    """What our own mail server says of the sender (RFC 8601): "pass", "fail" … or "none". Its name must be set, because
    anybody can write this header."""
    trusted = str(account.get("authserv_id") or "").strip().lower()
    header = found.headers.get("authentication-results", "")
    if not trusted or header.partition(";")[0].strip().split(" ")[0].lower() != trusted:
        return "none"
    result = _DMARC.search(header)
    return result[1].lower() if result else "none"


def _meta(found: Letter, raw: Raw, verdict: str) -> dict[str, Any]:
    """Kept with the message as JSON; absent keys are empty. ``fingerprint`` tells copies from other mails with the same
    Message-ID."""
    kept: dict[str, Any] = {
        "from": _plain([found.sender] if found.sender else []),
        "to": _plain(found.to),
        "cc": _plain(found.cc),
        "bcc": _plain(found.bcc),
        "reply_to": _plain(found.reply_to),
        "message_id": found.message_id,
        "in_reply_to": found.in_reply_to,
        "references": found.references,
        "list_id": found.headers.get("list-id"),
        "list_unsubscribe": found.headers.get("list-unsubscribe"),
        "authentication": verdict if verdict != "none" else None,
        "spam": found.headers.get("x-spam-flag", "").lower() == "yes" or None,
        "problem": found.problem or None,
        "mailbox": raw.meta.get("mailbox"),
        "backfilled": raw.meta.get("backfilled"),
        "fingerprint": found.fingerprint,
    }
    return {name: value for name, value in kept.items() if value}


def _plain(boxes: Sequence[Mailbox]) -> list[dict[str, str]]:
    return [{"name": one.name, "address": one.address} for one in boxes]
