"""How a text is cut into the priced parts of an SMS (3GPP TS 23.040 §9.2.3.24 and TS 23.038).

A text whose every character is in the GSM 7-bit alphabet travels as GSM-7: 160 septets in one message or 153 in each
of several. A single other character turns the whole text into UCS-2, which in practice is UTF-16: 70 code units, or 67
in each of several. The composer's counter in TypeScript follows the same rules; ``shared-vectors/sms-segments.json``
keeps the two alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from frontdesk.channels.sms.gsm7 import decode_gsm7, encode_gsm7, septets

__all__ = ["Encoding", "Segments", "decode_gsm7", "encode_gsm7", "measure", "smart", "split"]

Encoding = Literal["GSM-7", "UCS-2"]

ONE: Final[dict[Encoding, int]] = {"GSM-7": 160, "UCS-2": 70}
EACH_OF_SEVERAL: Final[dict[Encoding, int]] = {"GSM-7": 153, "UCS-2": 67}
MOST_PARTS: Final = 255
"""The part number is one octet."""

_ZERO_WIDTH_JOINER: Final = "\u200d"
_SMART: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", None),
        "…": "...",
    }
)


@dataclass(frozen=True, kw_only=True)
class Segments:
    """What a text costs. ``units`` and ``per_part`` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Encoding
    units: int
    parts: int
    per_part: int
    remaining: int  # units left in the last part
    culprits: tuple[str, ...]  # the characters that forced UCS-2, each once, in order of appearance


def measure(text: str) -> Segments:
    """Encoding, length and number of parts; no text is no part."""
    culprits = tuple(dict.fromkeys(character for character in text if not septets(character)))
    encoding: Encoding = "UCS-2" if culprits else "GSM-7"
    sizes = [_units(character, encoding) for character in text]
    units = sum(sizes)
    if units <= ONE[encoding]:
        left = ONE[encoding] - units
        return Segments(
            encoding=encoding,
            units=units,
            parts=1 if text else 0,
            per_part=ONE[encoding],
            remaining=left,
            culprits=culprits,
        )
    limit = EACH_OF_SEVERAL[encoding]
    parts, used = 1, 0
    for size in sizes:
        if used + size > limit:
            parts, used = parts + 1, 0
        used += size
    return Segments(
        encoding=encoding, units=units, parts=parts, per_part=limit, remaining=limit - used, culprits=culprits
    )


def split(text: str) -> list[str]:
    """The text of each part, in order; joined they are the text again.

    An escape pair or a surrogate pair is never cut. What a person sees as one character (a letter with its accents, a
    family emoji, a flag) stays whole too, as long as that costs no further part.
    """
    size = measure(text)
    if size.parts <= 1:
        return [text] if text else []
    whole = _fill(list(_clusters(text, size.per_part)), size.encoding, size.per_part)
    return whole if len(whole) == size.parts else _fill(text, size.encoding, size.per_part)


def smart(text: str) -> str:
    """The text with typographic quotes, dashes, spaces and ellipses as plain ones, which are in the GSM alphabet."""
    return text.translate(_SMART)


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return sum(septets(character) for character in text)
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def _fill(pieces: Sequence[str], encoding: Encoding, limit: int) -> list[str]:
    parts, current, used = list[str](), list[str](), 0
    for piece in pieces:
        size = _units(piece, encoding)
        if used + size > limit:
            parts.append("".join(current))
            current, used = [], 0
        current.append(piece)
        used += size
    return [*parts, "".join(current)]


def _clusters(text: str, limit: int) -> Iterator[str]:
    """Pieces that look like one character, by the rules that matter in texts; an endless one is cut into characters."""
    cluster = ""
    for character in text:
        if cluster and not _belongs(cluster, character):
            yield from _bounded(cluster, limit)
            cluster = ""
        cluster += character
    yield from _bounded(cluster, limit)


def _belongs(cluster: str, character: str) -> bool:
    if cluster[-1] == _ZERO_WIDTH_JOINER or character == _ZERO_WIDTH_JOINER:
        return True
    if unicodedata.category(character).startswith("M") or "\U0001f3fb" <= character <= "\U0001f3ff":
        return True  # accents, variation selectors and keycaps are marks; then the skin tones
    return len(cluster) == 1 and _is_flag_letter(cluster) and _is_flag_letter(character)


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _bounded(cluster: str, limit: int) -> Iterator[str]:
    if _units(cluster, "UCS-2") > limit:
        yield from cluster
    else:
        yield cluster
