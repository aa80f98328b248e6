"""Whom a message is from: one contact for an address, however many deliveries race; no silent merges."""

from __future__ import annotations

import asyncio

import pytest

from conftest import SEES_ALL, until_somebody_waits
from frontdesk.channels.port import Address
from frontdesk.contacts import actions, events, queries
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.transaction import Database, Tx

PHONE = Address(kind="phone", value="+302101234567")
MAIL = Address(kind="email", value="ana@example.org", name="Ana Papadaki")


async def find(tx: Tx, *addresses: Address) -> list[actions.Found]:
    found = await actions.find_or_create(tx, addresses)
    return [found[address.kind, address.scope, address.value] for address in addresses]


async def test_an_unknown_address_becomes_a_contact(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        phone, mail = await find(tx, PHONE, MAIL)
        assert phone.created
        assert mail.created
        shown = await queries.outs(tx, [phone.contact_id, mail.contact_id])
        assert [event.contact_id for event in tx.events] == sorted([phone.contact_id, mail.contact_id])
    assert shown[phone.contact_id].name == "+30 21 0123 4567"
    assert shown[phone.contact_id].points[0].display == "+30 21 0123 4567"
    assert shown[mail.contact_id].name == "Ana Papadaki"
    assert shown[mail.contact_id].points[0].id == mail.point_id


async def test_a_known_address_is_found_again(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        (first,) = await find(tx, PHONE)
        tx.events.clear()
        second, twice, other = await find(tx, PHONE, PHONE, MAIL)
        assert (second.contact_id, second.point_id, second.created) == (first.contact_id, first.point_id, False)
        assert twice == second
        assert other.contact_id != first.contact_id
        assert tx.events == [events.ContactChanged(contact_id=other.contact_id)]
        assert await actions.find_or_create(tx, []) == {}


async def test_the_same_value_in_two_scopes_is_two_people(db: Database, workspace: int, other_workspace: int) -> None:
    here, there = (Address(kind="visitor", scope=scope, value="v1") for scope in ("1", "2"))
    async with db.begin(workspace) as tx:
        one, two = await find(tx, here, there)
        assert one.contact_id != two.contact_id
    async with db.begin(other_workspace) as tx:
        (stranger,) = await find(tx, here)
        assert stranger.created


async def test_fifty_deliveries_at_once_make_one_contact(live_db: Database, workspace: int) -> None:
    async def deliver(number: int) -> set[int]:
        addresses = [PHONE, MAIL, Address(kind="phone", value=f"+30210000{number % 7:04}")]
        async with live_db.begin(workspace) as tx:
            found = await find(tx, *(addresses if number % 2 else reversed(addresses)))
        return {one.contact_id for one in found}

    await asyncio.gather(*(deliver(number) for number in range(50)))
    async with live_db.begin(workspace) as tx:
        assert await tx.fetchval("select count(*) from contact_points") == 9
        assert await tx.fetchval("select count(*) from contacts") == 9
        orphans = await tx.fetch("select id from contacts where id not in (select contact_id from contact_points)")
        assert orphans == []
        assert await tx.fetchval("select count(*) from events where kind = 'ContactChanged'") == 9


async def test_batches_with_the_same_addresses_never_wait_in_a_circle(live_db: Database, workspace: int) -> None:
    addresses = [Address(kind="phone", value=f"+3021000{number:05}") for number in range(1500)]
    begun = asyncio.Barrier(4)

    async def deliver(number: int) -> None:
        async with live_db.begin(workspace) as tx:
            await begun.wait()
            await find(tx, *addresses[number * 350 :], *addresses[: number * 350])

    await asyncio.gather(*(deliver(number) for number in range(4)))
    async with live_db.begin(workspace) as tx:
        assert await tx.fetchval("select count(*) from contacts") == 1500


async def test_two_statements_for_any_number(db: Database, workspace: int, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [Address(kind="phone", value=f"+3021000{number:05}") for number in range(500)]
    async with db.begin(workspace) as tx:
        await find(tx, *addresses)
        said: list[str] = []
        fetch = tx.fetch
        monkeypatch.setattr(tx, "fetch", lambda sql, *values: (said.append(sql), fetch(sql, *values))[1])
        monkeypatch.setattr(tx, "execute", lambda sql, *values: pytest.fail(sql))
        await find(tx, *addresses)
        assert len(said) == 2


async def test_a_name_replaces_only_one_that_was_made_up(db: Database, workspace: int) -> None:
    async def name_after(*names: str) -> str:
        address = Address(kind="phone", value=f"+3069{abs(hash(names)) % 10**8:08}")
        async with db.begin(workspace) as tx:
            for name in names:
                (found,) = await find(tx, Address(kind=address.kind, value=address.value, name=name))
            return (await queries.get(tx, SEES_ALL, found.contact_id)).name

    assert await name_after("", "Ana") == "Ana"
    assert await name_after("Ana", "Anna") == "Ana"
    assert await name_after("Ana", "") == "Ana"


async def test_a_proof_is_remembered(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        (found,) = await find(tx, PHONE)
        assert not (await queries.points(tx, found.contact_id))[0].verified
        await find(tx, Address(kind="phone", value=PHONE.value, verified=True), PHONE)
        assert (await queries.points(tx, found.contact_id))[0].verified


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ana \n  Papadaki ", "Ana Papadaki"), ("\u200b\u200b", ""), ("evil\u202egnp.exe", "evilgnp.exe"),
        ("a\0b", "a b"),
        ("x" * 10**6, "x" * 200), ("👨‍👩‍👧", "👨‍👩‍👧"), ("می‌خواهم", "می‌خواهم"), ("<b>Ana</b>", "<b>Ana</b>"),
        ("\ud800A", "?A"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"), ("\u0301\u0302", ""),
    ],
)  # fmt: skip
async def test_names_as_they_come(db: Database, workspace: int, given: str, kept: str) -> None:
    async with db.begin(workspace) as tx:
        (found,) = await find(tx, Address(kind="phone", value=PHONE.value, name=given))
        assert (await queries.get(tx, SEES_ALL, found.contact_id)).name == (kept or "+30 21 0123 4567")


async def test_values_that_a_database_cannot_hold(db: Database, workspace: int) -> None:
    odd = Address(kind="phone", value="AC\0ME\ud83d")
    async with db.begin(workspace) as tx:
        (found,) = await find(tx, odd)
        assert (await queries.points(tx, found.contact_id))[0].value == "ACME?"


# --- further addresses ---------------------------------------------------------------------------------------------


async def test_an_address_of_nobody_is_added(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        (found,) = await find(tx, PHONE)
        proved = Address(kind="email", value="ana@example.org", verified=True)
        await actions.link(tx, found.contact_id, [proved, Address(kind="email", value="maybe@example.org")])
        points = {point.value: point.verified for point in await queries.points(tx, found.contact_id)}
        assert points == {PHONE.value: False, "ana@example.org": True, "maybe@example.org": False}
        tx.events.clear()
        await actions.link(tx, found.contact_id, [proved])
        await actions.link(tx, found.contact_id, [])
        assert tx.events == []
        await actions.link(tx, found.contact_id, [Address(kind="email", value="maybe@example.org", verified=True)])
        assert all(point.verified for point in (await queries.points(tx, found.contact_id))[1:])


@pytest.mark.parametrize("verified", [True, False])
async def test_an_address_of_another_contact_is_a_suggestion(db: Database, workspace: int, verified: bool) -> None:
    async with db.begin(workspace) as tx:
        phone, mail = await find(tx, PHONE, MAIL)
        also = [Address(kind="email", value=MAIL.value, verified=verified)]
        await actions.link(tx, phone.contact_id, also)
        await actions.link(tx, phone.contact_id, also)
        (suggested,) = await queries.suggestions(tx, SEES_ALL, phone.contact_id)
        assert {suggested.contact.id, suggested.other.id} == {phone.contact_id, mail.contact_id}
        assert suggested.contact.id == phone.contact_id
        assert suggested.reason == "Both gave ana@example.org."
        (flipped,) = await queries.suggestions(tx, SEES_ALL, mail.contact_id)
        assert flipped.contact.id == mail.contact_id
        assert len(await queries.suggestions(tx, SEES_ALL)) == 1
        assert [type(event) for event in tx.events].count(events.SuggestionMade) == 1
        assert await tx.fetchval("select count(*) from contacts where merged_into is not null") == 0


async def test_what_was_dismissed_is_not_suggested_again(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        phone, mail = await find(tx, PHONE, MAIL)
        await actions.link(tx, phone.contact_id, [MAIL])
        (suggested,) = await queries.suggestions(tx, SEES_ALL)
        await actions.dismiss(tx, suggested.id, owner)
        await actions.link(tx, phone.contact_id, [MAIL])
        await actions.link(tx, mail.contact_id, [PHONE])
        assert await queries.suggestions(tx, SEES_ALL) == []


async def test_a_merge_waits_for_what_is_coming_in(live_db: Database, workspace: int) -> None:
    async with live_db.begin(workspace) as tx:
        phone, mail = await find(tx, PHONE, MAIL)

    async def merge() -> None:
        async with live_db.begin(workspace) as tx:
            await actions.merge(tx, phone.contact_id, mail.contact_id, None)

    async with live_db.begin(workspace) as tx:
        assert (await find(tx, PHONE))[0].contact_id == phone.contact_id
        merging = asyncio.create_task(merge())
        await until_somebody_waits(tx)
        assert not merging.done()
    await merging
    async with live_db.begin(workspace) as tx:
        assert (await find(tx, PHONE))[0].contact_id == mail.contact_id


async def test_what_comes_in_during_a_merge_goes_to_the_one_that_stays(live_db: Database, workspace: int) -> None:
    async with live_db.begin(workspace) as tx:
        phone, mail = await find(tx, PHONE, MAIL)

    async def deliver() -> int:
        async with live_db.begin(workspace) as tx:
            return (await find(tx, PHONE))[0].contact_id

    async with live_db.begin(workspace) as tx:
        await actions.merge(tx, phone.contact_id, mail.contact_id, None)
        delivering = asyncio.create_task(deliver())
        await until_somebody_waits(tx)
    assert await delivering == mail.contact_id


async def test_a_contact_that_does_not_settle_is_an_honest_503(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        one, _ = await find(tx, PHONE, MAIL)
        await tx.execute("update contacts set merged_into = $1 where id <> $1", one.contact_id)
        with pytest.raises(Unavailable):
            await find(tx, PHONE, MAIL)
