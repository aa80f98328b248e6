"""SEARCH: keys become one predicate over a letter (RFC 3501 §6.4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from functools import cached_property

from ..mailboxes import Letter
from .lexer import BadCommand, Word, numbers, text


@dataclass
class Candidate:
    """A letter as SEARCH looks at it; the content is read only when a key asks for it."""

    sequence: int
    letter: Letter
    load: Callable[[], bytes]

    @cached_property
    def raw(self) -> bytes:
        return self.load()

    def header(self, name: str) -> list[str]:
        values = BytesHeaderParser().parsebytes(self.raw.partition(b"\r\n\r\n")[0]).get_all(name, [])
        return [_decoded(str(value)) for value in values]


Predicate = Callable[[Candidate], bool]

FLAGS = {"ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"}
HEADERS = {"BCC", "CC", "FROM", "SUBJECT", "TO"}


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value


def predicate(keys: list[Word], highest: tuple[int, int]) -> Predicate:
    """All keys together. ``highest`` is what ``*`` means: (sequence number, UID).

    :raises BadCommand: an unknown key or a malformed argument.
    """
    rest = list(keys)
    tests = []
    while rest:
        tests.append(_key(rest, highest))
    return lambda candidate: all(test(candidate) for test in tests)


def _argument(rest: list[Word]) -> Word:
    if not rest:
        raise BadCommand("A search key lacks its argument")
    return rest.pop(0)


def _key(rest: list[Word], highest: tuple[int, int]) -> Predicate:
    word = _argument(rest)
    if isinstance(word, list):
        return predicate(word, highest)
    name = text(word).upper()
    if name == "ALL" or name == "OLD":
        return lambda candidate: True
    if name in ("NEW", "RECENT"):
        return lambda candidate: False
    if name == "NOT":
        inner = _key(rest, highest)
        return lambda candidate: not inner(candidate)
    if name == "OR":
        one, other = _key(rest, highest), _key(rest, highest)
        return lambda candidate: one(candidate) or other(candidate)
    if name in FLAGS or (name.startswith("UN") and name[2:] in FLAGS):
        return _flag(name)
    if name[:1].isdigit() or name[:1] == "*":
        return _within(numbers(name, highest[0]), lambda candidate: candidate.sequence)
    if name == "UID":
        return _within(numbers(text(_argument(rest)), highest[1]), lambda candidate: candidate.letter.uid)
    return _content(name, rest)


def _flag(name: str) -> Predicate:
    wanted = not name.startswith("UN")
    flag = "\\" + name.removeprefix("UN").capitalize()
    return lambda candidate: (flag in candidate.letter.flags) is wanted


def _within(ranges: list[tuple[int, int]], figure: Callable[[Candidate], int]) -> Predicate:
    return lambda candidate: any(first <= figure(candidate) <= last for first, last in ranges)


def _content(name: str, rest: list[Word]) -> Predicate:
    if name in ("KEYWORD", "UNKEYWORD"):
        keyword = text(_argument(rest))
        return lambda candidate: (keyword in candidate.letter.flags) is (name == "KEYWORD")
    if name in ("LARGER", "SMALLER"):
        limit = int(text(_argument(rest)))
        return lambda candidate: candidate.letter.size > limit if name == "LARGER" else candidate.letter.size < limit
    if name.removeprefix("SENT") in ("BEFORE", "ON", "SINCE"):
        return _dated(name, text(_argument(rest)))
    if name in HEADERS:
        part = text(_argument(rest)).casefold()
        return lambda candidate: any(part in value.casefold() for value in candidate.header(name))
    if name == "HEADER":
        header, part = text(_argument(rest)), text(_argument(rest)).casefold()
        return lambda candidate: any(part in value.casefold() for value in candidate.header(header))
    if name in ("BODY", "TEXT"):
        needle = text(_argument(rest)).casefold().encode()
        if name == "TEXT":
            return lambda candidate: needle in candidate.raw.lower()
        return lambda candidate: needle in candidate.raw.partition(b"\r\n\r\n")[2].lower()
    raise BadCommand(f"Search key {name} is not known here")


def _dated(name: str, argument: str) -> Predicate:
    """Dates are compared without time and zone: INTERNALDATE, or with SENT the Date header."""
    try:
        day = datetime.strptime(argument, "%d-%b-%Y").date()
    except ValueError:
        raise BadCommand(f"{argument!r} is not a date") from None

    def of(candidate: Candidate) -> int | None:
        """Days from the wanted one to the letter's."""
        if not name.startswith("SENT"):
            return (datetime.fromtimestamp(candidate.letter.date, UTC).date() - day).days
        try:
            return (parsedate_to_datetime(candidate.header("Date")[0]).date() - day).days
        except (IndexError, ValueError):
            return None

    kind = name.removeprefix("SENT")

    def test(candidate: Candidate) -> bool:
        days = of(candidate)
        return days is not None and {"BEFORE": days < 0, "ON": days == 0, "SINCE": days >= 0}[kind]

    return test
