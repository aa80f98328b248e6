"""What actions do with what is not there, says nothing new, or has no name."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.office import Office
from frontdesk.channels.port import DeliveryState
from frontdesk.conversations import rules
from frontdesk.conversations.actions import receipts, write
from frontdesk.kit.errors import Invalid, NotFound, Problem

NOBODYS = 987_654_321


async def test_a_conversation_that_is_not_there_is_not_written_to(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.write(NOBODYS)


@pytest.mark.parametrize("cc", ["nobody", "a@x.example, b@x.example", "a@x.example\nBcc: b@x.example", "<a@x.example>"])
async def test_a_copy_goes_to_mail_addresses_only(office: Office, cc: str) -> None:
    letter = await office.hear("Words", {"value": "eve@example.org", "kind": "email"}, inbox=office.post, subject="Hi")
    for copies in ({"cc": [cc]}, {"bcc": [cc]}):
        with pytest.raises(Invalid) as caught:
            await office.write(letter["conversation_id"], **copies)
        assert caught.value.code == "bad_address"


async def test_a_receipt_for_nothing_is_no_receipt(office: Office) -> None:
    heard = await office.hear("Hello")
    async with office.db.begin(office.workspace) as tx:
        for message in (NOBODYS, heard["id"]):
            assert not await receipts.record(tx, message, DeliveryState.delivered, source="provider")
    assert await office.value("select count(*) from receipts where message_id = $1", heard["id"]) == 0


async def test_a_receipt_that_says_the_same_is_kept_and_changes_nothing(office: Office) -> None:
    sent = await office.write((await office.hear("Hello"))["conversation_id"])
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        first, again = [
            await receipts.record(tx, sent, DeliveryState.delivered, source="provider", force=True) for _ in range(2)
        ]
    assert (first, again) == (True, False)
    assert (await office.history(sent)).count("delivered") == 2


UNSEEN = ("", " \t\n", "\u200b", "\u2060\u00ad", "\u202e\u202c", "\x00", "\u3164\u200d"[1:], "\u0301")


@pytest.mark.parametrize("name", UNSEEN, ids=ascii)
async def test_a_label_has_a_name_that_is_seen(office: Office, name: str) -> None:
    """Whether it is made or changed: in the list a label without one could be neither read nor hit."""
    assert rules.label_name(name) == ""
    async with office.db.begin(office.workspace) as tx:
        with pytest.raises(Invalid, match="A label needs a name"):
            await write.create_label(tx, name, "#112233", actor_id=office.owner.user_id)
        label = await write.create_label(tx, " Two \r\n words\u200b ", "#112233", actor_id=office.owner.user_id)
        with pytest.raises(Invalid, match="A label needs a name"):
            await write.change_label(tx, label, name=name, colour="#445566", actor_id=office.owner.user_id)
        row = await tx.fetchrow("select name, colour from labels where id = $1", label)
    assert dict(row or {}) == {"name": "Two words\u200b", "colour": "#112233"}


@pytest.mark.parametrize("change", [{"name": "New"}, {"colour": "#112233"}], ids=["name", "colour"])
async def test_a_label_that_is_not_there_is_not_changed(office: Office, change: dict[str, Any]) -> None:
    async with office.db.begin(office.workspace) as tx:
        with pytest.raises(Problem):
            await write.change_label(
                tx, NOBODYS, **{"name": "Other", "colour": "#000000", **change}, actor_id=office.owner.user_id
            )
