"""What a visitor's open stream costs, and what it tells."""

from __future__ import annotations

from conversations.office import ANA, Office
from frontdesk.app.desk import LentDesk
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Address
from frontdesk.inboxes import queries as inboxes
from frontdesk.realtime.queries.hub import Hub

VISITOR = Address(kind="phone", value=ANA)


def lend(office: Office) -> LentDesk:
    resources = office.resources
    hub = Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]
    return LentDesk("line", resources, hub, Intake(resources.db))


async def account(office: Office) -> Account:
    async with office.db.begin(office.workspace) as tx:
        row = (await inboxes.by_ids(tx, [office.line]))[office.line]
    return inboxes.account(office.resources.vault, office.resources.settings.url, row)


async def test_who_does_not_read_on_holds_no_connection(office: Office) -> None:
    await office.hear("one")
    await office.hear("two")
    following = lend(office).follow(await account(office), VISITOR, after=0)
    first = await anext(following)
    assert await office.value("select count(*) from messages") == 2, "the only connection is free between two items"
    assert getattr(first, "text", None) == "one"
    assert getattr(await anext(following), "text", None) == "two"
    await following.aclose()  # type: ignore[attr-defined]
