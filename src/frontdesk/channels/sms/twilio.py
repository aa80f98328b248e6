"""SMS and MMS through Twilio's REST API and webhooks."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from urllib.parse import quote, urlsplit

from frontdesk.channels.port import (
    Account,
    BadSignature,
    DeliveryState,
    Disconnected,
    HookAnswer,
    Inbound,
    Incoming,
    Item,
    Outbound,
    Raw,
    Receipt,
    Rejected,
    Request,
    Sent,
    TryLater,
    Unknown,
)
from frontdesk.channels.sms.attempts import SETTLES_AFTER, Attempts, same_text
from frontdesk.channels.sms.numbers import came_from
from frontdesk.channels.sms.twilio_errors import as_port_error, failure
from frontdesk.kit import clock
from frontdesk.vendors.twilio import (
    API,
    TIMEOUT_SECONDS,
    NoAnswer,
    NotAllowed,
    NotReached,
    Refused,
    Twilio,
    TwilioError,
    form,
    is_signed,
)

MAX_CHARS: Final = 1600
"""Longest ``Body`` that Twilio takes (twilio_api_v2010.json; error 21617 beyond)."""
MAX_MEDIA: Final = 10
MAX_MEDIA_BYTES: Final = 25 * 1024 * 1024
"""What we download at most; Twilio's own cap for incoming media is lower and depends on the carrier."""

EMPTY_TWIML: Final = HookAnswer(
    body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml; charset=utf-8"
)

STATES: Final = {
    "accepted": DeliveryState.accepted,
    "scheduled": DeliveryState.accepted,
    "queued": DeliveryState.accepted,
    "sending": DeliveryState.accepted,
    "sent": DeliveryState.sent,
    "delivered": DeliveryState.delivered,
    "partially_delivered": DeliveryState.delivered,
    "read": DeliveryState.read,
    "undelivered": DeliveryState.failed,
    "failed": DeliveryState.failed,
    "canceled": DeliveryState.cancelled,
}
"""Twilio's message status as ours. A status that is not here is kept in the raw delivery and means nothing."""


def client(account: Account) -> Twilio:
    return Twilio(
        str(account.get("account_sid") or ""),
        str(account.get("auth_token") or ""),
        api_base=str(account.get("api_base") or API),
        timeout=float(account.get("timeout") or TIMEOUT_SECONDS),
    )


class TwilioSms:
    """Stateless but for what it remembers of its latest sendings (:class:`Attempts`)."""

    def __init__(self) -> None:
        self._attempts = Attempts()

    # --- in ---

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        signed = is_signed(
            request.url,
            request.headers,
            request.body,
            auth_token=str(account.get("auth_token") or ""),
            shared_key=str(account.get("shared_key") or ""),
        )
        if not signed:
            raise BadSignature("The signature is not Twilio's, or the inbox's secret is missing.")
        body = request.body or urlsplit(request.url).query.encode()  # a hook set to GET has its fields in the address
        fields = _fields(body)
        meta = {"provider": "twilio", "received_at": clock.now().isoformat()}
        if key := request.query.get("m"):
            meta["key"] = key
        return [Raw(dedupe_key=_dedupe_key(fields, body), body=body, meta=meta)], EMPTY_TWIML

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        if raw.meta.get("listed"):
            fields: Mapping[str, str] = _fields_of_resource(json.loads(raw.body))
        else:
            fields = _fields(raw.body)
        sid = _sid(fields)
        if not sid:
            raise ValueError("This delivery names no message (MessageSid).")
        if _is_inbound(fields):
            return [_inbound(sid, fields, raw, own=str(account.get("number") or ""))]
        state = STATES.get(_status(fields))
        return [] if state is None else [_receipt(sid, state, fields, raw)]

    async def missed(self, account: Account, *, since: datetime) -> AsyncIterator[Raw]:
        """Inbound messages since then, with the dedupe key that the webhook gave them (Twilio tries a hook at most
        twice, so whatever came while we were down has to be fetched)."""
        api, service, number = client(account), account.get("messaging_service_sid"), account.get("number")
        filters = {"DateSent>": since.date().isoformat(), "PageSize": "100"} | ({"To": number} if number else {})
        try:
            async for message in api.messages(filters):
                when = _time_of(message)
                ours = number or message.get("messaging_service_sid") == service
                if message.get("direction") != "inbound" or not ours or (when and when < since):
                    continue
                sid = str(message["sid"])
                media = await api.media(sid) if _number(message.get("num_media")) else []
                body = json.dumps({"message": message, "media": media}, sort_keys=True).encode()
                meta = {"provider": "twilio", "listed": True, "received_at": (when or clock.now()).isoformat()}
                yield Raw(dedupe_key=f"in:{sid}", body=body, meta=meta)
        except TwilioError as error:
            raise _not_sending(error) from error

    async def fetch(self, url: str, account: Account) -> tuple[bytes, str]:
        try:
            return await client(account).download(url, limit=MAX_MEDIA_BYTES)
        except Refused as error:
            if error.status in (401, 403, 429) or error.status >= 500:
                raise TryLater(str(error), after=error.retry_after) from error
            raise Rejected(str(error)) from error
        except TwilioError as error:
            raise TryLater(str(error)) from error

    # --- out ---

    async def send(self, message: Outbound, account: Account) -> Sent:
        fields = message_fields(message, account)
        self._attempts.begin(account.inbox_id, message.key, at=clock.now())
        try:
            resource = await client(account).create_message(fields)
        except NotAllowed as error:
            raise Disconnected(str(error)) from error
        except NotReached as error:
            raise TryLater(str(error)) from error
        except NoAnswer as error:
            raise Unknown(str(error)) from error
        except Refused as error:
            meaning = as_port_error(error)
            if meaning is None:
                raise Unknown(f"Twilio answered {error.status}.") from error
            raise meaning from error
        return self._taken(resource, message, account)

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        """Twilio keeps no key of ours, so the message is recognised by number, text, media count and time.

        Exactly one outbound message that no other sending of ours accounts for, made after our attempt, is ours. None
        of them ``settles_after`` (40 s) after the attempt means that it was never taken. Anything else stays
        unknown: several that look alike, a text that Twilio blanked, a look-alike from a little before (clocks
        differ), or any when nobody knows when the attempt was (the process that made it is gone and
        ``meta["attempted_at"]`` does not say). ``DateSent`` is not used as a filter because a queued message has none
        yet.
        """
        now, attempts = clock.now(), self._attempts
        began = attempts.began(account.inbox_id, message)
        asked = attempts.asked(account.inbox_id, message.key, at=now)
        horizon = attempts.horizon(began, asked)
        filters = {"To": message.to.value, "PageSize": "50"}
        if number := account.get("number"):
            filters["From"] = number
        candidates = []
        try:
            async for resource in client(account).messages(filters):
                when = _time_of(resource)
                if when and when < horizon:
                    break
                if self._may_be(resource, message, account):
                    candidates.append(resource)
        except TwilioError as error:
            raise Unknown(f"The message could not be looked up: {error}") from error
        if not candidates:
            settles_after = timedelta(seconds=float(account.get("settles_after") or SETTLES_AFTER))
            if now - (began or asked) >= settles_after:
                return None
            raise Unknown("Twilio does not list the message yet.")
        alike = [resource for resource in candidates if same_text(str(resource.get("body") or ""), message.text)]
        if len(candidates) > 1 or not alike or not attempts.clearly_after(began, _time_of(alike[0])):
            raise Unknown("Twilio lists messages that may or may not be this one.")
        return self._taken(alike[0], message, account)

    async def test(self, account: Account) -> str:
        try:
            found = await client(account).account()
        except TwilioError as error:
            raise _not_sending(error) from error
        status = found.get("status", "active")
        if status != "active":
            raise Disconnected(f"The Twilio account is {status}.")
        sender = account.get("number") or account.get("messaging_service_sid")
        return f"Connected to the Twilio account “{found.get('friendly_name')}”. Texts go out from {sender}."

    def _taken(self, resource: Mapping[str, Any], message: Outbound, account: Account) -> Sent:
        sid = str(resource.get("sid") or "")
        if not sid:
            raise Unknown("Twilio's answer names no message.")
        self._attempts.claim(account.inbox_id, sid, message.key)
        state = STATES.get(str(resource.get("status")), DeliveryState.accepted)
        if state in (DeliveryState.failed, DeliveryState.cancelled):
            state = DeliveryState.accepted  # the delivery report says why, with its code
        return Sent(external_id=sid, state=state, parts=max(1, _number(resource.get("num_segments"))))

    def _may_be(self, resource: Mapping[str, Any], message: Outbound, account: Account) -> bool:
        if not str(resource.get("direction")).startswith("outbound"):
            return False
        service = account.get("messaging_service_sid")
        if not account.get("number") and resource.get("messaging_service_sid") != service:
            return False
        if self._attempts.claimed_by_another(account.inbox_id, str(resource.get("sid")), message):
            return False
        if _number(resource.get("num_media")) != len(message.attachments):
            return False
        body = str(resource.get("body") or "")
        return not body or same_text(body, message.text)  # no body: Twilio was told not to keep it


def message_fields(message: Outbound, account: Account) -> list[tuple[str, str]]:
    """The form of ``POST Messages.json``. Raises Rejected for what Twilio would refuse anyway."""
    if message.to.kind != "phone":
        raise Rejected("Only phone numbers can be texted.", bad_address=True)
    if len(message.text) > MAX_CHARS:
        raise Rejected(f"The text is longer than {MAX_CHARS} characters.", code="21617")
    if len(message.attachments) > MAX_MEDIA:
        raise Rejected(f"A text can carry at most {MAX_MEDIA} files.", code="21623")
    if not message.text and not message.attachments:
        raise Rejected("There is nothing to send.")
    fields = [("To", message.to.value)]
    if number := account.get("number"):
        fields.append(("From", str(number)))
    if service := account.get("messaging_service_sid"):
        fields.append(("MessagingServiceSid", str(service)))
    if message.text:
        fields.append(("Body", message.text))
    for attachment in message.attachments:
        if not attachment.url:
            raise Rejected("Twilio fetches files from this server, which has no public address.")
        fields.append(("MediaUrl", attachment.url))
    if message.callback_url:
        joint = "&" if "?" in message.callback_url else "?"
        fields.append(("StatusCallback", f"{message.callback_url}{joint}m={quote(message.key, safe='')}"))
    return fields


@lru_cache(maxsize=1024)  # a delivery is read when it is stored, and again, mostly by the same process, soon after
def _fields(body: bytes) -> Mapping[str, str]:
    """The form as text: the last of a repeated name, without NULs (the database refuses them), bad UTF-8 replaced."""
    fields = dict(form(body))
    whole = "".join(chain.from_iterable(fields.items()))
    if whole.isascii() and "\x00" not in whole:
        return fields
    return {_text(name): _text(value) for name, value in fields.items()}


def _text(text: str) -> str:
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("\x00", "")


def _fields_of_resource(listed: Mapping[str, Any]) -> dict[str, str]:
    """A message of the REST API in the words of the webhook, so that both are read by the same lines."""
    message, media = listed["message"], listed["media"]
    fields = {
        "MessageSid": message.get("sid"),
        "SmsStatus": "received",
        "From": message.get("from"),
        "To": message.get("to"),
        "Body": message.get("body"),
        "NumMedia": len(media),
        "NumSegments": message.get("num_segments"),
    }
    for index, item in enumerate(media):
        fields[f"MediaUrl{index}"] = item.get("url")
        fields[f"MediaContentType{index}"] = item.get("content_type")
    return {name: str(value).replace("\x00", "") for name, value in fields.items() if value is not None}


def _sid(fields: Mapping[str, str]) -> str:
    return fields.get("MessageSid") or fields.get("SmsSid") or ""


def _status(fields: Mapping[str, str]) -> str:
    return (fields.get("MessageStatus") or fields.get("SmsStatus") or "").lower()


def _is_inbound(fields: Mapping[str, str]) -> bool:
    return _status(fields) in ("received", "receiving") or ("Body" in fields and "MessageStatus" not in fields)


def _dedupe_key(fields: Mapping[str, str], body: bytes) -> str:
    sid = _sid(fields)
    if not sid:
        return f"other:{hashlib.sha256(body).hexdigest()}"
    return f"in:{sid}" if _is_inbound(fields) else f"st:{sid}:{_status(fields)}"


def _inbound(sid: str, fields: Mapping[str, str], raw: Raw, *, own: str) -> Inbound:
    sender = came_from(fields.get("From", ""), own=own)
    if profile := fields.get("ProfileName"):
        sender = replace(sender, name=profile)
    meta = {"to": fields.get("To", "")}
    if opt_out_type := fields.get("OptOutType"):
        meta["opt_out_type"] = opt_out_type  # Twilio answered the keyword itself: nobody confirms it a second time
    return Inbound(
        external_id=sid,
        sender=sender,
        text=fields.get("Body", ""),
        sent_at=datetime.fromisoformat(raw.meta["received_at"]),
        attachments=tuple(_media(fields)),
        meta=meta,
    )


def _media(fields: Mapping[str, str]) -> Iterable[Incoming]:
    for index in range(min(_number(fields.get("NumMedia")), MAX_MEDIA)):
        url = fields.get(f"MediaUrl{index}")
        content_type = fields.get(f"MediaContentType{index}") or "application/octet-stream"
        if url:
            extension = mimetypes.guess_extension(content_type) or ""
            yield Incoming(name=f"media-{index + 1}{extension}", content_type=content_type, url=url)


def _receipt(sid: str, state: DeliveryState, fields: Mapping[str, str], raw: Raw) -> Receipt:
    plain = Receipt(
        state=state, external_id=sid, key=raw.meta.get("key"), at=datetime.fromisoformat(raw.meta["received_at"])
    )
    if state is not DeliveryState.failed:
        return plain
    code = _number(fields.get("ErrorCode")) or None
    meaning = failure(code, fields.get("ErrorMessage", ""))
    return replace(
        plain,
        code=None if code is None else str(code),
        reason=meaning.reason,
        opt_out=meaning.opt_out,
        bad_address=meaning.bad_address,
    )


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _time_of(resource: Mapping[str, Any]) -> datetime | None:
    """When the message was sent or, while it is queued, made (RFC 2822 dates)."""
    for name in ("date_sent", "date_created"):
        try:
            return parsedate_to_datetime(str(resource.get(name)))
        except ValueError:
            continue
    return None


def _not_sending(error: TwilioError) -> TryLater | Disconnected:
    """The port's exception for anything but a sending: a person has to act, or it can be tried again."""
    if isinstance(error, NotAllowed):
        return Disconnected(str(error))
    if isinstance(error, Refused):
        meaning = as_port_error(error)
        if isinstance(meaning, Disconnected | TryLater):
            return meaning
    return TryLater(str(error))
