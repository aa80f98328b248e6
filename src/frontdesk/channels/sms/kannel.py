"""SMS through a Kannel gateway (1.4): ``sendsms`` over HTTP out, ``get-url`` or ``post-url`` in, ``dlr-url`` reports.

Kannel signs nothing, so its addresses carry ``token=<hook_token>``, and it has no id of its own that lasts: a message
is known by our key, which travels in the ``dlr-url`` and comes back with each report (Kannel user guide, "Delivery
reports"; the first report, 8, has no foreign id at all).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes, urlencode, urlsplit

import httpx

from frontdesk.channels.port import (
    Account,
    BadSignature,
    DeliveryState,
    Disconnected,
    HookAnswer,
    Inbound,
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
from frontdesk.channels.sms.concat import part_of
from frontdesk.channels.sms.numbers import came_from
from frontdesk.channels.sms.segments import measure
from frontdesk.kit import clock, fetch

MAX_CHARS: Final = 1600
DLR_MASK: Final = 31
"""Reports wanted: 1 delivered, 2 not delivered, 4 queued at the SMSC, 8 accepted by it, 16 rejected by it."""
MO_QUERY: Final = "from=%p&to=%P&text=%b&charset=%C&coding=%c&udh=%u&ts=%T&id=%I&smsc=%i"
"""What ``get-url`` should ask with. ``%b`` is the text as it is; ``%a`` would squeeze blanks."""

STATES: Final = {
    "1": (DeliveryState.delivered, None),
    "2": (DeliveryState.failed, "The operator could not deliver the message."),
    "4": (DeliveryState.sent, None),
    "8": (DeliveryState.sent, None),
    "16": (DeliveryState.failed, "The operator refused the message."),
}
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf-16be": "utf-16-be",
    "ucs-2": "utf-16-be",
    "iso-10646-ucs-2": "utf-16-be",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "us-ascii": "ascii",
}
_TIMEOUT: Final = httpx.Timeout(15, connect=5)
_MAX_FIELDS: Final = 100
_YEAR_2100: Final = 4_102_444_800


class KannelSms:
    # --- in ---

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        query = urlsplit(request.url).query.encode()
        fields = _pairs(query)
        secret = str(account.get("hook_token") or "")
        if not secret or not hmac.compare_digest(fields.get("token", b""), secret.encode()):
            raise BadSignature("The address lacks this inbox's token.")
        fields.pop("token")
        fields |= _posted(request)
        now = clock.now()
        body = urlencode(sorted(fields.items())).encode()
        meta = {"provider": "kannel", "received_at": now.isoformat()}
        return [Raw(dedupe_key=_dedupe_key(fields), body=body, meta=meta)], HookAnswer()

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        fields = _pairs(raw.body)
        received = datetime.fromisoformat(raw.meta["received_at"])
        if "st" in fields:
            return _receipts(fields, _time(fields) or received)
        if not fields.get("from"):
            raise ValueError("Kannel's get-url or post-url does not ask with from=%p")
        meta = {"to": _ascii(fields, "to"), "smsc": _ascii(fields, "smsc")}
        if part := part_of(fields.get("udh", b"")):
            meta["part"] = f"{part.number}/{part.total}"  # Kannel was told not to join, or gave up waiting
        return [
            Inbound(
                external_id=raw.dedupe_key.removeprefix("in:"),
                sender=came_from(_ascii(fields, "from"), own=str(account.get("number") or "")),
                text=_decode(fields.get("text", b""), _ascii(fields, "charset"), _ascii(fields, "coding")),
                sent_at=_time(fields) or received,
                meta=meta,
            )
        ]

    # --- out ---

    async def send(self, message: Outbound, account: Account) -> Sent:
        fields = message_fields(message, account)
        status, text = await _ask(account, fields)
        if status == 202:
            return Sent(external_id=message.key, parts=measure(message.text).parts)
        if status == 403:
            raise Disconnected("Kannel does not accept the user name and password.")
        if status in (502, 504):
            raise Unknown("A proxy before Kannel gave up waiting.")
        if status == 429 or status >= 500:
            raise TryLater(f"Kannel cannot take messages now: {text or status}", code=str(status))
        raise Rejected(f"Kannel refused the message: {text or status}", code=str(status))

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        raise Unknown("Kannel keeps no list of messages; a delivery report will tell.")

    async def test(self, account: Account) -> str:
        """Logs in with a message to nobody: Kannel checks the password first and then misses the receiver."""
        try:
            status, text = await _ask(account, _credentials(account))
        except Unknown as error:
            raise TryLater(str(error)) from error
        if status == 403:
            raise Disconnected("Kannel does not accept the user name and password.")
        if status != 400 or "receiver" not in text:
            raise TryLater(f"Kannel answered {status}: {text}")
        return f"Logged in to Kannel. Texts go out from {account.get('number')}."


def message_fields(message: Outbound, account: Account) -> dict[str, str | bytes]:
    """The parameters of ``sendsms``. Raises Rejected for what cannot be sent this way."""
    if message.to.kind != "phone":
        raise Rejected("Only phone numbers can be texted.", bad_address=True)
    if message.attachments:
        raise Rejected("This inbox sends through Kannel, which cannot carry files.")
    if not message.text:
        raise Rejected("There is nothing to send.")
    if len(message.text) > MAX_CHARS:
        raise Rejected(f"The text is longer than {MAX_CHARS} characters.")
    gsm = measure(message.text).encoding == "GSM-7"
    fields: dict[str, str | bytes] = {
        **_credentials(account),
        "from": str(account.get("number") or ""),
        "to": message.to.value,
        # UTF-16BE is what coding 2 means when no charset is named; some builds of Kannel cannot convert to it
        "text": message.text.encode("utf-8" if gsm else "utf-16-be"),
        "coding": "0" if gsm else "2",
    }
    if gsm:
        fields["charset"] = "UTF-8"
    if message.callback_url:
        token = quote(str(account.get("hook_token") or ""), safe="")
        joint = "&" if "?" in message.callback_url else "?"
        fields["dlr-mask"] = str(DLR_MASK)
        fields["dlr-url"] = (
            f"{_plain(message.callback_url)}{joint}token={_plain(token)}&m={_plain(quote(message.key, safe=''))}"
            "&st=%d&fid=%F&ans=%A&ts=%T"
        )
    return fields


def _plain(text: str) -> str:
    """Text that Kannel's escapes must leave alone."""
    return text.replace("%", "%%")


def _credentials(account: Account) -> dict[str, str | bytes]:
    return {"username": str(account.get("username") or ""), "password": str(account.get("password") or "")}


async def _ask(account: Account, fields: Mapping[str, str | bytes]) -> tuple[int, str]:
    """A GET, since Kannel reads its parameters from the address alone (a form is an "Invalid content-type")."""
    url = str(account.get("url") or "")
    try:
        async with fetch.client(timeout=_TIMEOUT) as client:
            answer = await client.get(f"{url}?{urlencode(fields)}")
    except fetch.Blocked as error:
        raise Disconnected(f"No connection to Kannel. {error}") from error
    except fetch.Unreachable as error:
        raise TryLater(f"Kannel cannot be reached. {error}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Disconnected(f"“{url}” is not an address of Kannel.") from error
    except httpx.RequestError as error:
        raise Unknown(f"Kannel did not answer: {type(error).__name__}") from error
    return answer.status_code, answer.text.strip()[:200]


# --- reading deliveries -------------------------------------------------------------------------------------------


def _pairs(data: bytes) -> dict[str, bytes]:
    """Names as text, values as bytes, because ``%b`` is UTF-16 when the coding is 2. Of a repeated name the first."""
    fields: dict[str, bytes] = {}
    for piece in data.split(b"&")[:_MAX_FIELDS]:
        name, _, value = piece.replace(b"+", b" ").partition(b"=")
        fields.setdefault(unquote(name.decode("latin-1")), unquote_to_bytes(value))
    return fields


def _posted(request: Request) -> dict[str, bytes]:
    """What ``post-url`` moves from the address into the body: the text and its charset. Its headers lack the sender
    (seen with 1.4.5), so everything else has to stand in the address there too."""
    if request.method != "POST" or "text=" in urlsplit(request.url).query:
        return {}
    charset = request.headers.get("content-type", "").partition("charset=")[2].strip(' "')
    return {"text": request.body, "charset": charset.encode()}


def _dedupe_key(fields: Mapping[str, bytes]) -> str:
    """Our key and the status for a report. For a message all that Kannel knows of it, because no id of it lasts: when
    it asks again after an error, sender, time, text and its own id are the same."""
    if "st" in fields:
        return f"st:{_ascii(fields, 'm')}:{_ascii(fields, 'st')}"
    names = ("smsc", "from", "to", "ts", "id", "udh", "text")
    known = b"\x00".join([fields.get(name, b"") for name in names])
    return f"in:{hashlib.sha256(known).hexdigest()[:40]}"


def _receipts(fields: Mapping[str, bytes], at: datetime) -> Sequence[Receipt]:
    status, key = _ascii(fields, "st"), _ascii(fields, "m")
    known = STATES.get(status)
    if known is None or not key:
        return []
    state, reason = known
    answer = _decode(fields.get("ans", b""), "UTF-8", "0").strip()
    if reason and answer:
        reason = f"{reason} It said: {answer}"
    code = status if state is DeliveryState.failed else None
    return [Receipt(state=state, external_id=key, key=key, code=code, reason=reason, at=at)]


def _decode(data: bytes, charset: str, coding: str) -> str:
    """The text of a message; never raises. Kannel names the charset; without it, coding 2 is UTF-16BE, else UTF-8."""
    codec = _CHARSETS.get(charset.lower(), "utf-16-be" if coding == "2" else "utf-8")
    return data.decode(codec, "replace").replace("\x00", "")


def _ascii(fields: Mapping[str, bytes], name: str) -> str:
    return fields.get(name, b"").decode("utf-8", "replace").replace("\x00", "")


def _time(fields: Mapping[str, bytes]) -> datetime | None:
    """Kannel's ``%T`` is Unix time; a time that is not one, or is out of range, is left out."""
    text = _ascii(fields, "ts")
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) >= _YEAR_2100:
        return None
    return datetime.fromtimestamp(int(text), UTC)
