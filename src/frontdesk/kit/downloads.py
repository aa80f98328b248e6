"""Handing a stored file to a browser: links that cannot be forged, and headers under which nothing in it can run.

A file from outside is never a page of ours. It leaves with ``nosniff`` and a sandboxing policy, and is only shown in
place where its own bytes prove one of a few image, sound and film formats; everything else is a download.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

MAX_NAME = 150  # bytes of a file name in UTF-8; common file systems take 255

_PURPOSE = b"frontdesk file link 1\0"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,127}\Z")
_ACTIVE = re.compile(r"html|xml|svg|script|multipart|message/|x-shockwave|java")
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187 §3.2.1, besides letters and digits

# What the first bytes prove. Where a container holds sound or film alike, the declared type may choose.
_MPEG4 = (
    "video/mp4",
    "audio/mp4",
    "audio/m4a",
    "audio/x-m4a",
    "audio/aac",
    "video/quicktime",
    "video/3gpp",
    "audio/3gpp",
)
_SIGNATURES: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), types)
    for pattern, types in (
        (rb"\x89PNG\r\n\x1a\n", ("image/png",)),
        (rb"\xff\xd8\xff", ("image/jpeg",)),
        (rb"GIF8[79]a", ("image/gif",)),
        (rb"RIFF.{4}WEBP", ("image/webp",)),
        (rb"RIFF.{4}WAVE", ("audio/wav", "audio/x-wav", "audio/wave")),
        (rb"ID3|\xff[\xf2\xf3\xfa\xfb]", ("audio/mpeg", "audio/mp3")),
        (rb"\xff[\xf0\xf1\xf8\xf9]", ("audio/aac",)),
        (rb"OggS\x00", ("audio/ogg", "video/ogg", "audio/opus")),
        (rb"fLaC", ("audio/flac", "audio/x-flac")),
        (rb"#!AMR(-WB)?\n", ("audio/amr", "audio/amr-wb")),
        (rb"\x1aE\xdf\xa3", ("video/webm", "audio/webm")),
        (rb".{4}ftyp", _MPEG4),
    )
)


@dataclass(frozen=True)
class Link:
    """What a signed link grants: these bytes, under this name, as this type."""

    workspace_id: int
    digest: str
    name: str
    content_type: str


def sign(secret: bytes, link: Link, *, expires: datetime) -> str:
    """A token for a URL. Whoever has it may fetch that one file until ``expires``; HMAC-SHA256 over all of it."""
    granted = [link.workspace_id, link.digest, link.name, link.content_type, int(expires.timestamp())]
    payload = _encode(json.dumps(granted, separators=(",", ":")).encode())
    return f"{payload}.{_mac(secret, payload)}"


def verify(secret: bytes, token: str, *, now: datetime | None) -> Link | None:
    """What the token grants, or None if it was not made with this secret or has expired (with no ``now``: granted)."""
    payload, _, mac = token.partition(".")
    if not token.isascii() or not hmac.compare_digest(mac, _mac(secret, payload)):
        return None
    workspace_id, digest, name, content_type, expires = json.loads(_decode(payload))
    return Link(workspace_id, digest, name, content_type) if now is None or now.timestamp() < expires else None


def sniff(head: bytes, declared: str = "") -> str | None:
    """The type that the first 16 bytes prove, or None; only formats that are safe to show in place are known."""
    for pattern, types in _SIGNATURES:
        if pattern.match(head):
            return declared if declared in types else types[0]
    return None


def download_headers(name: str, content_type: str, head: bytes = b"") -> dict[str, str]:
    """Headers for a file called ``name`` that was declared as ``content_type`` and begins with ``head``.

    Shown in place only where ``head`` proves a raster image, sound or film; RFC 6266 for the disposition. SVG, HTML and
    other types that can run something are downloads of unknown type.
    """
    declared = content_type.split(";")[0].strip().lower()
    proven = sniff(head, declared)
    harmless = _TYPE.match(declared) and not _ACTIVE.search(declared)
    return {
        "Content-Type": proven or (declared if harmless else "application/octet-stream"),
        "Content-Disposition": _disposition("inline" if proven else "attachment", clean_name(name)),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }


def clean_name(name: str) -> str:
    """A file name without folders, control characters and invisible ones, at most :data:`MAX_NAME` bytes long.

    Invisible characters go because they hide what a file is: a right-to-left override turns ``gpj.exe`` around, a
    zero-width space gets an ending past a list of forbidden ones.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    stem, dot, ending = " ".join(shown.split()).strip(". ").rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, dot, ending = f"{stem}{dot}{ending}", "", ""
    room = MAX_NAME - len(f"{dot}{ending}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore').rstrip()}{dot}{ending}" or "file"


def _disposition(kind: str, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = re.sub(r'["\\%]', "_", plain).strip(". ") or "file"  # a "%" is decoded by some browsers: RFC 6266 D
    parameters = f'{kind}; filename="{fallback}"'
    return parameters if fallback == name else f"{parameters}; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def _mac(secret: bytes, payload: str) -> str:
    return _encode(hmac.digest(secret, _PURPOSE + payload.encode(), hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
