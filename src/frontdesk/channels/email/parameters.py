"""Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2231), and file names made safe."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from frontdesk.channels.email.decode import header_text, text_of
from frontdesk.channels.email.headers import unfold
from frontdesk.channels.email.limits import MAX_PARAMETERS

_PARAMETER = re.compile(r";\s*+([^\s=;\"]++)\s*+=\s*+(?:\"((?:[^\"\\]++|\\.)*+)\"|([^;]*+))", re.DOTALL)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}\Z")
_SECTION = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*)?)?\Z")
_FORBIDDEN = re.compile(
    '[\x00-\x1f\x7f\u0080-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff<>:"/\\\\|?*]'
)

_EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
    "application/zip": ".zip",
    "application/ms-tnef": ".dat",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/pgp-signature": ".asc",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
}


def parsed(value: str) -> tuple[str, dict[str, str]]:
    """("text/plain", {"charset": "utf-8"}): the value in lower case and its parameters, continuations put together."""
    text = unfold(value)
    main = text.partition(";")[0].strip().lower()
    simple: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for count, found in enumerate(_PARAMETER.finditer(text)):
        if count >= MAX_PARAMETERS:
            break
        name = found[1].lower()
        content = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3].strip()
        section = _SECTION.match(name)
        if section is None:
            simple.setdefault(name, content)
        else:
            encoded = section[2] is None or section[3] is not None
            pieces.setdefault(section[1], {}).setdefault(int(section[2] or 0), (content, encoded))
    for name, sections in pieces.items():
        simple[name] = _assembled(sections)
    return main, simple


def _assembled(sections: dict[int, tuple[str, bool]]) -> str:
    charset, data = "utf-8", b""
    for number in sorted(sections):
        content, encoded = sections[number]
        if number == 0 and encoded and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        raw = content.encode("utf-8", "surrogateescape")
        data += unquote_to_bytes(raw) if encoded else raw
    return text_of(data, charset)


def content_type(value: str | None, default: str = "text/plain") -> tuple[str, dict[str, str]]:
    """The media type (``default`` when there is none that can be one) and its parameters."""
    if not value:
        return default, {}
    main, parameters = parsed(value)
    if not _TYPE.match(main):
        main = "text/html" if main in ("html", "text/html:") else default
    return main, parameters


def file_name(raw: str | None, kind: str, number: int) -> str:
    """A name that is only a name: no path, no control or invisible characters, at most 200 bytes with its extension
    kept; "attachment-3.pdf" when there is none."""
    name = header_text(raw) if raw else ""
    name = re.split(r"[/\\]", name)[-1]
    name = _FORBIDDEN.sub("", name).strip(" .")
    if not name:
        return f"attachment-{number}{_EXTENSIONS.get(kind, '.bin')}"
    if len(name.encode()) > 200:
        stem, dot, extension = name.rpartition(".")
        tail = f"{dot}{extension}" if dot and len(extension.encode()) <= 20 else ""
        room = 200 - len(tail.encode())
        name = (stem if tail else name).encode()[:room].decode("utf-8", "ignore") + tail
    return name
