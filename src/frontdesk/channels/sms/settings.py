"""The form that connects an SMS inbox, and what it checks before anything is tried."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from frontdesk.channels.port import Setting
from frontdesk.channels.sms.attempts import SETTLES_AFTER
from frontdesk.channels.sms.numbers import typed
from frontdesk.vendors.twilio import API, TIMEOUT_SECONDS

_TWILIO: Final = ("provider", ("twilio",))
_KANNEL: Final = ("provider", ("kannel",))
_SMPP: Final = ("provider", ("smpp",))
_SHORTEST_TOKEN: Final = 16
_SMPP_NUMBERS: Final = (
    ("port", 65535),
    ("source_ton", 6),
    ("source_npi", 18),
    ("destination_ton", 6),
    ("destination_npi", 18),
)

SETTINGS: Final = (
    Setting(
        name="provider",
        label="Provider",
        kind="choice",
        required=True,
        default="twilio",
        choices=(("twilio", "Twilio"), ("kannel", "Kannel gateway"), ("smpp", "SMPP 3.4 (operator or aggregator)")),
    ),
    Setting(
        name="number",
        label="Number",
        help="The number contacts write to, with its country code: +30 210 123 4567. Or a short code.",
    ),
    Setting(name="account_sid", label="Account SID", when=_TWILIO, help="Begins with AC."),
    Setting(name="auth_token", label="Auth token", kind="secret", when=_TWILIO),
    Setting(
        name="messaging_service_sid",
        label="Messaging service SID",
        when=_TWILIO,
        help="Begins with MG. With a number too, the service sends from that number.",
        advanced=True,
    ),
    Setting(
        name="shared_key",
        label="Shared key for webhooks",
        kind="secret",
        when=_TWILIO,
        help="Only if webhooks are signed with a shared key (SHA-256) instead of the auth token.",
        advanced=True,
    ),
    Setting(name="api_base", label="API address", default=API, when=_TWILIO, help="For Twilio regions.", advanced=True),
    Setting(
        name="timeout",
        label="Seconds to wait for an answer",
        kind="number",
        default=TIMEOUT_SECONDS,
        when=_TWILIO,
        help="A text whose answer does not come in time is looked up, never sent again blindly.",
        advanced=True,
    ),
    Setting(
        name="settles_after",
        label="Seconds until a text is listed",
        kind="number",
        default=SETTLES_AFTER,
        when=_TWILIO,
        help="A text that Twilio does not list by then was never taken, and is sent again.",
        advanced=True,
    ),
    Setting(
        name="url",
        label="Address of sendsms",
        when=_KANNEL,
        help="For example http://127.0.0.1:13013/cgi-bin/sendsms",
    ),
    Setting(name="username", label="User name", when=_KANNEL),
    Setting(
        name="hook_token",
        label="Token in Kannel's addresses",
        kind="secret",
        when=_KANNEL,
        help="Kannel signs nothing: its get-url must carry token=… with this secret.",
    ),
    Setting(name="host", label="SMSC host", when=_SMPP),
    Setting(name="port", label="SMSC port", kind="number", default=2775, when=_SMPP),
    Setting(name="system_id", label="System ID", when=_SMPP),
    Setting(name="password", label="Password", kind="secret", when=("provider", ("kannel", "smpp"))),
    Setting(name="system_type", label="System type", when=_SMPP, advanced=True),
    Setting(name="tls", label="Connect with TLS", kind="bool", default=False, when=_SMPP, advanced=True),
    *(
        Setting(name=name, label=label, kind="number", when=_SMPP, advanced=True, help="Empty: by the number's form.")
        for name, label in (
            ("source_ton", "Sender's type of number (TON)"),
            ("source_npi", "Sender's numbering plan (NPI)"),
            ("destination_ton", "Recipient's type of number (TON)"),
            ("destination_npi", "Recipient's numbering plan (NPI)"),
        )
    ),
    Setting(
        name="alphabet",
        label="The SMSC's default alphabet",
        kind="choice",
        default="gsm7",
        choices=(("gsm7", "GSM 03.38"), ("latin1", "Latin-1")),
        when=_SMPP,
        help="What data_coding 0 means there. Umlauts that arrive wrong are a sign of the other one.",
        advanced=True,
    ),
    Setting(
        name="long_messages",
        label="Long texts",
        kind="choice",
        default="udh",
        choices=(("udh", "Cut here, parts marked by a header"), ("payload", "Sent whole, cut by the SMSC")),
        when=_SMPP,
        advanced=True,
    ),
    Setting(
        name="message_ids",
        label="Message IDs in answer and receipt",
        kind="choice",
        default="same",
        choices=(
            ("same", "Written alike"),
            ("hex_decimal", "Answer hexadecimal, receipt decimal"),
            ("decimal_hex", "Answer decimal, receipt hexadecimal"),
        ),
        when=_SMPP,
        advanced=True,
    ),
    Setting(
        name="smart_text",
        label="Replace curly quotes and long dashes",
        kind="bool",
        default=False,
        help="One such character halves what fits into a text. The plain ones cost nothing.",
        advanced=True,
    ),
)


def own_address(settings: Mapping[str, Any]) -> str | None:
    """The inbox's number as contacts see it: E.164 where it has such a form."""
    number = str(settings.get("number") or "").strip()
    if not number:
        return None
    try:
        return typed(number, own=number).value
    except ValueError:
        return number


def check(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong, by setting; a sentence each."""
    provider = str(settings.get("provider") or "")
    if provider not in _CHECKS:
        return {"provider": "Choose Twilio, Kannel or SMPP."}
    found = _missing(settings, *_NEEDED[provider]) | _CHECKS[provider](settings)
    number = str(settings.get("number") or "").strip()
    if number and not any(character.isalpha() for character in number):
        try:
            typed(number, own=number)
        except ValueError as error:
            found["number"] = str(error)
    return found


def _missing(settings: Mapping[str, Any], *names: str) -> dict[str, str]:
    labels = {setting.name: setting.label for setting in SETTINGS}
    return {name: f"{labels[name]} is missing." for name in names if not str(settings.get(name) or "").strip()}


def _twilio(settings: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in ("timeout", "settles_after"):
        value = settings.get(name)
        if value is not None and not (isinstance(value, int | float) and 1 <= value <= 600):
            found[name] = "Between 1 and 600 seconds."
    sid, service = str(settings.get("account_sid") or ""), str(settings.get("messaging_service_sid") or "")
    if sid and not (sid.startswith("AC") and len(sid) == 34):
        found["account_sid"] = "An account SID begins with AC and has 34 characters."
    if service and not (service.startswith("MG") and len(service) == 34):
        found["messaging_service_sid"] = "A messaging service SID begins with MG and has 34 characters."
    if not service and not settings.get("number"):
        found["number"] = "Enter the number to send from, or a messaging service."
    if base := settings.get("api_base"):
        found |= _address("api_base", str(base))
    return found


def _kannel(settings: Mapping[str, Any]) -> dict[str, str]:
    found = _address("url", str(settings["url"])) if settings.get("url") else {}
    if len(str(settings.get("hook_token") or "")) < _SHORTEST_TOKEN:
        found["hook_token"] = (
            f"Kannel proves who it is by this token alone; it needs {_SHORTEST_TOKEN} characters or more. "
            f"A fresh one: {secrets.token_urlsafe(24)}"
        )
    return found


def _smpp(settings: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, longest in (("system_id", 15), ("password", 8), ("system_type", 12)):
        if len(str(settings.get(name) or "")) > longest:
            found[name] = f"SMPP allows at most {longest} characters here."
    for name, most in _SMPP_NUMBERS:
        value = str(settings.get(name) if settings.get(name) is not None else "")
        if value and not (value.isascii() and value.isdigit() and int(value) <= most):
            found[name] = f"A whole number up to {most}."
    return found


def _address(name: str, value: str) -> dict[str, str]:
    try:
        parts = urlsplit(value)
    except ValueError:  # ``http://[``
        pass
    else:
        if parts.scheme in ("http", "https") and parts.hostname:
            return {}
    return {name: "Enter an address that begins with http:// or https://."}


_NEEDED: Final = {
    "twilio": ("account_sid", "auth_token"),
    "kannel": ("url", "username", "password", "number"),
    "smpp": ("host", "system_id", "password", "number"),
}
_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]]] = {
    "twilio": _twilio,
    "kannel": _kannel,
    "smpp": _smpp,
}
