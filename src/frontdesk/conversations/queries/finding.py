"""Which conversations words are found in: in what was said, in subjects, in a contact's name and addresses.

The last word may be the beginning of one. The newest thousands of messages are looked through; if that does not give
the caller enough, the index is asked for the whole words in ever older messages, and at last for what begins so, for
which it has to collect every message of all times that has such a word. A common word is met at once, a rare one has
few places in all; neither reads much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from frontdesk.contacts import queries as contacts
from frontdesk.kit.transaction import Tx

NEWEST = 11  # a power of two: so many messages share the lexeme ``<workspace>~<power>.<number>``
OLDER = (14, 17, 20, None)  # None: all there are
OF_BEGINNINGS = (17, None)
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
    given = -1
    for sought, query in _steps(tx.workspace_id, words, (first and first["newest"]) or 0):
        await tx.look_for(sought)
        row = await tx.fetchrow(_SAID, tx.workspace_id, MOST, query)
        known.update((row and row["ids"]) or ())
        if len(known) > given:
            given = len(known)
            yield sorted(known)
        if row and row["matches"] == MOST:
            return
    if given < 0:
        yield sorted(known)


def _steps(workspace_id: int, words: list[str], newest: int) -> Iterator[tuple[str, str]]:
    """(what the index is asked for, what is a condition on the rows), from the newest messages to all."""
    if not words or not newest:
        return
    whole, begun = " & ".join(words), " & ".join([*words[:-1], f"{words[-1]}:*"])
    yield _window(workspace_id, newest, NEWEST), begun
    for query, powers in ((whole, OLDER), (begun, OF_BEGINNINGS)):
        for power in powers:
            if power is None or newest >> power == 0:
                yield query, query
                break
            yield f"{query} & ({_window(workspace_id, newest, power)})", query


def _window(workspace_id: int, newest: int, power: int) -> str:
    """The lexemes that the newest messages share: at least ``2 ** power`` of the ids that were given out, less than
    twice as many."""
    return " | ".join(f"'{workspace_id}~{power}.{number}'" for number in (newest >> power, (newest >> power) - 1))


def _words(tx: Tx, marked: str) -> list[str]:
    """What the database made of the words that somebody typed, as the parts of a ``tsquery``."""
    words = [word for word in marked.split() if word != f"w{tx.workspace_id}x"]
    return ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words[:20]]
