"""Decisions about contacts. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

NAME_MAX = 200  # characters
CONTACTS_OWN = frozenset({"keyword", "provider", "link"})  # sources of an opt-out that speak for the contact

# Marks that turn the reading direction round or cannot be seen at all. The joiners U+200C and U+200D stay: Persian is
# written with the one, families of emoji with the other.
_TRICKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def tidy_name(name: str) -> str:
    """A name on one line, without invisible tricks, at most 200 characters; empty if nothing is left to see."""
    stored = name.encode("utf-8", "replace").decode()
    line = " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in _TRICKS.sub("", stored)).split())
    seen = any(unicodedata.category(character)[0] not in "CMZ" for character in line)
    return line[:NAME_MAX].strip() if seen else ""


def storable(text: str) -> str:
    """Without what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
    bare = text.replace("\0", "") if "\0" in text else text
    return bare if bare.isascii() else bare.encode("utf-8", "replace").decode()


def display(kind: str, value: str) -> str:
    """An address as people read it."""
    if kind == "phone" and value.startswith("+"):
        try:
            return phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        except phonenumbers.NumberParseException:
            return value
    if kind in ("phone", "email") or len(value) <= 8:
        return value
    return f"{kind.replace('_', ' ').capitalize()} {value[-4:]}"  # an id that means nothing to anybody


@lru_cache(maxsize=8192)
def default_name(kind: str, value: str) -> str:
    """What a contact is called while nobody has said a name."""
    return display(kind, value)[:NAME_MAX]


def timezone_problem(name: str) -> str | None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"There is no time zone called {name!r}. One is Europe/Athens."
    return None


def why_not_opt_in(opted_out_by: str | None, lifted_by: str) -> str | None:
    """What the contact said themselves, only they can take back (with START, or by a link of their own)."""
    if opted_out_by in CONTACTS_OWN and lifted_by not in CONTACTS_OWN:
        return "They opted out themselves, so only they can opt in again: by writing START, for example."
    return None


def like(text: str) -> str:
    """A pattern that finds ``text`` anywhere, taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def digits(text: str) -> str:
    """The digits of what looks like a part of a phone number, otherwise nothing."""
    bare = re.sub(r"[\s().+/-]", "", text)
    return bare.removeprefix("00") if len(bare) >= 3 and bare.isascii() and bare.isdigit() else ""
