"""The form that connects a site, and what can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from frontdesk.channels.livechat.form import read_form
from frontdesk.channels.livechat.hours import read_hours
from frontdesk.channels.port import Account, Setting

LANGUAGES = ("en", "de", "es", "fr", "el")
MIN_SECRET = 32  # characters; HS256 wants a key as long as its hash (RFC 7518 §3.2)
DEFAULT_COLOUR = "#4c51c9"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="origins",
        label="Websites",
        kind="list",
        required=True,
        help="The sites that may show this chat, exactly as in the address bar: https://example.org. "
        "www.example.org is another site.",
    ),
    Setting(name="title", label="Title", help="Shown at the top of the chat. Empty: the name of the inbox."),
    Setting(
        name="greeting",
        label="Greeting",
        kind="textarea",
        default="Hello! How can we help?",
        help="The first words a visitor sees. They are not sent as a message.",
    ),
    Setting(
        name="colour", label="Colour", default=DEFAULT_COLOUR, help="As #rrggbb. The text on it turns black or white."
    ),
    Setting(
        name="position",
        label="Where the button stands",
        kind="choice",
        default="end",
        choices=(("end", "Bottom right"), ("start", "Bottom left")),
        help="In languages written from right to left the sides are swapped.",
    ),
    Setting(
        name="languages",
        label="Languages",
        kind="list",
        default=list(LANGUAGES),
        help="The visitor's own language is used if it is in this list, else the first one. Known: en, de, es, fr, el.",
    ),
    Setting(
        name="pre_chat",
        label="Questions before the chat",
        kind="json",
        default=[],
        help='A list such as [{"name": "email", "type": "email", "label": "Your email", "required": true}]. '
        "Types: name, email, phone, text, select (with options), consent. Visitors who are signed in are not asked.",
    ),
    Setting(
        name="hours",
        label="Opening hours",
        kind="json",
        default={},
        help='Such as {"timezone": "Europe/Athens", "week": {"mon": [["09:00", "17:00"]]}, "holidays": ["12-25"], '
        '"reply_minutes": 10}. Empty: always open.',
    ),
    Setting(
        name="offline",
        label="When nobody is here",
        kind="choice",
        default="email",
        choices=(
            ("email", "Ask for an email address and answer there"),
            ("message", "Take the message and say when you are back"),
            ("hide", "Hide the chat"),
        ),
    ),
    Setting(
        name="identity_secret",
        label="Identity secret",
        kind="secret",
        help="Your server signs a JWT (HS256) with it to say who is signed in. At least 32 characters.",
        advanced=True,
    ),
    Setting(
        name="identity_required",
        label="Only for signed-in visitors",
        kind="bool",
        default=False,
        help="Refuses everybody whose identity your server has not signed.",
        advanced=True,
    ),
)

_ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def check(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong with the settings, by setting; empty if nothing is."""
    wrong: dict[str, str] = {}
    given = _strings(settings.get("origins"))
    bad = [origin for origin in given if as_origin(origin) is None]
    if not given:
        wrong["origins"] = "Name at least one website."
    elif bad:
        wrong["origins"] = f"{bad[0][:100]} is not a site's address such as https://example.org."
    if not _COLOUR.fullmatch(str(settings.get("colour") or DEFAULT_COLOUR)):
        wrong["colour"] = "Write the colour as # and six digits, for example #4c51c9."
    unknown = [code for code in _strings(settings.get("languages")) if code not in LANGUAGES]
    if unknown:
        wrong["languages"] = f"The chat does not speak {unknown[0][:20]}. It speaks {', '.join(LANGUAGES)}."
    for name, read in (("pre_chat", read_form), ("hours", read_hours)):
        try:
            read(settings.get(name))
        except (ValueError, msgspec.ValidationError) as error:
            wrong[name] = str(error)
    secret = str(settings.get("identity_secret") or "")
    if secret and len(secret) < MIN_SECRET:
        wrong["identity_secret"] = f"Use at least {MIN_SECRET} characters."
    elif settings.get("identity_required") and not secret:
        wrong["identity_secret"] = "Signed-in visitors cannot be recognised without a secret."  # noqa: S105
    return wrong


def as_origin(value: str) -> str | None:
    """``https://Example.org:443/`` as browsers name it: lower case, no default port, punycode. None if it is none."""
    text = value.strip().lower().rstrip("/")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode() if not (parts.netloc.startswith("[")) else parts.netloc
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.netloc.startswith("["):
        host = host.rpartition("]")[0] + "]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    origin = f"{parts.scheme}://{host}" + (f":{port}" if port is not None and port != default else "")
    plain = not (parts.path or parts.query or parts.fragment or parts.username is not None)
    return origin if plain and _ORIGIN.fullmatch(origin) else None


def origins(account: Account) -> tuple[str, ...]:
    """The sites that may embed this inbox's chat, as browsers name them."""
    return tuple(origin for value in _strings(account.get("origins")) if (origin := as_origin(value)))


def languages(account: Account) -> tuple[str, ...]:
    return tuple(code for code in _strings(account.get("languages")) if code in LANGUAGES) or LANGUAGES


def colour(account: Account) -> str:
    value = str(account.get("colour") or DEFAULT_COLOUR)
    return value if _COLOUR.fullmatch(value) else DEFAULT_COLOUR


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value)
    return [str(item).strip() for item in value if str(item).strip()] if isinstance(value, Sequence) else []
