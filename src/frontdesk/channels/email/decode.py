"""Bytes to text, whatever the mail claims about them. Nothing here raises."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re

from charset_normalizer import from_bytes

# Names from the wild, and supersets that mail programs mean when they say the smaller name (WHATWG Encoding Standard
# §4.2).
_MEANT = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "macintosh": "mac-roman",
    "x-mac-roman": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
}
# Codecs of Python that are not charsets, or that take quadratic time.
_NOT_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_SAMPLE = (
    16 * 1024
)  # bytes looked at to guess a charset: 64 kB took 0.3 s, and more bytes hardly ever change the answer

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*)\?=")


def clean(text: str) -> str:
    r"""Text that PostgreSQL and JSON take: no NUL or other control characters but tab and line feed, no lone
    surrogates, ``\n`` for every kind of line end."""
    if "\r" in text:
        text = _LINE_ENDS.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def charset_named(name: str | None) -> str | None:
    """The codec for a charset name from a mail, or None if there is no such charset."""
    if not name:
        return None
    wanted = name.strip().strip("\"'").lower().partition("*")[0]
    wanted = _MEANT.get(wanted, wanted)
    try:
        codec = codecs.lookup(wanted)
    except (LookupError, ValueError, UnicodeError):
        return None
    is_text = getattr(codec, "_is_text_encoding", True)
    return codec.name if is_text and codec.name.replace("-", "_") not in _NOT_CHARSETS else None


def text_of(data: bytes, charset: str | None = None) -> str:
    """Decode by the declared charset, unless the bytes say otherwise: valid UTF-8 under another name is UTF-8, bytes
    that the declared charset cannot hold are guessed, and what is left becomes U+FFFD."""
    codec = charset_named(charset)
    if codec in (None, "utf-8") or _is_surely_utf8(data):
        if b"\x1b$" in data or b"\x1b(" in data:
            codec = "iso2022_jp_ext"
        else:
            try:
                return clean(data.decode("utf-8-sig"))
            except UnicodeDecodeError:
                if codec == "utf-8" and _mostly_utf8(data):
                    return clean(data.decode("utf-8", "replace"))
                codec = _guess(data)
    try:
        return clean(data.decode(codec or "cp1252"))
    except (UnicodeError, ValueError):
        return clean(data.decode(codec or "cp1252", "replace"))


def _is_surely_utf8(data: bytes) -> bool:
    """Two or more multi-byte sequences and no invalid one: no text in an 8-bit charset looks like that by chance."""
    if data.isascii():
        return False
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum(1 for char in text[:_SAMPLE] if char > "\x7f") >= 2


def _mostly_utf8(data: bytes) -> bool:
    """Some bytes are broken, but most of what is not ASCII is UTF-8 (a cut multi-byte character, a stray byte)."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(1 for char in text if char > "\x7f") - broken >= 2 * broken


def _guess(data: bytes) -> str:
    """A charset in which the bytes make sense. Short texts say too little about themselves: they are Windows-1252."""
    sample = data[:_SAMPLE]
    if sum(1 for byte in sample if byte > 0x7F) < 8:
        return "cp1252"
    best = from_bytes(sample, steps=3, chunk_size=256, threshold=0.3).best()
    return charset_named(best.encoding) or "cp1252" if best is not None else "cp1252"


def header_text(raw: str) -> str:
    """An unstructured header value as a person reads it: RFC 2047 encoded words decoded (also inside quotes, with
    spaces, or cut in the middle of a character), raw 8-bit bytes guessed, one line."""
    return clean(re.sub(r"[ \t\r\n]+", " ", _decode_words(raw))).strip()


def _decode_words(raw: str) -> str:
    if "=?" not in raw:
        return _raw_text(raw)
    pieces: list[str] = []
    pending: list[bytes] = []
    charset, position = "", 0
    for found in _ENCODED_WORD.finditer(raw):
        between = raw[position : found.start()]
        adjacent = bool(pending) and not between.strip()
        # A multi-byte character may be cut between two words of the same charset: join their bytes first.
        if pending and not (adjacent and found[1].lower() == charset):
            pieces.append(text_of(b"".join(pending), charset))
            pending = []
        if not adjacent:
            pieces.append(_raw_text(between))
        charset, position = found[1].lower(), found.end()
        pending.append(_word_bytes(found[2], found[3]))
    if pending:
        pieces.append(text_of(b"".join(pending), charset))
    return "".join([*pieces, _raw_text(raw[position:])])


def _word_bytes(encoding: str, word: str) -> bytes:
    data = word.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b" ", b"_"), header=True)
    return loose_base64(data)


def loose_base64(data: bytes) -> bytes:
    """Base64 with characters or padding missing: as much of it as there is."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return base64.b64decode(kept[: len(kept) // 4 * 4])


def _raw_text(raw: str) -> str:
    if raw.isascii():
        return raw
    return text_of(raw.encode("utf-8", "surrogateescape"))
