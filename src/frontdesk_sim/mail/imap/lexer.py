"""IMAP commands as they come off the wire, cut into words (RFC 3501 §9, LITERAL+ of RFC 7888)."""

from __future__ import annotations

import asyncio
import re
from typing import TypeAlias

Word: TypeAlias = "str | bytes | list[Word]"  # an atom, a string (quoted or literal), a parenthesised list

LITERAL = re.compile(rb"\{(\d+)(\+?)\}$")
MAX_LINE = 64 * 1024
MAX_LITERAL = 35 * 1024 * 1024


class BadCommand(Exception):
    """The command breaks the grammar, or asks for something that is not here: answered BAD."""


class TooBig(Exception):
    """A literal larger than this server takes; the connection cannot be kept in step and ends."""


async def read_command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[bytes | bytearray] | None:
    """One command as alternating lines (bytes) and literals (bytearray); None at the end of the stream."""
    parts: list[bytes | bytearray] = []
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError as error:
            raise TooBig from error
        line = line.rstrip(b"\r\n")
        found = LITERAL.search(line)
        if found is None:
            return [*parts, line]
        size = int(found[1])
        if size > MAX_LITERAL:
            raise TooBig
        if not found[2]:
            writer.write(b"+ Ready for literal data\r\n")
            await writer.drain()
        parts += [line[: found.start()], bytearray(await reader.readexactly(size))]


def words(parts: list[bytes | bytearray]) -> list[Word]:
    """Cut a command into words.

    :raises BadCommand: unbalanced quotes, parentheses or brackets.
    """
    top: list[Word] = []
    stack = [top]
    for part in parts:
        if isinstance(part, bytearray):
            stack[-1].append(bytes(part))
            continue
        position = 0
        while position < len(part):
            position = _word(part, position, stack)
    if len(stack) != 1:
        raise BadCommand("Unbalanced parentheses")
    return top


def _word(line: bytes, at: int, stack: list[list[Word]]) -> int:
    """Take the word at ``at``; returns where the next begins."""
    char = line[at : at + 1]
    if char == b" ":
        return at + 1
    if char == b"(":
        inner: list[Word] = []
        stack[-1].append(inner)
        stack.append(inner)
        return at + 1
    if char == b")":
        if len(stack) == 1:
            raise BadCommand("Unbalanced parentheses")
        stack.pop()
        return at + 1
    if char == b'"':
        found = re.compile(rb'"((?:[^"\\]|\\.)*)"').match(line, at)
        if found is None:
            raise BadCommand("Unbalanced quotes")
        stack[-1].append(re.sub(rb"\\(.)", rb"\1", found[1]))
        return found.end()
    return _atom(line, at, stack)


def _atom(line: bytes, at: int, stack: list[list[Word]]) -> int:
    """An atom ends at a space or parenthesis, but not inside the brackets of ``BODY[HEADER.FIELDS (FROM TO)]``."""
    end, brackets = at, 0
    while end < len(line) and (brackets or line[end : end + 1] not in (b" ", b"(", b")")):
        brackets += {b"[": 1, b"]": -1}.get(line[end : end + 1], 0)
        end += 1
    if brackets:
        raise BadCommand("Unbalanced brackets")
    stack[-1].append(line[at:end].decode("utf-8", "replace"))
    return end


def text(word: Word) -> str:
    """An atom or string as text.

    :raises BadCommand: it is a list.
    """
    if isinstance(word, list):
        raise BadCommand("A list where a string was expected")
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else word


def numbers(sequence: str, highest: int) -> list[tuple[int, int]]:
    """A sequence set as ranges; ``*`` is the highest number there is (RFC 3501 §9, ``sequence-set``)."""
    ranges = []
    for piece in sequence.split(","):
        found = re.fullmatch(r"(\d+|\*)(?::(\d+|\*))?", piece)
        if found is None:
            raise BadCommand(f"{sequence!r} is not a sequence set")
        first, last = (highest if end == "*" else int(end) for end in (found[1], found[2] or found[1]))
        ranges.append((min(first, last), max(first, last)))
    return ranges


def quoted(value: str) -> bytes:
    """A string for an answer: quoted, or a literal where quoting is not possible."""
    raw = value.encode()
    if b"\r" in raw or b"\n" in raw or len(raw) > 1000:
        return b"{%d}\r\n%s" % (len(raw), raw)
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
