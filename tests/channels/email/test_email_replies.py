"""Reply splitting on a corpus of our own: mails as the programs of the world write them, sentences made up."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from frontdesk.channels.email.replies import split

CORPUS = Path(__file__).parent / "replies"


class Case(NamedTuple):
    name: str
    mail: str
    reply: str

    @property
    def blind(self) -> bool:
        """Half of the cases were never looked at while the rules were written."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def cases() -> list[Case]:
    found = []
    for path in sorted(CORPUS.glob("*.txt")):
        for block in re.split(r"^@@ (?!reply$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, _, rest = block.partition("\n")
            mail, _, reply = rest.partition("@@ reply\n")
            found.append(Case(name, mail, reply))
    return found


def folded(text: str) -> str:
    return " ".join(text.split())


def failures(blind: bool) -> list[str]:
    return [
        case.name
        for case in cases()
        if case.blind is blind and folded(split(case.mail).reply) != folded(case.reply)
    ]
