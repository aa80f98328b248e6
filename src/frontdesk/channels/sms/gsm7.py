"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1), one septet per octet.

That is how SMPP and Kannel carry it; packing eight septets into seven octets is the network's business. A standard
codec is not enough: the alphabet has no backtick (0x60 is ``¿``), ``Ç`` is a capital, and an escape is not a character.
"""

from __future__ import annotations

from typing import Final

ESCAPE: Final = 0x1B

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Position is the septet. Position 0x1B is the escape and stands for no character."""

EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""What a septet means after the escape."""

_SEPTETS: Final[dict[str, bytes]] = {
    **{character: bytes([code]) for code, character in enumerate(BASIC) if code != ESCAPE},
    **{character: bytes([ESCAPE, code]) for code, character in EXTENSION.items()},
}


def septets(character: str) -> int:
    """How many septets one character takes: 1, 2 (extension table), or 0 when the alphabet lacks it."""
    return len(_SEPTETS.get(character, b""))


def encode_gsm7(text: str) -> bytes:
    """One octet per septet. Raises ValueError naming the first character that the alphabet lacks."""
    try:
        return b"".join([_SEPTETS[character] for character in text])
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is not in the GSM 7-bit alphabet") from None


def decode_gsm7(data: bytes) -> str:
    """The text behind unpacked septets; never raises.

    As the standard asks of a phone: an escape before a code that the extension table lacks shows the basic character,
    and an escape before nothing or before another escape shows a space. An octet above 0x7F shows U+FFFD.
    """
    out: list[str] = []
    escaped = False
    for code in data:
        if code == ESCAPE:
            if escaped:
                out.append(" ")
            escaped = not escaped
            continue
        basic = BASIC[code] if code < len(BASIC) else "\ufffd"
        out.append(EXTENSION.get(code, basic) if escaped else basic)
        escaped = False
    if escaped:
        out.append(" ")
    return "".join(out)
