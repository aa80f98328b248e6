"""What a file really is, from its first bytes. The name and the declared type are only what a stranger says."""

from __future__ import annotations

import re

MAX_BYTES = 10 * 1024 * 1024
MAX_FILES = 10
TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/heic",
    "application/pdf",
    "text/plain",
    "text/csv",
    "audio/*",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "application/vnd.openxmlformats-officedocument.*",
    "application/vnd.oasis.opendocument.*",
)

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypM4A ", "audio/mp4"),
    (4, b"ftypqt  ", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
)
_OFFICE = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
# What a browser would run if somebody opened it as a page: never kept, whatever it is called.
_MARKUP = re.compile(rb"<(!doctype|html|head|body|svg|script|iframe|math|\?xml|\?php|xsl:)", re.IGNORECASE)
_OPENINGS = 4_096


def sniff(data: bytes, name: str) -> str | None:
    """The content type by content, or None for a kind that visitors may not send (programs, archives, pages, SVG)."""
    for offset, magic, content_type in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            riff = content_type in ("image/webp", "audio/wav")
            return content_type if not riff or data[:4] == b"RIFF" else None
    ending = name.rpartition(".")[2].lower()
    if data[:4] == b"PK\x03\x04":
        return _OFFICE.get(ending) if _office_inside(data) else None
    if _MARKUP.search(data[:_OPENINGS]) or b"\0" in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "text/csv" if ending == "csv" else "text/plain"


def _office_inside(data: bytes) -> bool:
    """An office file says so near its start: OOXML lists its parts, OpenDocument stores its type uncompressed."""
    opening = data[:_OPENINGS]
    return b"[Content_Types].xml" in opening or b"_rels/" in opening or b"mimetypeapplication/vnd.oasis" in opening
