"""How much of a mail is looked at, and which mails are harmless enough to be read in this process.

The caps come from measurements with CPython 3.11 (November 2026): the stdlib header parser took 16 s for one ``To:`` of
269 kB and 15.6 s for a ``Content-Type`` of 44 kB, 20,000 parts took 7.7 s, and deep nesting ends in a RecursionError.
Sizes are bytes.
"""

from __future__ import annotations

import re
from typing import Final

MAX_MAIL: Final = 50 * 1024 * 1024
MAX_HEADER_BLOCK: Final = 256 * 1024
MAX_HEADER: Final = 32 * 1024
MAX_ADDRESSES: Final = 500
MAX_REFERENCES: Final = 200
MAX_PARAMETERS: Final = 200
MAX_DEPTH: Final = 20
MAX_PARTS: Final = 500

MAX_HTML: Final = (
    1024 * 1024
)  # beyond it a mail is shown as text only; nh3 needs 1.3 s for one tag of 20,000 attributes
MAX_TAGS: Final = 20_000

CHILD_CPU_SECONDS: Final = 10
CHILD_MEMORY: Final = 512 * 1024 * 1024
CHILD_WALL_SECONDS: Final = 30.0  # a machine under load gives the child its CPU seconds later, but not for ever

# What is read without the child. Measured (November 2026, CPython 3.11, a busy two-core machine): a mail of a person
# takes 0.3-3 ms; the worst bytes that fit these bounds took 0.15 s of CPU (the tests hold 0.6). The way through the
# child adds 0.1-0.4 ms and its start 0.2 s once and after each kill, so speed alone would not decide. It is that
# ordinary mail then depends on no second process, and that one hostile mail in the child keeps no small one waiting.
SMALL_MAIL: Final = 96 * 1024
SMALL_HEADER_BLOCK: Final = 24 * 1024
SMALL_HEADER: Final = 4 * 1024
SMALL_PARTS: Final = 60
SMALL_DEPTH: Final = 10
SMALL_ADDRESSES: Final = 100

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_CONTAINERS = re.compile(rb"multipart/|message/", re.IGNORECASE)


def header_end(data: bytes) -> int:
    """The offset at which the header block ends (its blank line included); the whole length if there is no body."""
    if data[:2] == b"\r\n":
        return 2
    if data[:1] == b"\n":
        return 1
    found = _BLANK_LINE.search(data, 0, min(len(data), MAX_MAIL))
    return found.end() if found else len(data)


def is_harmless(data: bytes) -> bool:
    """Small, flat and with short headers, judged by upper bounds that need no parsing: such a mail is read right
    here."""
    if len(data) > SMALL_MAIL:
        return False
    end = header_end(data)
    if end > SMALL_HEADER_BLOCK or data.count(b"\n--") > SMALL_PARTS or data.count(b"@", 0, end) > SMALL_ADDRESSES:
        return False
    if len(_CONTAINERS.findall(data)) > SMALL_DEPTH:
        return False
    return _longest_header(data[:end]) <= SMALL_HEADER


def _longest_header(block: bytes) -> int:
    longest = current = 0
    for line in block.split(b"\n"):
        current = current + len(line) if line[:1] in (b" ", b"\t") else len(line)
        longest = max(longest, current)
    return longest


def within_caps(data: bytes) -> bytes:
    """The mail with its header block cut to the cap (at the end of a line); the body stays whole."""
    end = header_end(data)
    if end <= MAX_HEADER_BLOCK:
        return data
    cut = data.rfind(b"\n", 0, MAX_HEADER_BLOCK) + 1 or MAX_HEADER_BLOCK
    return data[:cut] + b"\r\n" + data[end:]
