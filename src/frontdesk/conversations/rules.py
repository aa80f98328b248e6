"""Pure decisions about conversations: no clock, no database, no network. Everything comes in as an argument."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from frontdesk.channels.port import Capabilities, DeliveryState

BEGUN = "begun"  # in a message's meta: a part of it has left

# --- may it go out? -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """Why a message may not go out: a stable code for programs, a sentence for people, and whether waiting can help."""

    code: str
    sentence: str
    hold: bool = False


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Everything that decides whether a message may leave now."""

    can: Capabilities
    inbox_name: str
    inbox_enabled: bool
    inbox_needs_person: bool  # wrong password, revoked token: it cannot work until somebody reconnects it
    has_address: bool
    address_kind: str = ""
    opted_out: bool = False
    bad_address: bool = False
    last_inbound_at: datetime | None = None  # from this contact through this channel
    text: str = ""
    attachments: Sequence[tuple[str, str, int]] = ()  # (name, content type, bytes)
    copies: int = 0
    answers_opt_out: bool = False  # the one confirmation that an opt-out itself asks for
    now: datetime


def why_not_send(about: Sending) -> Reason | None:
    """The first reason against sending, or None. The screen, the API and the dispatcher all show this same sentence."""
    can = about.can
    if not about.inbox_enabled:
        return Reason(
            "inbox_off",
            f"{about.inbox_name} is switched off. Switch it on in the settings, or choose another inbox.",
            hold=True,
        )
    if about.inbox_needs_person:
        return Reason(
            "inbox_disconnected",
            f"{about.inbox_name} has lost its connection. Reconnect it in the settings.",
            hold=True,
        )
    if not about.has_address or about.address_kind not in can.address_kinds:
        return Reason("no_address", f"This contact has no address that {about.inbox_name} can write to.")
    if about.opted_out and not about.answers_opt_out:
        return Reason("opted_out", "This contact has opted out here. Only they can opt in again.")
    if about.bad_address:
        return Reason("bad_address", "This address does not exist any more: an earlier message came back.")
    if not can.may_start and about.last_inbound_at is None:
        return Reason("may_not_start", f"{about.inbox_name} can only answer. The contact has to write first.")
    if can.reply_window and (about.last_inbound_at is None or about.now - about.last_inbound_at > can.reply_window):
        advice = " Use a template." if can.needs_template_outside_window else ""
        return Reason("window_closed", f"The reply window has closed.{advice}")
    return _why_not_content(about)


def _why_not_content(about: Sending) -> Reason | None:
    can = about.can
    if not about.text.strip() and not about.attachments:
        return Reason("empty", "Write something, or attach a file.")
    if can.max_chars is not None and len(about.text) > can.max_chars:
        return Reason("too_long", f"This is too long: {len(about.text)} of {can.max_chars} characters.")
    if about.attachments and not can.attachments:
        return Reason("no_attachments", f"{about.inbox_name} cannot send files.")
    if len(about.attachments) > can.max_attachments:
        return Reason("too_many_attachments", f"{about.inbox_name} can send {can.max_attachments} files at once.")
    for name, kind, size in about.attachments:
        if not any(_fits(kind, pattern) for pattern in can.attachment_types):
            return Reason("attachment_type", f"{about.inbox_name} cannot send {name}: {kind} is not allowed here.")
        if size > can.max_attachment_bytes:
            return Reason(
                "attachment_size", f"{name} is too big: {megabytes(size)} of {megabytes(can.max_attachment_bytes)}."
            )
    if about.copies and not can.copies:
        return Reason("no_copies", f"{about.inbox_name} cannot send copies.")
    return None


def _fits(kind: str, pattern: str) -> bool:
    return pattern == "*/*" or kind == pattern or (pattern.endswith("/*") and kind.startswith(pattern[:-1]))


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"


RESTORED = Reason(
    "restored",
    "This was waiting when the backup was made, and may have gone out since. Look before you send it.",
    hold=True,
)


# --- how far has it come? -----------------------------------------------------------------------------------------

_RANK = {
    DeliveryState.held: 0,
    DeliveryState.queued: 0,
    DeliveryState.sending: 1,
    DeliveryState.uncertain: 2,
    DeliveryState.accepted: 3,
    DeliveryState.sent: 4,
    DeliveryState.delivered: 5,
    DeliveryState.read: 6,
}


def later(old: DeliveryState, new: DeliveryState) -> bool:
    """Whether a receipt moves a message forward. Receipts arrive late, twice and out of order; none moves it back.

    A failure counts until the message is known to be delivered; proof of delivery outweighs an earlier failure.
    """
    if old is DeliveryState.cancelled or new is DeliveryState.cancelled:
        return False
    if new is DeliveryState.failed:
        return old not in (DeliveryState.failed, DeliveryState.delivered, DeliveryState.read)
    if old is DeliveryState.failed:
        return new in (DeliveryState.delivered, DeliveryState.read)
    return _RANK[new] > _RANK[old]


def retry_delay(attempt: int, chance: float) -> float:
    """Seconds before attempt number ``attempt + 1``: doubling from 2 s to 10 min, with full jitter over its upper half.

    ``chance`` is a random number in [0, 1).
    """
    return float(min(600.0, 2.0 * 2 ** min(attempt - 1, 12)) * (0.5 + chance / 2))


GIVE_UP_AFTER = timedelta(
    hours=48
)  # of TryLater: RFC 5321 §4.5.4.1 asks mail to be tried for four to five days, people do not


# --- which conversation does it join? -----------------------------------------------------------------------------

Joining = Literal["contact", "contact_inbox"]


def join_key(policy: Joining, inbox_id: int) -> int:
    """What is unique among the open conversations of a contact under this policy."""
    return 0 if policy == "contact" else inbox_id


BELIEVED_PAST = timedelta(hours=24)


def moment_of(sent: datetime, received: datetime, *, backfilled: bool = False) -> datetime:
    """When a message stands in the thread: as the sender's clock says, unless that clock is plainly wrong.

    A time in the future would push a message below all later ones, one of long ago would hide it above them: only what
    was ``backfilled`` from an old mailbox is that old. Mail from 1970 was never sent then.
    """
    late = received - sent > BELIEVED_PAST and not backfilled
    return received if sent > received or late or sent.year < 1990 else sent


def reopens(closed_at: datetime | None, at: datetime, days: int) -> bool:
    """Whether a message at ``at`` reopens a conversation that was closed then."""
    return closed_at is not None and days > 0 and at - closed_at <= timedelta(days=days)


# --- consent in the contact's own words ---------------------------------------------------------------------------

# Whole-message keywords, as the carriers and Twilio read them (November 2026), with the words that AWS adds.
STOP_WORDS = frozenset("stop stopall unsubscribe cancel end quit revoke optout opt-out remove arret td".split())
START_WORDS = frozenset("start unstop yes".split())
HELP_WORDS = frozenset("help info aide".split())
_STRIP = re.compile(r"^[\W_]+|[\W_]+$")


def keyword(text: str) -> Literal["stop", "start", "help"] | None:
    """What a message asks for if it is nothing but a keyword, in whatever letters, case, accents and punctuation."""
    text = text.strip()
    if len(text) > 64:
        return None
    word = _STRIP.sub("", text.lower() if text.isascii() else _bare(text).strip())
    if word in STOP_WORDS or word.replace(" ", "").replace("-", "") in STOP_WORDS - {"td", "end"}:
        return "stop"
    if word in START_WORDS:
        return "start"
    return "help" if word in HELP_WORDS else None


def _bare(text: str) -> str:
    """Small letters without accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in folded if not unicodedata.combining(char))


def keyword_answer(kind: Literal["stop", "start", "help"], name: str) -> str:
    """The one confirmation that carriers expect (CTIA messaging principles §5.1)."""
    if kind == "stop":
        return (
            f"{name}: you have opted out and will get no more messages from this number. Reply START to opt in again."
        )
    if kind == "start":
        return f"{name}: you have opted in again. Reply STOP to opt out, HELP for help."
    return f"{name}: reply to this message and we will answer. Reply STOP to opt out."


# --- automatic messages -------------------------------------------------------------------------------------------

LOOP_LIMITS = ((timedelta(hours=1), 3), (timedelta(hours=24), 20))


def loops(earlier: Sequence[datetime], now: datetime) -> bool:
    """Whether one more automatic message to this address would be one too many (RFC 3834 asks for such a limit)."""
    return any(sum(1 for at in earlier if now - at <= span) >= most for span, most in LOOP_LIMITS)


# --- what to show -------------------------------------------------------------------------------------------------


def preview(text: str, files: Sequence[str] = ()) -> str:
    """One line of a message for the list: at most 140 characters."""
    line = " ".join(text[:600].split())
    if not line and files:
        return files[0] if len(files) == 1 else f"{len(files)} files"
    return line if len(line) <= 140 else line[:139].rstrip() + "…"


def label_name(text: str) -> str:
    """A label's name on one line; empty if there is nothing of it to see."""
    line = " ".join(clean(text).split())
    return line if any(unicodedata.category(character)[0] not in "CMZ" for character in line) else ""


def clean(text: str) -> str:
    """Text as PostgreSQL and screens can hold it: no NUL, no lone surrogates, one kind of line end."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def masked(address: str) -> str:
    """An address by which somebody who knows it recognises it, and nobody else: the first two and the last two
    characters, of a mail address those of its local part."""
    local, at, domain = address.partition("@")
    hidden = f"{local[:2]}…{local[-2:]}" if len(local) > 5 else "…"
    return f"{hidden}{at}{domain}"
