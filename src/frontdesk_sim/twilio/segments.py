"""How many SMS segments a text needs (3GPP TS 23.038 alphabet, TS 23.040 concatenation)."""

from __future__ import annotations

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # an escape and a character: two septets


def segments(text: str) -> int:
    """Parts that the text is cut into; never between an escape and its character or inside a surrogate pair."""
    if all(char in BASIC or char in EXTENSION for char in text):
        return _parts([2 if char in EXTENSION else 1 for char in text], single=160, part=153)
    return _parts([2 if ord(char) > 0xFFFF else 1 for char in text], single=70, part=67)


def _parts(costs: list[int], *, single: int, part: int) -> int:
    if sum(costs) <= single:
        return 1
    count, used = 1, 0
    for cost in costs:
        if used + cost > part:
            count, used = count + 1, 0
        used += cost
    return count
