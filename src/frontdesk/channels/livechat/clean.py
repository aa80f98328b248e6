"""What strangers type, made fit to keep: no NUL, no control characters, nothing longer than it should be. Pure."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

MAX_NAME = 200
MAX_EMAIL = 254  # RFC 5321 §4.5.3.1.3: a path of 256 octets with its angle brackets
MAX_URL = 2_000

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff\ufeff]")
_TRICKS = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # zero-width and direction overrides
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]_]+\.[^\s@<>\"(),:;\\\[\]_.]{2,}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")  # the shape of BCP 47, not its registry
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")


def text(value: str) -> str:
    """Message text: line ends become ``\\n``; other control characters than tab and newline go."""
    return _CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip("\n ")


def line(value: str, limit: int = MAX_NAME) -> str:
    """One line for a name or a title: without zero-width characters and direction overrides, cut to ``limit``."""
    return " ".join(_TRICKS.sub("", _CONTROLS.sub(" ", value)).split())[:limit].strip()


def file_name(value: str) -> str:
    """The last part of a file name, without anything that a file system or a download dialog could read as a path."""
    name = line(re.split(r"[/\\]", value)[-1], 1_000).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if dot and len(name) > MAX_NAME and len(ending) <= 10:
        return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
    return name[:MAX_NAME] or "file"


def email(value: str) -> str | None:
    """The address in lower case, or None if no mail could ever go there."""
    address = unicodedata.normalize("NFC", value).strip().lower()
    return address if len(address) <= MAX_EMAIL and _EMAIL.fullmatch(address) else None


def phone(value: str) -> str | None:
    """The number as E.164, or None: without a country code nobody can call it back."""
    digits = re.sub(r"[\s().\-/]", "", line(value))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if digits.isascii() and _PHONE.fullmatch(digits) else None


def url(value: str | None) -> str | None:
    """A web address, cut to ``MAX_URL``; None if it is not http or https: no ``javascript:`` reaches a screen."""
    if not value:
        return None
    address = line(value, MAX_URL)
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def locale(value: str | None) -> str | None:
    return value if value and len(value) <= 35 and _LOCALE.fullmatch(value) else None


def zone(value: str | None) -> str | None:
    return value if value and _ZONE.fullmatch(value) else None
