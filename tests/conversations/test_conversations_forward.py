"""Passing a message on: who wrote it to whom, and its images in their places."""

from __future__ import annotations

from conversations.office import Office
from frontdesk.channels.port import Address
from frontdesk.contacts import actions as contacts
from frontdesk.conversations.actions import forward

ANA_MAIL, CARL_MAIL = "ana@x.example", "carl@x.example"


async def test_a_forwarded_message_names_people_and_keeps_its_images(office: Office) -> None:
    meta = {
        "from": [{"name": "Ana", "address": ANA_MAIL}],
        "to": [{"name": "Desk", "address": "desk@harbour.example"}, {"name": "", "address": "b@x.example"}],
    }
    file = {"name": "logo.png", "content_type": "image/png", "content_id": "logo@x", "inline": True, "data": "png"}
    row = await office.hear(
        "look", ANA_MAIL, inbox=office.post, meta=meta, html='<img src="cid:logo@x">', subject="Logo", files=[file]
    )
    async with office.db.begin(office.workspace) as tx:
        address = Address(kind="email", value=CARL_MAIL)
        found = (await contacts.find_or_create(tx, [address]))["email", "", CARL_MAIL]
        message_id = await forward(
            tx, row, found.contact_id, found.point_id, inbox_id=office.post, text="For you", actor=office.owner
        )
    sent = await office.message(message_id)
    assert f"From: Ana <{ANA_MAIL}>\n" in sent["text"]
    assert "To: Desk <desk@harbour.example>, b@x.example\n" in sent["text"]
    assert f"From: Ana &lt;{ANA_MAIL}&gt;<br>" in sent["html"]
    (attached,) = await office.fetch("select * from attachments where message_id = $1", message_id)
    assert (attached["content_id"], attached["inline"]) == ("logo@x", True)
    await office.dispatch()
    (handed,) = office.driver("post").sent
    assert [one.content_id for one in handed.attachments] == ["logo@x"]


async def test_a_message_of_ours_is_passed_on_with_plain_addresses(office: Office) -> None:
    talk = (await office.hear("hello", ANA_MAIL, inbox=office.post))["conversation_id"]
    ours = await office.message(await office.write(talk, "our words", inbox_id=office.post))
    async with office.db.begin(office.workspace) as tx:
        address = Address(kind="email", value=CARL_MAIL)
        found = (await contacts.find_or_create(tx, [address]))["email", "", CARL_MAIL]
        message_id = await forward(
            tx, ours, found.contact_id, found.point_id, inbox_id=office.post, text="", actor=office.owner
        )
    text = (await office.message(message_id))["text"]
    assert "From: desk@harbour.example\n" in text
    assert f"To: {ANA_MAIL}\n" in text
