"""FETCH: which data items are wanted, and how each is written (RFC 3501 §6.4.5, §7.4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..mailboxes import Letter
from .lexer import BadCommand, Word, text

MACROS = {"FAST": ["FLAGS", "INTERNALDATE", "RFC822.SIZE"]}
SIMPLE = {"UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE"}
OLD_NAMES = {"RFC822": "BODY[]", "RFC822.HEADER": "BODY.PEEK[HEADER]", "RFC822.TEXT": "BODY[TEXT]"}
SECTION = re.compile(
    r"BODY(?P<peek>\.PEEK)?\[(?P<name>HEADER|TEXT|HEADER\.FIELDS(?P<not>\.NOT)? ?\((?P<fields>[^)]*)\)|)\]"
    r"(?:<(?P<start>\d+)\.(?P<count>\d+)>)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Item:
    """One data item: how the answer names it, and how its bytes are cut from a letter (None for simple ones)."""

    label: str
    cut: Callable[[bytes], bytes] | None = None
    marks_seen: bool = False


def items(wanted: Word) -> list[Item]:
    """The items that a FETCH asks for.

    :raises BadCommand: an item that is not served here.
    """
    names = [text(word) for word in wanted] if isinstance(wanted, list) else [text(wanted)]
    if len(names) == 1 and names[0].upper() in MACROS:
        names = MACROS[names[0].upper()]
    return [_item(name) for name in names]


def _item(name: str) -> Item:
    if name.upper() in SIMPLE:
        return Item(name.upper())
    old = OLD_NAMES.get(name.upper())
    found = SECTION.fullmatch(old or name)
    if found is None:
        raise BadCommand(f"Data item {name} is not served here")
    section = found["name"].upper()
    start = found["start"]
    label = name.upper() if old else f"BODY[{section}]" + (f"<{start}>" if start else "")
    whole = _section(found)

    def cut(raw: bytes) -> bytes:
        content = whole(raw)
        return content[int(start) : int(start) + int(found["count"])] if start else content

    return Item(label, cut, marks_seen=not (found["peek"] or name.upper() == "RFC822.HEADER"))


def _section(found: re.Match[str]) -> Callable[[bytes], bytes]:
    name = found["name"].upper()
    if name == "":
        return lambda raw: raw
    if name == "HEADER":
        return lambda raw: _split(raw)[0]
    if name == "TEXT":
        return lambda raw: _split(raw)[1]
    fields = {field.strip('"').lower() for field in found["fields"].split()}
    wanted = found["not"] is None

    def some(raw: bytes) -> bytes:
        lines = re.findall(rb"[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", _split(raw)[0])
        names = (line.partition(b":")[0].strip().decode("latin-1").lower() for line in lines)
        return b"".join(line for line, name in zip(lines, names, strict=True) if (name in fields) is wanted) + b"\r\n"

    return some


def _split(raw: bytes) -> tuple[bytes, bytes]:
    head, blank, body = raw.partition(b"\r\n\r\n")
    return head + (b"\r\n\r\n" if blank else b"\r\n"), body


def internal_date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d-%b-%Y %H:%M:%S +0000")


def line(sequence: int, letter: Letter, wanted: list[Item], raw: bytes | None) -> bytes:
    """One ``* n FETCH (…)`` answer."""
    pieces = []
    for item in wanted:
        if item.cut is not None:
            content = item.cut(raw or b"")
            pieces.append(b"%s {%d}\r\n%s" % (item.label.encode(), len(content), content))
            continue
        value = {
            "UID": str(letter.uid),
            "FLAGS": f"({' '.join(sorted(letter.flags))})",
            "INTERNALDATE": f'"{internal_date(letter.date)}"',
            "RFC822.SIZE": str(letter.size),
        }[item.label]
        pieces.append(f"{item.label} {value}".encode())
    return b"* %d FETCH (%s)\r\n" % (sequence, b" ".join(pieces))
