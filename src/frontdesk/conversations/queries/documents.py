"""A message's HTML as a document that can do nothing, and its source as a download."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape

from frontdesk.conversations.queries.snapshots import Link
from frontdesk.kit.transaction import Row, Tx

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # who signs out leaves no mail behind
    "X-Frame-Options": "SAMEORIGIN",
}

# The driver has sanitised the HTML; this is the second wall.
_PAGE = """<!doctype html><html><head><meta charset="utf-8"><base target="_blank"><style>
html{{color-scheme:light;background:#fff}}
body{{margin:0;padding:12px;font:14px/1.5 system-ui,sans-serif;color:#1f2430;overflow-wrap:anywhere}}
img{{max-width:100%;height:auto}}table{{max-width:100%}}pre{{white-space:pre-wrap}}a{{color:#2f4bd8}}
blockquote{{margin:0 0 0 8px;padding-left:10px;border-left:2px solid #d5d9e2;color:#4b5162}}
</style></head><body>{body}</body></html>"""

# Only the attributes of an image as the sanitiser writes it: the same words in a text or in another attribute's value
# stay what they are. Replaced there, our quotation mark would end that value, and its rest would become attributes.
_IMAGE = r'(<img(?: [a-z-]+="[^"]*")*?) '
_CID = re.compile(_IMAGE + r'(?:data-)?src="cid:([^"]{1,500})"')
_PARKED = re.compile(_IMAGE + r'data-src="(?=\s*https?:)', re.IGNORECASE)


def policy(*, images: bool) -> dict[str, str]:
    """No script, no frame, no form; images from us, and from elsewhere only when a person asked."""
    sources = "'self' data: https: http:" if images else "'self' data:"
    rules = (
        f"default-src 'none'; img-src {sources}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'self'"
    )
    return {"Content-Security-Policy": f"sandbox allow-popups allow-popups-to-escape-sandbox; {rules}"}


async def inline_files(tx: Tx, message_id: int, link: Link) -> dict[str, str]:
    """Content ids of a message's attachments and where each can be fetched."""
    rows = await tx.fetch(
        "select content_id, hash, name, content_type from attachments where workspace_id = $1 and message_id = $2"
        " and content_id is not null and hash is not null",
        tx.workspace_id,
        message_id,
    )
    return {
        row["content_id"].strip("<>"): link(tx.workspace_id, row["hash"], row["name"], row["content_type"])
        for row in rows
    }


def document(html: str, files: Mapping[str, str], *, images: bool) -> str:
    """A complete page around sanitised HTML, with its inline images in place."""

    def place(found: re.Match[str]) -> str:
        url = files.get(unescape(found[2]))
        return f'{found[1]} src="{escape(url)}"' if url else f'{found[1]} data-missing="1"'

    body = _CID.sub(place, html)
    if images:
        body = _PARKED.sub(r'\1 src="', body)
    return _PAGE.format(body=body)


async def source(tx: Tx, message: Row) -> tuple[str, str, bytes]:
    """(file name, content type, bytes) of what a message was made from; its text where no delivery is kept."""
    if message["raw_id"] is not None:
        raw = await tx.fetchrow(
            "select body from raw_deliveries where workspace_id = $1 and id = $2",
            tx.workspace_id,
            message["raw_id"],
        )
        if raw and _is_mail(raw["body"]):
            return f"message-{message['id']}.eml", "message/rfc822", raw["body"]
        if raw and raw["body"]:
            return f"message-{message['id']}.txt", "text/plain", raw["body"]
    return f"message-{message['id']}.txt", "text/plain", message["text"].encode()


def _is_mail(body: bytes) -> bool:
    """A mail begins with lines of header fields; what is delivered otherwise is JSON or a form."""
    return body[:1] not in b"{[" and b":" in body[:200] and b"\n" in body[:2000]
