"""Bytes broken at random, the same ones for the same seed: anywhere, and where mails break."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Break = Callable[[random.Random, bytes], bytes]

TOKENS: Sequence[bytes] = [
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
    *(b"--b1", b"charset=", b"=?", b"\\", b"%", b"''", b"*0*=", b" ", b"\xe2\x80\xae", b"[", b"]", b"\x1b$B", b"\t"),
    *(b"Content-Type: multipart/mixed; boundary=b1\r\n", b"Content-Transfer-Encoding: base64\r\n\r\n", b"\xed\xa0\x80"),
    *(
        b"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
        b"+ADw-",
        b"\xef\xbb\xbf",
        b"&#0;",
        b"<div>",
        b"</",
        b"{{",
        b"+",
    ),
]
CHARSETS: Sequence[bytes] = [
    *(b"utf-8", b"UTF-16", b"utf-7", b"iso-2022-jp", b"iso-8859-8-i", b"windows-1252", b"gb18030", b"ansi_x3.110-1983"),
    *(b"idna", b"punycode", b"rot13", b"base64", b"zlib", b"undefined", b"unicode_escape", b"x-unknown", b"\xff\xfe"),
    *(b"", b"utf-8''x", b'"', b"a" * 300, b"utf\x008", b"raw_unicode_escape", b"hex", b"mbcs", b"../utf-8"),
]
ENCODINGS: Sequence[bytes] = [
    b"base64",
    b"quoted-printable",
    b"x-uuencode",
    b"7bit",
    b"binary",
    b"x-gzip64",
    b"\xff",
    b"",
]
HEADERS: Sequence[bytes] = [
    b"From: undisclosed-recipients:;", b"From: ", b"From: <>", b"From: a@b@c.example, d", b'From: "' + b"x" * 5000,
    b"To: " + b"a@b.example, " * 600, b"To: (((((((((((((((((((((((((a@b.example", b"Cc: group: a@b.example;, :;",
    b"Subject: =?utf-8?b?////?= =?x?q?=FF?=", b"Subject: =?iso-2022-jp?b?GyRC?=", b"Subject: \x00\x01\x02",
    b"Message-ID: <a@b> <c@d>", b"Message-ID: " + b"<" * 900, b"Message-ID: <\xff\xfe@x>", b"In-Reply-To: x",
    b"References: " + b"<a@b> " * 700, b"Date: Mon, 99 Foo 99999 99:99:99 +9999", b"Date: 0", b"Date: \xff",
    b"Date: Thu, 01 Jan 1970 00:00:00 +2400", b"Content-Type: text/plain; charset", b"Content-Type: /",
    b"Content-Type:", b"Content-Type: multipart/alternative", b'Content-Type: multipart/mixed; boundary=""',
    b"Content-Type: message/rfc822",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b1",
    b"Content-Type: text/html; charset=idna",
    b"Content-Type: application/ms-tnef; name*0*=utf-8''%ff; name*1=x; name*99999999999999999999=y",
    b"Content-Disposition: attachment; filename*=utf-8''..%2f..%2fetc%2fpasswd%00.png", b"Content-ID: <\r\n >",
    b"Content-Transfer-Encoding: base64", b"Received: x; " + b"9" * 300, b"Auto-Submitted: auto-replied",
    b"Authentication-Results: mx; dmarc=" + b"=" * 500, b"List-Id: <" + b"." * 2000, b"X: " + b"y" * 40_000,
    b"Reply-To: a@xn--a.example, \xc3\xa4@\xc3\xb6.example", b"Bcc: " + b'"\\' * 2000, b"MIME-Version: 99",
]  # fmt: skip

_CHARSET = re.compile(rb"charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
_ENCODING = re.compile(rb"(Content-Transfer-Encoding:\s*)(\S*)", re.IGNORECASE)
_BOUNDARY = re.compile(rb"boundary\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def anywhere(chance: random.Random, data: bytes) -> bytes:
    """A token put in, a few bytes taken out, changed, or repeated."""
    found = bytearray(data)
    place, kind = chance.randrange(len(found) or 1), chance.random()
    if kind < 0.4:
        found[place:place] = chance.choice(TOKENS)
    elif kind < 0.6:
        del found[place : place + chance.randrange(1, 20)]
    elif kind < 0.8 and found:
        found[place % len(found)] = chance.randrange(256)
    else:
        other = chance.randrange(len(found) or 1)
        found[place:place] = found[other : other + chance.randrange(1, 60)]
    return bytes(found)


def cut_off(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def header(chance: random.Random, data: bytes) -> bytes:
    """A hostile header before, in place of, or a line of the header block dropped, doubled or folded."""
    block, gap, body = data.partition(b"\r\n\r\n")
    lines = block.split(b"\r\n")
    place, kind = chance.randrange(len(lines)), chance.randrange(5)
    if kind == 0:
        lines[place] = chance.choice(HEADERS)
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        lines.insert(place, lines[place])
    elif kind == 3:
        lines[place] = lines[place].replace(b" ", b"\r\n ")
    else:
        lines.insert(place, chance.choice(HEADERS))
    return b"\r\n".join(lines) + gap + body


def charset(chance: random.Random, data: bytes) -> bytes:
    return _CHARSET.sub(lambda _: b"charset=" + chance.choice(CHARSETS), data, count=chance.choice((0, 1)))


def encoding(chance: random.Random, data: bytes) -> bytes:
    return _ENCODING.sub(lambda found: found[1] + chance.choice(ENCODINGS), data, count=chance.choice((0, 1)))


def boundary(chance: random.Random, data: bytes) -> bytes:
    """The line between the parts: missing, a prefix of itself, doubled, empty, or something that is everywhere."""
    if not (found := _BOUNDARY.findall(data)):
        return data
    old = chance.choice(found)
    new = chance.choice((b"", old[:3], old + b"x", b"-", b" ", old * 20, b"\r\n"))
    kind = chance.randrange(4)
    if kind == 0:
        return data.replace(old, new, 1)
    if kind == 1:
        return data.replace(b"--" + old, b"--" + new)
    if kind == 2:
        return data.replace(b"--" + old + b"--", b"")
    return data.replace(b"--" + old, b"--" + old + b"\r\n\r\n--" + old, chance.randrange(1, 40))


def nested(chance: random.Random, data: bytes) -> bytes:
    """Put inside multiparts or forwarded mails, sometimes deeper than is looked at."""
    for _ in range(chance.choice((1, 1, 2, 3, 8, 25))):
        if len(data) > 300_000:
            break
        edge = b"n%d" % chance.randrange(10**6)
        kind = chance.choice((b"multipart/mixed", b"multipart/alternative", b"multipart/report", b"multipart/related"))
        inner = chance.choice((b"Content-Type: message/rfc822\r\n\r\n" + data, data))
        start = b"Subject: outer\r\nContent-Type: %b; boundary=%b\r\n\r\n--%b\r\n" % (kind, edge, edge)
        data = start + inner + b"\r\n--" + edge + b"--\r\n"
    return data


def line_ends(chance: random.Random, data: bytes) -> bytes:
    new = chance.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n"))
    return data.replace(b"\r\n", new, chance.choice((-1, 1, 5)))


def repeated(chance: random.Random, data: bytes) -> bytes:
    """A piece of it many times over."""
    start = chance.randrange(len(data) or 1)
    piece = data[start : start + chance.randrange(1, 80)]
    return data[:start] + piece * chance.choice((10, 100, 700)) + data[start:]


KINDS: Sequence[Break] = [
    *(anywhere,) * 6, cut_off, *(header,) * 4, *(charset,) * 2, encoding, *(boundary,) * 2, nested, line_ends, repeated,
]  # fmt: skip


def broken(chance: random.Random, mails: Sequence[bytes]) -> bytes:
    """One of the mails, broken in one to six ways."""
    data = chance.choice(mails)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        data = chance.choice(KINDS)(chance, data)
    return data
