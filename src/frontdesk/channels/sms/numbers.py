"""Phone numbers as people and gateways write them, and as contact points keep them: E.164 where there is such a form.

Short codes ("12345") and sender names ("ACME") have none. They stay as they came, with the same kind "phone" and no
scope: an inbox only ever meets those of its own country.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from frontdesk.channels.port import Address

_SHORT_CODE: Final = re.compile(r"[0-9]{3,6}")
_LONGEST: Final = 64
_OTHER_SCHEME: Final = re.compile(r"([a-z]{2,20}):(.{1,200})", re.ASCII)


@lru_cache(maxsize=1024)
def region_of(number: str) -> str | None:
    """The country ("GR") whose national format people may use beside this number; None for short codes and names."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    return region or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


@lru_cache(maxsize=8192)
def typed(value: str, *, own: str) -> Address:
    """What a person typed; ``own`` is the inbox's number. Raises ValueError with a sentence for people."""
    text = unicodedata.normalize("NFKC", value).strip()
    if not text:
        raise ValueError("Enter a phone number.")
    if len(text) > _LONGEST:
        raise ValueError("This is too long for a phone number.")
    if _SHORT_CODE.fullmatch(text):
        return Address(kind="phone", value=text)
    if any(character.isalpha() for character in text):
        raise ValueError(f"“{text}” has letters. Enter the number in digits, for example +30 210 123 4567.")
    region = region_of(own)
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        if region is None and not text.startswith(("+", "00")):
            raise ValueError(f"Enter “{text}” with its country code, for example +30 210 123 4567.") from None
        raise ValueError(f"“{text}” is not a phone number.") from None
    if number.extension:
        raise ValueError(f"“{text}” has an extension; texts reach only whole numbers.")
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"“{text}” is too short or too long for a phone number.")
    return Address(kind="phone", value=_one_spelling(number))


@lru_cache(maxsize=8192)
def came_from(value: str, *, own: str) -> Address:
    """The sender as a gateway wrote it; never raises. ``own`` is the inbox's number.

    Gateways differ: with or without plus, national or international digits. A national reading is preferred if it is a
    valid number, then an international one. ``whatsapp:US.1234`` and the like become the kind before the colon.
    """
    text = value.replace("\x00", "").strip()
    other = _OTHER_SCHEME.fullmatch(text)
    if other:
        return Address(kind=other[1], value=other[2])
    digits = text.removeprefix("+")
    if digits.isascii() and digits.isdigit() and len(digits) > 6:
        readings = ("+" + digits,) if text.startswith("+") else (digits, "+" + digits)
        found = [number for reading in readings if (number := _read(reading, region_of(own)))]
        best = next((number for number in found if phonenumbers.is_valid_number(number)), None)
        best = best or next((number for number in found if phonenumbers.is_possible_number(number)), None)
        if best:
            return Address(kind="phone", value=_one_spelling(best))
    return Address(kind="phone", value=text[:_LONGEST])


def _one_spelling(number: phonenumbers.PhoneNumber) -> str:
    """E.164. Where a country's numbers begin with a prefix that is left out abroad, impossible ones may have it more
    than once; each would be another address of the same phone, so it is taken off until nothing changes."""
    text: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    while len(shorter := phonenumbers.format_number(phonenumbers.parse(text), PhoneNumberFormat.E164)) < len(text):
        text = shorter
    return text


def _read(value: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(value, region)
    except NumberParseException:
        return None
