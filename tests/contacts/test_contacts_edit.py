"""What people do with contacts: consent, addresses, tags, merging, deleting, searching."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from conftest import SEES_ALL
from frontdesk.channels.port import Address
from frontdesk.contacts import actions, events, queries, rules
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Database, Tx

PHONE = Address(kind="phone", value="+302101234567")
MAIL = Address(kind="email", value="ana@example.org")


async def contact(tx: Tx, address: Address, name: str = "") -> actions.Found:
    named = Address(kind=address.kind, value=address.value, scope=address.scope, name=name)
    return (await actions.find_or_create(tx, [named]))[address.kind, address.scope, address.value]


# --- consent -------------------------------------------------------------------------------------------------------


async def test_an_opt_out_is_a_state_and_a_line_in_the_ledger(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        found = await contact(tx, PHONE)
        tx.events.clear()
        said = {"source": "keyword", "reason": "They wrote STOP.", "evidence": "ST\0OP", "inbox_id": 7}
        assert await actions.opt_out(tx, found.point_id, **said)  # type: ignore[arg-type]
        assert not await actions.opt_out(tx, found.point_id, **said)  # type: ignore[arg-type]
        assert tx.events == [events.ContactChanged(contact_id=found.contact_id)]
        (point,) = await queries.points(tx, found.contact_id)
        assert point.opt_out is not None
        assert (point.opt_out.source, point.opt_out.reason) == ("keyword", "They wrote STOP.")
        assert await actions.opt_in(tx, found.point_id, source="keyword", reason="They wrote START.")
        assert not await actions.opt_in(tx, found.point_id, source="keyword", reason="They wrote START.")
        assert (await queries.points(tx, found.contact_id))[0].opt_out is None
        ledger = await tx.fetch(
            "select action, source, evidence, value, inbox_id, contact_id from consents order by id"
        )
    assert [tuple(row) for row in ledger] == [
        ("out", "keyword", "STOP", PHONE.value, 7, found.contact_id),
        ("in", "keyword", "They wrote START.", PHONE.value, None, found.contact_id),
    ]


async def test_the_ledger_can_only_grow(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        found = await contact(tx, PHONE)
        await actions.opt_out(tx, found.point_id, source="user", reason="On the phone.")
    for statement in ("update consents set action = 'in'", "delete from consents"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.begin(workspace) as tx:
                await tx.execute(statement)


@pytest.mark.parametrize("theirs", ["keyword", "provider", "link"])
async def test_what_they_said_only_they_take_back(db: Database, workspace: int, owner: Actor, theirs: str) -> None:
    async with db.begin(workspace) as tx:
        found = await contact(tx, PHONE)
        await actions.opt_out(tx, found.point_id, source="user", reason="On the phone.", actor_id=owner.user_id)
        assert await actions.opt_in(tx, found.point_id, source="user", reason="On the phone.", actor_id=owner.user_id)
        await actions.opt_out(tx, found.point_id, source="user", reason="On the phone.")
    told = "select count(*) from events where kind = 'ContactChanged'"
    async with db.begin(workspace) as tx:
        before = await tx.fetchval(told)
        assert not await actions.opt_out(tx, found.point_id, source=theirs, reason="Again, in their own words.")
    async with db.begin(workspace) as tx:
        assert await tx.fetchval(told) == before + 1, "every screen sees who says so now"
        with pytest.raises(Refused) as caught:
            await actions.opt_in(tx, found.point_id, source="user", reason="We want to sell.")
        assert caught.value.code == "only_they_opt_in"
        assert await actions.opt_in(tx, found.point_id, source="keyword", reason="START")


async def test_opting_out_at_once_is_told_once(live_db: Database, workspace: int) -> None:
    async with live_db.begin(workspace) as tx:
        found = await contact(tx, PHONE)

    async def stop() -> bool:
        async with live_db.begin(workspace) as tx:
            return await actions.opt_out(tx, found.point_id, source="keyword", reason="STOP")

    assert sum(await asyncio.gather(*(stop() for _ in range(10)))) == 1
    async with live_db.begin(workspace) as tx:
        assert await tx.fetchval("select count(*) from consents") == 1


async def test_an_address_that_opted_out_comes_back_opted_out(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        out, back = await contact(tx, PHONE), await contact(tx, MAIL)
        for found in (out, back):
            await actions.opt_out(tx, found.point_id, source="keyword", reason="STOP")
        await actions.opt_in(tx, back.point_id, source="keyword", reason="START")
        for found in (out, back):
            await actions.delete_contact(tx, found.contact_id, by=owner)
        again, fine = await contact(tx, PHONE), await contact(tx, MAIL)
        assert (await queries.points(tx, again.contact_id))[0].opt_out is not None
        assert (await queries.points(tx, fine.contact_id))[0].opt_out is None


async def test_a_bad_address_until_it_is_heard_from(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        found = await contact(tx, PHONE)
        assert await actions.mark_bad(tx, found.point_id)
        assert not await actions.mark_bad(tx, found.point_id)
        assert (await queries.points(tx, found.contact_id))[0].bad_since is not None
        assert await actions.mark_good(tx, [found.point_id]) == 1
        assert await actions.mark_good(tx, [found.point_id]) == 0
        assert (await queries.points(tx, found.contact_id))[0].bad_since is None


# --- by hand -------------------------------------------------------------------------------------------------------


async def test_a_contact_is_made_and_changed_by_hand(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        made = await actions.create_contact(tx, name="", addresses=[PHONE, MAIL], by=owner)
        await actions.change_contact(tx, made, by=owner, note="Prefers mornings", timezone="Europe/Athens")
        await actions.change_contact(tx, made, by=owner, name=" Ana ")
        shown = await queries.get(tx, SEES_ALL, made)
        assert (shown.name, shown.note, shown.timezone, shown.rev) == ("Ana", "Prefers mornings", "Europe/Athens", 3)
        assert [(point.kind, point.primary) for point in shown.points] == [("email", True), ("phone", True)]
        await actions.change_contact(tx, made, by=owner, timezone=None)
        assert (await queries.get(tx, SEES_ALL, made)).timezone is None
        for wrong in ({"name": " "}, {"timezone": "Mars"}, {"timezone": "../../etc/passwd"}, {"timezone": ""}):
            with pytest.raises(Invalid) as caught:
                await actions.change_contact(tx, made, by=owner, **wrong)  # type: ignore[arg-type]
            assert set(caught.value.fields) == set(wrong)
        with pytest.raises(Invalid):
            await actions.create_contact(tx, name="\u200b", addresses=[], by=owner)
        with pytest.raises(NotFound):
            await actions.change_contact(tx, made + 999, by=owner, name="X")


async def test_an_address_belongs_to_one_contact(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        ana = await contact(tx, MAIL, "Ana")
        ben = await actions.create_contact(tx, name="Ben", addresses=[PHONE], by=owner)
        for taking in (
            actions.add_point(tx, ben, MAIL, by=owner),
            actions.create_contact(tx, name="Cleo", addresses=[MAIL], by=owner),
        ):
            with pytest.raises(Refused) as caught:
                await taking
            assert caught.value.code == "point_taken"
            assert caught.value.fields["contact_id"] == str(ana.contact_id)
        await actions.add_point(tx, ana.contact_id, MAIL, by=owner)  # her own: nothing happens
        assert len(await queries.points(tx, ana.contact_id)) == 1
        with pytest.raises(NotFound):
            await actions.add_point(tx, ben + 999, MAIL, by=owner)


async def test_an_address_is_removed_unless_it_must_stay_known(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        ana = await contact(tx, MAIL)
        await actions.add_point(tx, ana.contact_id, PHONE, by=owner)
        mail, phone = await queries.points(tx, ana.contact_id)
        assert not phone.opt_out
        await actions.remove_point(tx, ana.contact_id, phone.id, by=owner)
        assert [point.id for point in await queries.points(tx, ana.contact_id)] == [mail.id]
        with pytest.raises(NotFound):
            await actions.remove_point(tx, ana.contact_id, phone.id, by=owner)
        await actions.opt_out(tx, mail.id, source="user", reason="")
        with pytest.raises(Refused):
            await actions.remove_point(tx, ana.contact_id, mail.id, by=owner)


async def test_an_address_with_messages_stays(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        ana = await contact(tx, MAIL)
        conversation = await tx.fetchval(
            "insert into conversations (workspace_id, contact_id, last_at) values ($1, $2, now()) returning id",
            workspace, ana.contact_id,
        )  # fmt: skip
        await tx.execute(
            """insert into messages (workspace_id, conversation_id, direction, audience, point_id, at)
            values ($1, $2, 'in', 'contact', $3, now())""",
            workspace, conversation, ana.point_id,
        )  # fmt: skip
    with pytest.raises(Refused) as caught:
        async with db.begin(workspace) as tx:
            await actions.remove_point(tx, ana.contact_id, ana.point_id, by=owner)
    assert caught.value.code == "point_in_use"
    erasers, actions.ERASERS[:] = list(actions.ERASERS), []
    try:
        with pytest.raises(Refused) as caught:
            async with db.begin(workspace) as tx:
                await actions.delete_contact(tx, ana.contact_id, by=owner)
        assert caught.value.code == "contact_in_use"

        async def erase(tx: Tx, contact_id: int) -> None:
            await tx.execute(
                "delete from conversations where workspace_id = $1 and contact_id = $2", workspace, contact_id
            )

        actions.ERASERS.append(erase)
        async with db.begin(workspace) as tx:
            await actions.delete_contact(tx, ana.contact_id, by=owner)
            assert tx.events[-1] == events.ContactChanged(
                actor_id=owner.user_id, contact_id=ana.contact_id, deleted=True
            )
            with pytest.raises(NotFound):
                await queries.get(tx, SEES_ALL, ana.contact_id)
            with pytest.raises(NotFound):
                await actions.delete_contact(tx, ana.contact_id, by=owner)
    finally:
        actions.ERASERS[:] = erasers


async def test_what_was_typed_is_read_by_the_channel_that_claims_it(
    db: Database, workspace: int, vault: Vault, owner: Actor, paper: object
) -> None:
    async with db.begin(workspace) as tx:
        settings = {"host": "h.example", "password": "p"}
        await inboxes.create(tx, vault, channel="paper", name="Box", settings=settings, by=owner)
        two = await actions.normalised(tx, [("paper", " ANA@Hill "), ("paper", "ben@hill")])
        assert two == [Address(kind="paper", value=value) for value in ("ana@hill", "ben@hill")]
        with pytest.raises(Invalid) as caught:
            await actions.normalised(tx, [("paper", "nowhere")])
        assert caught.value.fields == {"value": "This is not an address on paper."}
        with pytest.raises(Invalid) as caught:
            await actions.normalised(tx, [("pigeon", "x")])
        assert caught.value.code == "unknown_kind"
    with pytest.raises(Invalid):
        actions.normalise("pigeon", "x", channel_name="paper")


async def test_tags(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        ana = (await contact(tx, MAIL)).contact_id
        lead = await actions.create_tag(tx, name=" Lead ", colour="#AABBCC", by=owner)
        assert (lead.name, lead.colour) == ("Lead", "#aabbcc")
        with pytest.raises(Refused):
            await actions.create_tag(tx, name="Lead", colour="#000000", by=owner)
        client = await actions.create_tag(tx, name="Client", colour="#000000", by=owner)
        with pytest.raises(Refused):
            await actions.change_tag(tx, client.id, name="Lead", by=owner)
        assert (await actions.change_tag(tx, client.id, name="Patient", by=owner)).colour == "#000000"
        assert (await actions.change_tag(tx, client.id, colour="#FFFFFF", by=owner)).name == "Patient"
        assert await actions.tag(tx, ana, lead.id, by=owner)
        assert not await actions.tag(tx, ana, lead.id, by=owner)
        assert (await queries.get(tx, SEES_ALL, ana)).tags == [lead.id]
        assert await actions.untag(tx, ana, lead.id, by=owner)
        assert not await actions.untag(tx, ana, lead.id, by=owner)
        await actions.tag(tx, ana, client.id, by=owner)
        await actions.delete_tag(tx, client.id, by=owner)
        assert (await queries.get(tx, SEES_ALL, ana)).tags == []
        assert [tag.name for tag in await queries.tags(tx)] == ["Lead"]
        for nothing in (
            actions.delete_tag(tx, client.id, by=owner),
            actions.change_tag(tx, client.id, name="X", by=owner),
            actions.tag(tx, ana, client.id, by=owner),
            actions.tag(tx, ana + 999, lead.id, by=owner),
        ):
            with pytest.raises(NotFound):
                await nothing
        with pytest.raises(Invalid):
            await actions.create_tag(tx, name="\u200b", colour="#000000", by=owner)


# --- searching -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("", ["ana", "Anna", "Ben_50%", "Çelik"]), ("AN", ["ana", "Anna"]), ("nn", ["Anna"]), ("%", ["Ben_50%"]),
        ("_", ["Ben_50%"]),
        ("\\", []), ("çEl", ["Çelik"]), ("hill.ex", ["Anna"]), ("21 0123-45", ["ana"]), ("0030 210", ["ana"]),
        ("+30", ["ana"]),
        ("a\0na", ["ana"]), ("' or 1=1 --", []),
    ],
)  # fmt: skip
async def test_search(db: Database, workspace: int, owner: Actor, q: str, names: list[str]) -> None:
    async with db.begin(workspace) as tx:
        for name, addresses in {
            "ana": [PHONE], "Anna": [Address(kind="email", value="x@hill.example")], "Ben_50%": [], "Çelik": [],
        }.items():  # fmt: skip
            await actions.create_contact(tx, name=name, addresses=addresses, by=owner)
        assert [one.name for one in (await queries.search(tx, SEES_ALL, q)).items] == names


async def test_search_goes_page_by_page(db: Database, workspace: int, owner: Actor) -> None:
    async with db.begin(workspace) as tx:
        for number in range(7):
            await actions.create_contact(tx, name=f"Same {number % 2}", addresses=[], by=owner)
        seen, cursor = [], None
        while True:
            page = await queries.search(tx, SEES_ALL, "same", cursor, 2)
            seen += [one.id for one in page.items]
            if (cursor := page.next) is None:
                break
    assert len(seen) == len(set(seen)) == 7


async def test_another_workspaces_contact_does_not_exist(
    db: Database, workspace: int, other_workspace: int, owner: Actor
) -> None:
    async with db.begin(other_workspace) as tx:
        theirs = await contact(tx, PHONE, "Theirs")
    async with db.begin(workspace) as tx:
        ours = await contact(tx, MAIL)
        for nothing in (
            queries.get(tx, SEES_ALL, theirs.contact_id),
            queries.get_point(tx, theirs.contact_id, theirs.point_id),
            actions.merge(tx, theirs.contact_id, ours.contact_id, None),
            actions.remove_point(tx, theirs.contact_id, theirs.point_id, by=owner),
        ):
            with pytest.raises(NotFound):
                await nothing
        assert not await actions.opt_out(tx, theirs.point_id, source="user", reason="")
        assert not await actions.mark_bad(tx, theirs.point_id)
        assert [one.name for one in (await queries.search(tx, SEES_ALL)).items] == [MAIL.value]


def test_addresses_as_people_read_them() -> None:
    assert rules.display("phone", "+302101234567") == "+30 21 0123 4567"
    assert rules.display("phone", "12345") == "12345"
    assert rules.display("phone", "+notanumber") == "+notanumber"
    assert rules.display("email", "a@b.example") == "a@b.example"
    assert rules.display("visitor", "k3m9x2r7abcd") == "Visitor abcd"
