"""What a send request must be before it is accepted (twilio.com/docs/messaging/api/message-resource)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ..world import World, now
from .carrier import Picture, Text, opted_out
from .errors import MAGIC_FROM, MAGIC_TO, Refused

E164 = re.compile(r"\+[1-9]\d{6,14}")
MAX_CHARS = 1600
MAX_MEDIA = 10
SCHEDULE_SECONDS = (300, 35 * 86400)  # how far ahead SendAt may lie


class Form:
    """The fields of a form body; a field may be repeated."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def one(self, name: str) -> str:
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


def order_of(world: World, account: str, form: Form) -> tuple[Text, float]:
    """The text that a form orders, and in how many seconds it is to go.

    :raises Refused: with the code that Twilio would give.
    """
    to, body, media = form.one("To"), form.one("Body"), form.all("MediaUrl")
    if not to:
        raise Refused(21604, "A 'To' phone number is required.")
    _check_recipient(to)
    sender, service = _sender(world, account, form)
    if not body and not media:
        raise Refused(21619, "A text message body or media urls must be specified.")
    if len(body) > MAX_CHARS:
        raise Refused(21617, "The concatenated message body exceeds the 1600 character limit")
    _check_media(media)
    if sender and not service and opted_out(world, sender, to):
        raise Refused(21610, "Attempt to send to unsubscribed recipient")
    callback = form.one("StatusCallback")
    if callback and not _is_web_address(callback):
        raise Refused(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
    ahead = _schedule(form, service)
    text = Text(
        account=account,
        direction="outbound-api",
        sender=sender,
        recipient=to,
        body=body,
        service=service,
        status="scheduled" if ahead else "accepted" if service else "queued",
        callback=callback,
        pictures=[Picture(source=url) for url in media],
    )
    return text, ahead


def _check_recipient(to: str) -> None:
    if to in MAGIC_TO:
        code, message = MAGIC_TO[to]
        raise Refused(code, message.format(to))
    if not E164.fullmatch(to):
        raise Refused(21211, f"Invalid 'To' Phone Number: {to}")


def _sender(world: World, account: str, form: Form) -> tuple[str | None, str | None]:
    sender, service = form.one("From"), form.one("MessagingServiceSid")
    if sender in MAGIC_FROM:
        code, message = MAGIC_FROM[sender]
        raise Refused(code, message.format(sender))
    if service:
        if not service.startswith("MG"):
            raise Refused(21701, "The Messaging Service does not exist.", 404)
        if not world.store.row("SELECT 1 FROM numbers WHERE account_sid = ? AND service_sid = ?", account, service):
            raise Refused(21703, "The Messaging Service contains no phone numbers.")
        if not sender:
            return None, service
    if not sender:
        raise Refused(21603, "A 'From' phone number is required.")
    if not world.store.row("SELECT 1 FROM numbers WHERE account_sid = ? AND number = ?", account, sender):
        code, message = MAGIC_FROM["+15005550007"]
        raise Refused(code, message.format(sender))
    return sender, service or None


def _check_media(media: list[str]) -> None:
    if len(media) > MAX_MEDIA:
        raise Refused(21623, "Number of media files exceeds allowed limit")
    for url in media:
        if not _is_web_address(url):
            raise Refused(21620, f"Invalid media URL(s): {url}")


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _schedule(form: Form, service: str | None) -> float:
    if form.one("ScheduleType") != "fixed":
        return 0.0
    if not service:
        raise Refused(35118, "MessagingServiceSid is required to schedule a message")
    try:
        moment = datetime.fromisoformat(form.one("SendAt"))
    except ValueError:
        raise Refused(35114, "SendAt is missing or is not an ISO 8601 date-time") from None
    ahead = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now()
    low, high = SCHEDULE_SECONDS
    if ahead <= low:
        raise Refused(35114, "SendAt time must be more than 300 seconds in the future")
    if ahead > high:
        raise Refused(35117, "SendAt time must be less than 35 days in the future")
    return ahead
