"""R24: something said in one conversation that turns up in another, or before another's eyes."""

from __future__ import annotations

import httpx
import pytest

from app.test_app_desk import account, lend
from conftest import add_user
from conversations.office import ANA, BEN, Office
from conversations.test_conversations_restricted import Ask, as_ben, as_owner, asking, ben  # noqa: F401  (fixtures)
from frontdesk.channels.port import Address
from frontdesk.contacts import actions as contacts
from frontdesk.kit.errors import Refused


async def both(office: Office) -> tuple[int, int]:
    first, second = [(await office.hear("hello", who))["conversation_id"] for who in (ANA, BEN)]
    return first, second


async def shown_to(office: Office, value: str) -> list[str]:
    items, _ = await lend(office).thread(await account(office), Address(kind="phone", value=value))
    return [item.text for item in items]


async def test_each_contact_sees_their_own_thread(office: Office) -> None:
    first, second = await both(office)
    for talk, text in ((first, "for Ana"), (second, "for Ben")):
        await office.write(talk, text)
    await office.dispatch()
    assert await shown_to(office, ANA) == ["hello", "for Ana"]
    assert await shown_to(office, BEN) == ["hello", "for Ben"]
    assert await shown_to(office, "+30999") == []


async def test_merging_two_people_shows_neither_what_the_other_said(office: Office) -> None:
    """The team sees one person; each address still sees only what went through it."""
    first, second = await both(office)
    people = [(await office.conversation(talk))["contact_id"] for talk in (first, second)]
    async with office.db.begin(office.workspace) as tx:
        await contacts.merge(tx, people[1], people[0], office.owner.user_id)
    await office.hear("Ana's secret", ANA)
    assert "Ana's secret" not in await shown_to(office, BEN)
    assert "Ana's secret" in await shown_to(office, ANA)


async def test_nothing_is_sent_to_an_address_of_somebody_else(office: Office, as_owner: Ask) -> None:  # noqa: F811
    first, second = await both(office)
    theirs = await office.value("select id from contact_points where value = $1", BEN)
    answer = await as_owner("POST", f"/conversations/{first}/messages", {"text": "x", "point_id": theirs})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_contact")
    assert second != first
    assert office.driver().sent == []


async def test_a_message_moves_only_between_conversations_of_one_person(office: Office, as_owner: Ask) -> None:  # noqa: F811
    first, second = await both(office)
    message = (await office.hear("mine", ANA))["id"]
    answer = await as_owner("POST", f"/messages/{message}/move", {"conversation_id": second})
    assert (answer.status_code, answer.json()["code"]) == (409, "other_contact")
    assert (await office.message(message))["conversation_id"] == first


@pytest.mark.parametrize("named", ["token", "answers"])
async def test_naming_a_conversation_does_not_lead_into_it(office: Office, named: str) -> None:
    """A stranger's mail that names somebody's conversation, by its number or by one of its messages."""
    theirs = await office.hear("private", "carl@x.example", inbox=office.post)
    more = {"token": str(theirs["conversation_id"])} if named == "token" else {"answers": [theirs["external_id"]]}
    forged = await office.hear("let me in", "mallory@x.example", inbox=office.post, **more)
    assert forged["conversation_id"] != theirs["conversation_id"]


async def test_one_id_in_two_inboxes_is_two_messages(office: Office) -> None:
    other = await office.connect("line", "Second", number="+302107777777")
    first = await office.hear("one", ANA, external_id="same")
    await office.deliver({**office.said("two", BEN), "external_id": "same"}, inbox=other)
    rows = await office.fetch("select conversation_id, text from messages where external_id = 'same' order by id")
    assert [row["text"] for row in rows] == ["one", "two"]
    assert rows[0]["conversation_id"] == first["conversation_id"] != rows[1]["conversation_id"]


async def test_a_receipt_counts_for_its_own_inbox(office: Office) -> None:
    other = await office.connect("line", "Second", number="+302107777777")
    talk, _ = await both(office)
    sent = await office.write(talk, "hi")
    await office.dispatch()
    told = (await office.message(sent))["external_id"]
    await office.deliver({"state": "failed", "external_id": told, "reason": "forged"}, inbox=other)
    assert (await office.message(sent))["delivery"] != "failed"


async def test_a_key_of_one_message_is_no_door_to_another(office: Office, as_ben: Ask, as_owner: Ask, ben: int) -> None:  # noqa: F811
    """An Idempotency-Key that somebody else used answers with nothing of theirs."""
    first, second = await both(office)
    await office.execute("update conversations set assignee_id = $1 where id = $2", ben, second)
    key = "3f6f8f0e-2f3d-4a51-9f6a-0a8c3a2f1c11"
    said = await as_owner("POST", f"/conversations/{first}/messages", {"text": "for Ana alone"}, key)
    assert said.status_code == 201
    for path in ("messages", "comments"):
        answer = await as_ben("POST", f"/conversations/{second}/{path}", {"text": "hello"}, key)
        assert "for Ana alone" not in answer.text
        assert answer.status_code in (201, 409)
    assert len(await office.fetch("select 1 from messages where text = 'for Ana alone'")) == 1


async def test_a_file_goes_only_with_what_it_was_uploaded_for(office: Office, client: httpx.AsyncClient) -> None:
    first, second = await both(office)
    ask = await asking(office, client, office.owner.user_id, ["conversations:read", "conversations:write"])
    other = await add_user(office.db, office.workspace, role="user", email="o@x.example")
    theirs = await asking(office, client, other.user_id, ["conversations:read", "conversations:write"])
    file = (await ask("POST", "/files?name=a.txt", {"x": 1})).json()["id"]
    stolen = await theirs("POST", f"/conversations/{second}/comments", {"text": "x", "files": [file]})
    assert (stolen.status_code, stolen.json()["code"]) == (400, "unknown_file")
    assert (await ask("POST", f"/conversations/{first}/comments", {"text": "x", "files": [file]})).status_code == 201


async def test_an_image_inside_a_mail_is_one_of_its_own(office: Office, client: httpx.AsyncClient) -> None:
    """``cid:`` names are the sender's to choose: another message's picture does not appear under them."""
    files = [{"name": "a.png", "content_type": "image/png", "data": "secret picture", "content_id": "<pic>"}]
    await office.hear("mine", "carl@x.example", inbox=office.post, files=files)
    forged = await office.hear("see", "mallory@x.example", inbox=office.post, html='<img src="cid:pic">')
    ask = await asking(office, client, office.owner.user_id, ["conversations:read"])
    answer = await ask("GET", f"/messages/{forged['id']}/html")
    assert answer.headers["cache-control"] == "no-store"  # who signs out leaves no mail in the browser
    page = answer.text
    assert "/files/" not in page


async def test_two_conversations_of_one_person_stay_apart(office: Office) -> None:
    first, _ = await both(office)
    contact = (await office.conversation(first))["contact_id"]
    second = await office.value(
        "insert into conversations (workspace_id, contact_id, last_at) values ($1, $2, now()) returning id",
        office.workspace, contact,
    )  # fmt: skip
    await office.hear("more", ANA)
    assert (await office.conversation(second))["message_count"] == 0


async def test_a_conversation_is_not_merged_into_itself(office: Office, as_owner: Ask) -> None:  # noqa: F811
    first, _ = await both(office)
    answer = await as_owner("POST", f"/conversations/{first}/merge", {"into": first})
    assert answer.status_code == 409
    assert Refused.status == 409
