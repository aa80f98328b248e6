"""What a message says around the words that were looked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from frontdesk.conversations import schemas
from frontdesk.kit.transaction import Tx, array

LONGEST = 160  # characters of an excerpt
BEFORE = 40  # characters of them that stand before the word, at most
LOOKED_AT = 8000  # characters of a message: what is found farther down is shown by its beginning

_TEXTS = """
select id, conversation_id, at, left(text, $3) as text from messages
where workspace_id = $1 and id = any($2::text::bigint[])
"""


async def excerpts(tx: Tx, q: str, message_ids: Sequence[int]) -> dict[int, schemas.Found]:
    """By conversation."""
    if not message_ids:
        return {}
    rows = await tx.fetch(_TEXTS, tx.workspace_id, array(message_ids), LOOKED_AT)
    return {
        row["conversation_id"]: schemas.Found(message_id=row["id"], excerpt=excerpt(row["text"], q), at=row["at"])
        for row in rows
    }


def excerpt(text: str, q: str) -> str:
    """One line of the text, from a little before the first word that begins as one of ``q``."""
    text = " ".join(text.split())
    words = "|".join(re.findall(r"\w+", _plain(q)))
    found = re.search(rf"\b(?:{words})", _plain(text)) if words else None
    begin = 0
    if found and found.start() > BEFORE:
        space = text.find(" ", found.start() - BEFORE, found.start())
        begin = space + 1 if space >= 0 else found.start()
    end = begin + LONGEST
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"


def _plain(text: str) -> str:
    """Without accents and capitals, each character in its place."""
    if text.isascii():
        return text.lower()
    return "".join((unicodedata.normalize("NFD", one)[0].lower() or one)[0] for one in text)
