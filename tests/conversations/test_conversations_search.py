"""What a search shows of what it found: the message that says it, and what it says there."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from conversations.office import ANA, BEN, Office
from frontdesk.conversations import schemas
from frontdesk.conversations.queries import listing
from frontdesk.conversations.queries.excerpts import LONGEST, excerpt

LONG = "padding " * 40


@pytest.mark.parametrize(
    ("text", "q", "shown"),
    [
        ("The delivery came.", "delivery", "The delivery came."),
        ("Two\nlines \t of it", "lines", "Two lines of it"),
        (f"{LONG}the Dentist said so", "dentist", "…padding padding padding padding the Dentist said so"),
        (f"{LONG}the Dentist said so", "DENT", "…padding padding padding padding the Dentist said so"),
        (f"{'x' * 200}-dentist", "dentist", "…dentist"),
        (f"{LONG}Ραντεβού αύριο", "ραντεβου", "…padding padding padding padding Ραντεβού αύριο"),
        ("Nothing like it", "elsewhere", "Nothing like it"),
        ("Anything", "!?", "Anything"),
        ("", "word", ""),
    ],
)
def test_an_excerpt_is_one_line_around_the_word(text: str, q: str, shown: str) -> None:
    assert excerpt(text, q) == shown


def test_an_excerpt_is_short() -> None:
    assert excerpt(LONG, "padding") == f"{LONG[:LONGEST]}…"
    assert len(excerpt(f"{LONG}dentist{LONG}", "dentist")) == LONGEST + 2


async def _found(office: Office, q: str) -> dict[int, schemas.Found | None]:
    async with office.db.look(office.workspace) as tx:
        page = await listing.listing(tx, office.owner, "any", listing.Filters(q=q))
    return {one.id: one.found if isinstance(one.found, schemas.Found) else None for one in page.items}


async def test_each_conversation_names_the_newest_message_that_says_it(office: Office) -> None:
    first = await office.hear("The delivery is late.")
    mine = first["conversation_id"]
    second = await office.hear("Is the delivery here?")
    await office.hear("Never mind.")
    other = (await office.hear("A delivery for me?", BEN))["conversation_id"]
    await office.hear("Something else", "+30210999")
    found = await _found(office, "deliv")
    assert {one: hit and (hit.message_id, hit.excerpt) for one, hit in found.items()} == {
        mine: (second["id"], "Is the delivery here?"),
        other: (found[other] and found[other].message_id, "A delivery for me?"),
    }


async def test_who_is_found_by_name_or_subject_has_no_message_to_show(office: Office) -> None:
    mine = (await office.hear("hello"))["conversation_id"]
    await office.execute("update conversations set subject = 'Broken kettle' where id = $1", mine)
    assert await _found(office, "kettle") == {mine: None}
    assert await _found(office, ANA) == {mine: None}
    async with office.db.look(office.workspace) as tx:
        [one] = (await listing.listing(tx, office.owner, "any", listing.Filters())).items
    assert one.found is UNSET
