"""Two contacts become one: what moves, what is kept, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from conftest import SEES_ALL
from frontdesk.channels.port import Address
from frontdesk.contacts import actions, events, queries
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import NotFound, Refused
from frontdesk.kit.transaction import Database, Tx
from frontdesk.people import queries as people

PHONE = Address(kind="phone", value="+302101234567")
MAIL = Address(kind="email", value="ana@example.org")


async def contact(tx: Tx, address: Address, name: str = "") -> actions.Found:
    named = Address(kind=address.kind, value=address.value, scope=address.scope, name=name)
    return (await actions.find_or_create(tx, [named]))[address.kind, address.scope, address.value]


@pytest.fixture
def followed() -> Iterator[list[tuple[int, int]]]:
    """What rooms above were asked to re-point."""
    asked: list[tuple[int, int]] = []

    async def follow(_: Tx, loser: int, winner: int) -> None:
        asked.append((loser, winner))

    before, actions.MERGERS[:] = list(actions.MERGERS), [follow]
    yield asked
    actions.MERGERS[:] = before


async def test_two_contacts_become_one(
    db: Database, workspace: int, owner: Actor, followed: list[tuple[int, int]]
) -> None:
    async with db.begin(workspace) as tx:
        loser, winner = (await contact(tx, MAIL, "Ana")).contact_id, (await contact(tx, PHONE)).contact_id
        third = (await contact(tx, Address(kind="email", value="c@example.org"))).contact_id
        tags = [(await actions.create_tag(tx, name=name, colour="#000000", by=owner)).id for name in "abc"]
        for who, tag_id in ((loser, tags[0]), (loser, tags[1]), (winner, tags[1]), (winner, tags[2])):
            await actions.tag(tx, who, tag_id, by=owner)
        await actions.change_contact(tx, loser, by=owner, note="From the fair", timezone="Europe/Athens")
        await actions.change_contact(tx, winner, by=owner, note="Called twice")
        await actions.suggest(tx, loser, {winner: "Same name.", third: "Same firm."})
        await actions.suggest(tx, winner, {third: "Same firm."})
        await actions.merge(tx, loser, winner, owner.user_id)
        assert tx.events[-1] == events.ContactsMerged(actor_id=owner.user_id, contact_id=winner, loser_id=loser)
        shown = await queries.get(tx, SEES_ALL, winner)
        assert (shown.name, shown.note, shown.timezone) == ("Ana", "Called twice\n\nFrom the fair", "Europe/Athens")
        assert {point.value for point in shown.points} == {MAIL.value, PHONE.value}
        assert shown.tags == sorted(tags)
        assert [one.other.id for one in await queries.suggestions(tx, SEES_ALL, winner)] == [third]
        assert await queries.get(tx, SEES_ALL, loser) == shown
        assert [one.id for one in (await queries.search(tx, SEES_ALL)).items if one.id == loser] == []
        assert followed == [(loser, winner)]
        assert (await contact(tx, MAIL)).contact_id == winner
        moved = await tx.fetchval("select moved from merges")
        assert (moved["tags"], moved["loser"]["name"], len(moved["points"])) == ([tags[0]], "Ana", 1)
        with pytest.raises(NotFound):
            await queries.must_exist(tx, loser)
        with pytest.raises(NotFound):
            await actions.change_contact(tx, loser, by=owner, name="Ghost")
    async with db.begin(workspace) as tx:
        assert (await people.audit(tx, None, 1)).items[0].action == "contact.merged"


@pytest.mark.parametrize(
    ("loser", "winner", "kept"),
    [("Ana", "Anna", "Anna"), ("", "Anna", "Anna"), ("Ana", "", "Ana"), ("", "", "+30 21 0123 4567")],
)
async def test_the_name_that_somebody_gave_is_kept(
    db: Database, workspace: int, followed: object, loser: str, winner: str, kept: str
) -> None:
    async with db.begin(workspace) as tx:
        ids = (await contact(tx, MAIL, loser)).contact_id, (await contact(tx, PHONE, winner)).contact_id
        await actions.merge(tx, *ids, None)
        assert (await queries.get(tx, SEES_ALL, ids[1])).name == kept


async def test_a_circle_of_merges_is_refused(db: Database, workspace: int, followed: object) -> None:
    async with db.begin(workspace) as tx:
        a, b, c = [(await contact(tx, Address(kind="email", value=f"{name}@example.org"))).contact_id for name in "abc"]
        await actions.merge(tx, a, b, None)
        for pair in ((b, a), (a, c), (c, a)):
            with pytest.raises(Refused):
                await actions.merge(tx, *pair, None)
        with pytest.raises(Refused):
            await actions.merge(tx, b, b, None)
        with pytest.raises(NotFound):
            await actions.merge(tx, b, c + 999, None)
        await actions.merge(tx, b, c, None)
        assert (await queries.get(tx, SEES_ALL, a)).id == c


async def test_two_merges_in_opposite_directions_do_not_wait_for_each_other_for_ever(
    live_db: Database, workspace: int, followed: object
) -> None:
    async with live_db.begin(workspace) as tx:
        one, two = (await contact(tx, MAIL)).contact_id, (await contact(tx, PHONE)).contact_id

    async def merge(loser: int, winner: int) -> None:
        async with live_db.begin(workspace) as tx:
            await actions.merge(tx, loser, winner, None)

    ended = await asyncio.gather(merge(one, two), merge(two, one), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "Refused"]


async def test_accepting_a_suggestion_keeps_the_older_contact(
    db: Database, workspace: int, owner: Actor, followed: object
) -> None:
    async with db.begin(workspace) as tx:
        older, younger = (await contact(tx, MAIL)).contact_id, (await contact(tx, PHONE)).contact_id
        await actions.suggest(tx, younger, {older: "Same name."})
        (suggested,) = await queries.suggestions(tx, SEES_ALL, younger)
        assert await actions.accept(tx, suggested.id, owner.user_id) == older
        assert await queries.suggestions(tx, SEES_ALL) == []
        for answer in (actions.accept, actions.dismiss):
            with pytest.raises(NotFound):
                await answer(tx, suggested.id, owner.user_id)


async def test_deleting_takes_those_who_became_it_too(
    db: Database, workspace: int, owner: Actor, followed: object
) -> None:
    async with db.begin(workspace) as tx:
        loser, winner = (await contact(tx, MAIL)).contact_id, (await contact(tx, PHONE)).contact_id
        await actions.merge(tx, loser, winner, None)
        await actions.delete_contact(tx, winner, by=owner)
        assert await tx.fetchval("select count(*) from contacts") == 0
