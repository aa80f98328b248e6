"""What is shown of a conversation: page by page, through which ways it can be answered, and how addresses look."""

from __future__ import annotations

import pytest

from conversations.office import ANA, Office, Time
from frontdesk.conversations import schemas
from frontdesk.conversations.actions import change
from frontdesk.conversations.queries import thread
from frontdesk.kit.errors import NotFound
from frontdesk.kit.paging import Page


async def test_a_thread_is_read_from_its_end_backwards_and_on_from_where_one_was(office: Office, time: Time) -> None:
    for n in range(5):
        conversation_id = (await office.hear(str(n)))["conversation_id"]
        time.move(minutes=1)

    async def read(**where: str | None) -> Page[schemas.Message]:
        async with office.db.begin(office.workspace) as tx:
            return await thread.thread(tx, conversation_id, office.resources.file_url, limit=2, **where)

    def texts(page: Page[schemas.Message]) -> list[str]:
        return [message.text or "" for message in page.items]

    newest = await read()
    older = await read(before=newest.next)
    oldest = await read(before=older.next)
    assert [texts(page) for page in (newest, older, oldest)] == [["3", "4"], ["1", "2"], ["0"]]
    assert oldest.next is None
    assert texts(await read(after=newest.next)) == ["4"]
    assert texts(await read(after=older.next)) == ["2", "3"]


async def test_a_conversation_that_has_no_messages_yet_is_begun_where_that_is_allowed(office: Office) -> None:
    first = await office.hear("hi")
    contact = (await office.conversation(first["conversation_id"]))["contact_id"]
    async with office.db.begin(office.workspace) as tx:
        fresh, _ = await change.open_conversation(tx, contact, office.line, second=True, actor_id=office.owner.user_id)
        routes = await thread.routes(tx, fresh, contact)
    assert [(route.inbox_id, route.point.value, route.default) for route in routes] == [(office.line, ANA, True)]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("phone", "+302101111111", "+30 21 0111 1111"),
        ("phone", "+0", "+0"),
        ("phone", "ACME", "ACME"),
        ("visitor", "0b5c43a48a49", "Website visitor"),
        ("email", "ana@x.example", "ana@x.example"),
    ],
)
def test_an_address_is_shown_as_people_write_it(kind: str, value: str, shown: str) -> None:
    assert thread.display(kind, value) == shown


async def test_the_way_of_a_message_that_is_not_there(office: Office) -> None:
    async with office.db.begin(office.workspace) as tx:
        with pytest.raises(NotFound):
            await thread.details(tx, 4711)
