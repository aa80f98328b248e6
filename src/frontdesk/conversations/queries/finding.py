"""Which conversations words are found in: in what was said, in subjects, in a contact's name and addresses.

The last word may be the beginning of one. The newest thousands of messages are looked through; if that does not give
the caller enough, the index is asked for the whole words, in ever older messages or, if the planner thinks that they
are rare, in all at once; and at last for what begins so. A common word is met soon, a rare one has few places in all;
neither reads much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from frontdesk.contacts import queries as contacts
from frontdesk.kit.transaction import Tx

# Windows of the newest messages, as (power, number) of lexemes ``<workspace>~<power>.<n>``: 2 ** power ids share each.
NEWEST = (11, 2)
OLDER = ((14, 2), (14, 5), (17, 2), (17, 5))
OF_BEGINNINGS = ((17, 2),)
ALL_AT_ONCE = 3000  # matches: so few are not looked for window by window, if the planner is right
FEW, MOST = 4, 1000  # matching messages that are looked at: for each conversation that is asked for, and at last
FILTERED = 8  # times as many conversations are looked for where a view or a filter turns some down
CONTACTS = 50  # contacts whose conversations are looked at

_FIRST = """
select marked($1, $2) as words, (select max(id) from messages where workspace_id = $1) as newest
"""
_SAID = "select * from found_in($1, $2::text[], $3::text[], $4::bool[], $5::int[], $6, $7, $8)"


@dataclass(frozen=True)
class Found:
    """Conversations in which something was said, each with the newest message that was found to say it (0: its
    subject), and contacts of whom each conversation counts."""

    said: dict[int, int]
    contacts: list[int]


@dataclass(frozen=True)
class _Step:
    """See ``found_in`` in the database. ``after``: how many steps later all of the kind is looked into."""

    sought: str
    met: str | None = None
    newest: bool = True
    after: int = 0


async def conversations(tx: Tx, q: str, *, wanted: int, filtered: bool) -> AsyncIterator[Found]:
    """Where ``q`` is found, more and more of it, until there is no more; as many as are ``wanted`` at first."""
    first = await tx.fetchrow(_FIRST, tx.workspace_id, q)
    words = _words(tx, first["words"]) if first else []
    people = await contacts.found(tx, q, limit=CONTACTS)  # from here on no statement takes for ever
    steps = list(_steps(tx.workspace_id, words, (first and first["newest"]) or 0))
    said: dict[int, int] = {}
    enough, most = (FILTERED * wanted, MOST) if filtered else (wanted, min(FEW * wanted, MOST))
    while steps:
        row = await tx.fetchrow(_SAID, tx.workspace_id, *_columns(steps), ALL_AT_ONCE, most, enough)
        if row is None:
            return
        said = dict(zip(row["ids"], row["messages"], strict=True)) | said  # what was found first is newer
        yield Found(said, people)
        steps = [] if row["cut"] and most == MOST else steps[row["steps"] :]
        most, enough = MOST, 1  # a step that finds anything
    if not said:
        yield Found({}, people)


def _columns(steps: list[_Step]) -> tuple[list[object], ...]:
    rows = [(step.sought, step.met, step.newest, n + step.after) for n, step in enumerate(steps, start=1)]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _steps(workspace_id: int, words: list[str], newest: int) -> Iterator[_Step]:
    """From the newest messages to all."""
    if not words or not newest:
        return
    whole, begun = " & ".join(words), " & ".join([*words[:-1], f"{words[-1]}:*"])
    yield _Step(_window(workspace_id, newest, *NEWEST), met=begun)
    if _covers(newest, *NEWEST):
        return
    for query, windows in ((whole, OLDER), (begun, OF_BEGINNINGS)):
        smaller = [window for window in windows if not _covers(newest, *window)]
        for n, window in enumerate(smaller):
            yield _Step(f"{query} & ({_window(workspace_id, newest, *window)})", after=len(smaller) - n)
        yield _Step(query, newest=query is whole)


def _covers(newest: int, power: int, number: int) -> bool:
    return newest >> power < number


def _window(workspace_id: int, newest: int, power: int, number: int) -> str:
    return " | ".join(f"'{workspace_id}~{power}.{(newest >> power) - n}'" for n in range(number))


def _words(tx: Tx, marked: str) -> list[str]:
    """What the database made of the words that somebody typed, as the parts of a ``tsquery``."""
    words = [word for word in marked.split() if word != f"w{tx.workspace_id}x"]
    return ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words[:20]]
