"""Multi-part messages: the user data header that says so (3GPP TS 23.040 §9.2.3.24), and waiting for all parts."""

from __future__ import annotations

from dataclasses import dataclass

CONCATENATED_8 = 0x00
"""Information element with an 8-bit reference: reference, total, number."""
CONCATENATED_16 = 0x08
"""The same with a 16-bit reference."""


@dataclass(frozen=True)
class Part:
    """Which part of which message. ``number`` counts from 1."""

    reference: int
    total: int
    number: int


def header(part: Part) -> bytes:
    """A user data header (length octet included) that marks one part, with an 8-bit reference."""
    return bytes([5, CONCATENATED_8, 3, part.reference & 0xFF, part.total, part.number])


def part_of(data: bytes) -> Part | None:
    """The part that a user data header names, or None; ``data`` may go on after the header. Never raises."""
    if not data:
        return None
    elements, at = data[1 : 1 + data[0]], 0
    while at + 2 <= len(elements):
        kind, length = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + length]
        if kind == CONCATENATED_8 and len(value) == length == 3:
            return _checked(Part(value[0], value[1], value[2]))
        if kind == CONCATENATED_16 and len(value) == length == 4:
            return _checked(Part(value[0] << 8 | value[1], value[2], value[3]))
        at += 2 + length
    return None


def _checked(part: Part) -> Part | None:
    """None for what the standard says to ignore: a number beyond the total, or zero of anything."""
    return part if 0 < part.number <= part.total and part.total > 1 else None
