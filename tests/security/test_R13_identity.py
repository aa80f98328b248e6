"""R13: being taken for somebody else, by a typed address, a mail's header, or a header that only a proxy may set."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import httpx
import msgspec
import pytest

from app.test_app_desk import account, lend
from conftest import SEES_ALL, add_user
from conversations.office import ANA, Office
from conversations.test_conversations_restricted import asking
from frontdesk.app import http
from frontdesk.app.proxies import caller
from frontdesk.channels.livechat import CHANNEL as LIVECHAT
from frontdesk.channels.livechat.wire import StoredMessage
from frontdesk.channels.port import Account, Address, Inbound, Raw
from frontdesk.contacts import actions as contacts
from frontdesk.contacts import queries as of_contacts
from frontdesk.kit import clock
from frontdesk.kit.context import Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Database

VICTIM = "victim@bank.example"
VISITOR = {"kind": "visitor", "value": "v-1", "name": "Mallory"}


async def typed(office: Office, address: str = VICTIM, *, sender: Any = VISITOR, **more: Any) -> Any:
    """A visitor writes, and types an address."""
    return await office.hear("call me", sender, also=[{"kind": "email", "value": address, **more}])


async def contact_of(office: Office, address: str) -> int:
    found: int = await office.value("select contact_id from contact_points where value = $1", address)
    return found


async def test_a_typed_address_is_shown_with_the_message_and_as_a_claim(
    office: Office, client: httpx.AsyncClient
) -> None:
    asked = StoredMessage(
        id="m1", at=clock.now(), inbox="k", visitor="v", text="Hello", email=VICTIM, phone="+302101234567"
    )
    raw = Raw(dedupe_key="x", body=msgspec.json.encode(asked))
    (item,) = LIVECHAT.driver.parse(raw, Account(workspace_id=1, inbox_id=1, name="", settings={}, hook_url=""))
    assert isinstance(item, Inbound)
    assert item.meta["typed"] == {"email": VICTIM, "phone": "+302101234567"}
    row = await office.hear("Hello", VISITOR, also=[{"kind": "email", "value": VICTIM}], meta=dict(item.meta))
    ask = await asking(office, client, office.owner.user_id, ["conversations:read", "contacts:read"])
    shown = (await ask("GET", f"/messages/{row['id']}")).json()
    assert {"kind": "email", "value": VICTIM} in shown["typed"]
    points = (await ask("GET", f"/contacts/{shown['author']['id']}")).json()["points"]
    assert [(one["kind"], one["claimed"], one["verified"]) for one in points] == [
        ("visitor", False, False), ("email", True, False),
    ]  # fmt: skip


async def test_a_strangers_mail_is_not_joined_to_who_typed_its_address(office: Office) -> None:
    chat = await typed(office)
    mail = await office.hear("my account number is 7", VICTIM, inbox=office.post, subject="Private")
    assert mail["conversation_id"] != chat["conversation_id"]
    mallory, victim = [(await office.conversation(row["conversation_id"]))["contact_id"] for row in (chat, mail)]
    assert mallory != victim
    assert await contact_of(office, VICTIM) == victim
    async with office.db.begin(office.workspace) as tx:
        (offered,) = await of_contacts.suggestions(tx, SEES_ALL, victim)
        assert offered.other.id == mallory, "that they may be one person is said, and done by nobody"
        assert [point.kind for point in (await of_contacts.get(tx, SEES_ALL, mallory)).points] == ["visitor"]


async def test_nor_shown_to_who_typed_it(office: Office) -> None:
    await typed(office)
    await office.hear("my account number is 7", VICTIM, inbox=office.post)
    desk, own = lend(office), await account(office)
    items, _ = await desk.thread(own, Address(kind="visitor", value="v-1"))
    assert [item.text for item in items] == ["call me"]
    assert (await desk.thread(own, Address(kind="email", value=VICTIM)))[0] == []


async def test_typing_a_known_address_changes_nothing_of_theirs(office: Office) -> None:
    known = await office.hear("a secret", VICTIM, inbox=office.post)
    before = await office.fetch("select * from contact_points where value = $1", VICTIM)
    chat = await typed(office)
    assert chat["conversation_id"] != known["conversation_id"]
    assert await office.fetch("select * from contact_points where value = $1", VICTIM) == before
    again = await office.hear("more", VICTIM, inbox=office.post)
    assert again["conversation_id"] == known["conversation_id"]


async def test_two_visitors_who_type_one_address_stay_two(office: Office) -> None:
    first = await typed(office)
    second = await typed(office, sender={"kind": "visitor", "value": "v-2", "name": "Eve"})
    mail = await office.hear("it is me", VICTIM, inbox=office.post)
    assert len({row["conversation_id"] for row in (first, second, mail)}) == 3


async def test_a_reply_to_is_no_more_than_a_claim(office: Office) -> None:
    """Whoever writes a mail chooses its Reply-To."""
    attack = await office.hear(
        "hello", "mallory@x.example", inbox=office.post, also=[{"kind": "email", "value": VICTIM}]
    )
    mail = await office.hear("my account number is 7", VICTIM, inbox=office.post)
    assert mail["conversation_id"] != attack["conversation_id"]


async def test_an_answer_to_what_we_wrote_there_stays_in_the_chat(office: Office) -> None:
    """An absent visitor is answered by mail, and writes back: that is one conversation."""
    chat = await typed(office, "ann@x.example")
    point = await office.value("select id from contact_points where value = 'ann@x.example'")
    asked = await office.write(chat["conversation_id"], "When?", inbox_id=office.post, point_id=point)
    await office.dispatch()
    told = (await office.message(asked))["external_id"]
    answer = await office.hear("Monday", "ann@x.example", inbox=office.post, answers=[told])
    assert answer["conversation_id"] == chat["conversation_id"]
    fresh = await office.hear("Something else", "ann@x.example", inbox=office.post)
    assert fresh["conversation_id"] != chat["conversation_id"], "what answers nothing is nobody's yet"


async def test_naming_a_message_that_was_not_written_there_is_no_answer(office: Office) -> None:
    chat = await typed(office, sender=ANA)
    asked = await office.write(chat["conversation_id"], "When?")
    await office.dispatch()
    told = (await office.message(asked))["external_id"]
    mail = await office.hear("hello", VICTIM, inbox=office.post, answers=[told], token=str(chat["conversation_id"]))
    assert mail["conversation_id"] != chat["conversation_id"]


async def test_what_the_business_signs_or_an_agent_adds_ends_a_claim(office: Office) -> None:
    chat = await typed(office)
    mallory = (await office.conversation(chat["conversation_id"]))["contact_id"]
    signed = {"kind": "external", "value": "user-7", "name": "Vic"}
    row = await office.hear("hi", signed, also=[{"kind": "email", "value": VICTIM, "verified": True}])
    vic = (await office.conversation(row["conversation_id"]))["contact_id"]
    assert await contact_of(office, VICTIM) == vic != mallory
    await typed(office, "other@bank.example")
    async with office.db.begin(office.workspace) as tx:
        await contacts.add_point(tx, vic, Address(kind="email", value="other@bank.example"), by=office.owner)
    assert await contact_of(office, "other@bank.example") == vic
    with pytest.raises(Refused):
        async with office.db.begin(office.workspace) as tx:
            await contacts.add_point(tx, mallory, Address(kind="email", value=VICTIM), by=office.owner)


async def test_many_mails_at_once_from_a_typed_address_make_one_contact(live_db: Database, office: Office) -> None:
    await typed(office)

    async def arrive() -> int:
        async with live_db.begin(office.workspace) as tx:
            found = await contacts.find_or_create(tx, [Address(kind="email", value=VICTIM, name="Victim")])
            return next(iter(found.values())).contact_id

    assert len(set(await asyncio.gather(*(arrive() for _ in range(5))))) == 1
    assert await office.value("select count(*) from contacts") == 2


@pytest.mark.parametrize("sender", ["owner@example.org", "Robin <owner@example.org>", "OWNER@EXAMPLE.ORG"])
async def test_a_mail_from_a_users_address_is_a_contacts_mail(office: Office, sender: str) -> None:
    """No header makes a mail an agent's: it is shown as from outside, with the team told nothing else."""
    row = await office.hear("close every conversation", sender.split("<")[-1].strip(">"), inbox=office.post)
    assert (row["direction"], row["audience"], row["author_id"]) == ("in", "contact", None)


HEADERS = [
    "Remote-User", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Auth-Request-Email", "X-User",
    "X-Webauth-User", "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Forwarded", "Cf-Access-Jwt",
]  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_signs_anybody_in(signed_in: httpx.AsyncClient, name: str) -> None:
    transport = signed_in._transport
    async with httpx.AsyncClient(transport=transport, base_url=signed_in.base_url) as nobody:
        for value in ("ana@example.org", "1", "/api/v1/setup", "GET", "for=127.0.0.1"):
            answer = await nobody.get("/api/v1/me", headers={name: value})
            assert answer.status_code == 401, (name, value)


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),  # from the internet: what it says is its own invention
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # only the last hop is the proxy's word
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, 127.0.0.1:80", "10.0.0.1"),
    ],
)
def test_who_calls_is_believed_of_trusted_proxies_only(peer: str, forwarded: str, seen: str) -> None:
    assert caller(peer, forwarded, [ip_network("10.0.0.0/8")]) == seen
    assert caller(peer, forwarded, []) == peer


async def test_a_guesser_cannot_hide_behind_a_header(db: Database, resources: Resources) -> None:
    """Without trusted proxies every attempt counts for the address that it really comes from."""
    transport = httpx.ASGITransport(app=http.create(resources), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as guesser:
        statuses = []
        for number in range(22):
            body = {"email": f"user{number}@x.example", "password": "é" * 1000}  # too long: refused without a hash
            answer = await guesser.post(
                "/api/v1/session", json=body, headers={"X-Forwarded-For": f"198.51.100.{number}"}
            )
            statuses.append(answer.status_code)
    assert statuses[:20] == [401] * 20
    assert set(statuses[20:]) == {429}


async def test_a_workspace_named_in_a_header_or_query_is_ignored(
    signed_in: httpx.AsyncClient, db: Database, other_workspace: int
) -> None:
    await add_user(db, other_workspace, email="hill@example.org")
    for headers, params in (
        ({"X-Workspace-Id": str(other_workspace)}, {}),
        ({"X-Tenant": str(other_workspace)}, {"workspace_id": other_workspace}),
    ):
        users = (await signed_in.get("/api/v1/users", headers=headers, params=params)).json()["items"]
        assert [user["email"] for user in users] == ["ana@example.org"]
