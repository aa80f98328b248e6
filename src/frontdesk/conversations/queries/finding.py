"""Which conversations words are found in: in what was said, in subjects, in a contact's name and addresses.

Messages are found by whole words, of which the last may be a beginning. The newest thousands are looked through. If
that does not give the caller enough, the index is asked for ever older ones. A common word is met at once, a rare one
has few places in all; neither reads much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from frontdesk.contacts import queries as contacts
from frontdesk.kit.transaction import Tx

NEWEST = (10, 12)  # powers of two: so many messages share the lexeme ``<workspace>~<power>.<number>``
OLDER = (15, 18, 21, None)  # None: all there are
MOST = 1000  # matching messages that are looked at, the newest ones
CONTACTS = 100  # contacts whose conversations are looked at

_FIRST = """
select marked($1, $2) as words, (select max(id) from messages where workspace_id = $1) as newest
"""
_SAID = """
select array_agg(distinct conversation_id) as ids, count(*) as matches from (
  select conversation_id from message_words where workspace_id = $1 and words @@ $3::text::tsquery
  order by message_id desc limit $2) found
"""
_WITH = "select id from conversations where workspace_id = $1 and contact_id = any($2) order by last_at desc limit $3"


async def conversations(tx: Tx, q: str) -> AsyncIterator[list[int]]:
    """Ids of conversations in which ``q`` is found, more and more of them, until there are no more."""
    first = await tx.fetchrow(_FIRST, tx.workspace_id, q)
    words = _words(tx, first["words"]) if first else []
    people = await contacts.found(tx, q, limit=CONTACTS)
    known = {row["id"] for row in await tx.fetch(_WITH, tx.workspace_id, people, MOST)} if people else set()
    if not words or first is None or first["newest"] is None:
        yield sorted(known)
        return
    query = " & ".join(words)
    for power in (*NEWEST, *OLDER):
        window = _window(tx.workspace_id, first["newest"], power)
        # The words are a condition on the newest ones, not asked of the index: it would collect every message that has
        # a word with the given beginning, of all times.
        await tx.look_for(window if power in NEWEST else f"{query} & ({window})" if window else query)
        row = await tx.fetchrow(_SAID, tx.workspace_id, MOST, query)
        known.update((row and row["ids"]) or ())
        yield sorted(known)
        if (power and first["newest"] < 1 << power) or (row and row["matches"] == MOST):
            return


def _window(workspace_id: int, newest: int, power: int | None) -> str:
    """The lexemes that the newest messages share: at least ``2 ** power`` of the ids that were given out, less than
    twice as many."""
    if power is None:
        return ""
    return " | ".join(f"'{workspace_id}~{power}.{number}'" for number in (newest >> power, (newest >> power) - 1))


def _words(tx: Tx, marked: str) -> list[str]:
    """What the database made of the words that somebody typed, as the parts of a ``tsquery``."""
    words = [word for word in marked.split() if word != f"w{tx.workspace_id}x"]
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words[:20]]
    return [*quoted[:-1], f"{quoted[-1]}:*"] if quoted else []
