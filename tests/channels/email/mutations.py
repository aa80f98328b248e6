"""Mails broken at random, the same ones at every run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

TOKENS = [
    *(
        b"=?utf-8?q?",
        b"?=",
        b'"',
        b"<",
        b">",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b";",
        b",",
        b"\xff",
        b"(",
        b")",
        b"@",
        b":",
    ),
    *(
        b"--b1",
        b"charset=",
        b"x-unknown",
        b"=?",
        b"\\",
        b"%",
        b"''",
        b"*0*=",
        b" ",
        b"\xe2\x80\xae",
        b"[",
        b"]",
        b"\x1b$B",
    ),
    *(b"Content-Type: multipart/mixed; boundary=b1\r\n", b"Content-Transfer-Encoding: base64\r\n\r\n", b"\xed\xa0\x80"),
]


def mutants(mails: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(count):
        mail = bytearray(chance.choice(mails))
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            place, kind = chance.randrange(len(mail) or 1), chance.random()
            if kind < 0.4:
                mail[place:place] = chance.choice(TOKENS)
            elif kind < 0.6:
                del mail[place : place + chance.randrange(1, 20)]
            elif kind < 0.8 and mail:
                mail[place % len(mail)] = chance.randrange(256)
            else:
                other = chance.randrange(len(mail) or 1)
                mail[place:place] = mail[other : other + chance.randrange(1, 60)]
        yield bytes(mail)
