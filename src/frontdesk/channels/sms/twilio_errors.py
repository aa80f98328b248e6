"""What Twilio's error codes mean for a message (https://www.twilio.com/docs/api/errors, read 2026-11).

The same codes come from two sides: as the answer to a sending, and in a delivery report afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from frontdesk.channels.port import Disconnected, Rejected, TryLater
from frontdesk.vendors.twilio import Refused

Action = Literal["reject", "later", "disconnect"]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A sentence for people, and what follows from it."""

    reason: str
    action: Action = "reject"
    after: float | None = None  # seconds to wait before the next attempt
    opt_out: bool = False
    bad_address: bool = False


def _later(reason: str, after: float) -> Meaning:
    return Meaning(reason=reason, action="later", after=after)


def _stop(reason: str) -> Meaning:
    return Meaning(reason=reason, action="disconnect")


def _wrong(reason: str) -> Meaning:
    return Meaning(reason=reason, bad_address=True)


def _no(reason: str) -> Meaning:
    return Meaning(reason=reason)


MEANINGS: Final[dict[int, Meaning]] = {
    20003: _stop("Twilio does not accept the account SID and auth token."),
    20005: _stop("The Twilio account is not active."),
    20429: _later("Twilio is receiving too many requests from this account.", 5),
    21211: _wrong("This is not a valid phone number."),
    21408: _no("Texts to this country are not enabled in the Twilio account."),
    21603: _stop("The inbox has no number to send from."),
    21606: _stop("The inbox's number cannot send texts; it may not belong to this Twilio account."),
    21608: _no("A Twilio trial account can only text numbers that were verified in its console."),
    21609: _stop("Twilio does not accept this server's public address for delivery reports."),
    21610: Meaning(reason="The contact opted out by text; Twilio does not deliver to them.", opt_out=True),
    21611: _later("The number's sending queue at Twilio is full.", 60),
    21612: _no("Twilio has no route from the inbox's number to this one."),
    21614: _wrong("This number cannot receive texts."),
    21617: _no("The text is longer than 1,600 characters."),
    21620: _no("Twilio could not use the address of an attachment."),
    21623: _no("The message has too many attachments."),
    21703: _stop("The messaging service has no number that can send this."),
    30001: _later("Twilio's queue for this number is full.", 60),
    30002: _stop("The Twilio account is suspended."),
    30003: _no("The phone was off or out of reach; try again later."),
    30004: _no("The contact's phone or carrier blocks this message."),
    30005: _wrong("This number is not in service."),
    30006: _wrong("This is a landline or cannot receive texts."),
    30007: _no("The carrier filtered the message as unwanted. Sending it again makes things worse."),
    30008: _no("The carrier did not deliver the message and gave no reason."),
    30022: _no("The carrier's rate limit for this brand was exceeded."),
    30023: _no("The carrier's daily limit for this brand is used up."),
    30027: _no("The carrier's daily limit for this campaign is used up."),
    30032: _stop("The toll-free number is not verified yet."),
    30034: _stop("The number is not registered for business texts in the United States (A2P 10DLC)."),
    30610: _no("Blocked by quiet hours: marketing texts go out between 8:00 and 21:00 of the contact's time."),
    63018: _later("The channel's rate limit was exceeded.", 5),
    63024: _wrong("The recipient is not valid."),
}


def failure(code: int | None, message: str) -> Meaning:
    """What a code in a delivery report means; one that is not in the table keeps Twilio's own words."""
    if code in MEANINGS:
        return MEANINGS[code]
    return _no(message or ("The message was not delivered." if code is None else f"Not delivered (Twilio {code})."))


def as_port_error(refused: Refused) -> Rejected | TryLater | Disconnected | None:
    """The refusal of a sending as the port's exception; None when it says nothing of whether the message was taken
    (a 5xx other than 503, which a proxy in between may have made)."""
    code = None if refused.code is None else str(refused.code)
    if refused.code in MEANINGS:
        meaning = MEANINGS[refused.code]
        if meaning.action == "disconnect":
            return Disconnected(meaning.reason)
        if meaning.action == "later":
            return TryLater(meaning.reason, after=refused.retry_after or meaning.after, code=code)
        return Rejected(meaning.reason, code=code, opt_out=meaning.opt_out, bad_address=meaning.bad_address)
    if refused.status in (401, 403):
        return Disconnected(f"Twilio refused the account SID and auth token: {refused}")
    if refused.status == 404:
        return Disconnected("Twilio has no account with this SID.")
    if refused.status in (429, 503):
        return TryLater(str(refused), after=refused.retry_after, code=code)
    if refused.status >= 500:
        return None
    return Rejected(str(refused), code=code)
