"""What people do with conversations, and what time alone brings about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from conftest import add_user
from conversations.office import ANA, BEN, Office, Time
from conversations.pretend import Pretend, line
from frontdesk.channels.port import Account, Raw, Rejected, TryLater
from frontdesk.conversations.actions import change, write
from frontdesk.conversations.handlers import clocks
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit.errors import Invalid, NotFound, Refused


async def patch(office: Office, conversation: int, **changes: Any) -> None:
    async with office.db.begin(office.workspace) as tx:
        await change.change(tx, conversation, ConversationPatch(**changes), actor=office.owner)


async def activities(office: Office) -> list[str]:
    rows = await office.fetch("select activity from messages where direction = 'activity' order by id")
    return [row["activity"] for row in rows]


async def test_what_already_is_so_changes_nothing_and_is_not_told(office: Office) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    await patch(office, conversation, assignee_id=office.owner.user_id)
    before = await office.conversation(conversation)
    await patch(office, conversation, assignee_id=office.owner.user_id, status="open", subject=None, team_id=None)
    assert await office.conversation(conversation) == before
    assert await activities(office) == ["assigned"]


async def test_every_change_leaves_a_line_in_the_thread(office: Office, time: Time) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    team = await office.value(f"insert into teams (workspace_id, name) values ({office.workspace}, 'N') returning id")
    for changes in (
        {"assignee_id": office.owner.user_id}, {"assignee_id": None}, {"team_id": team}, {"team_id": None},
        {"snoozed_until": time.now + timedelta(hours=1)}, {"status": "closed"}, {"status": "open"},
        {"subject": "Tooth"},
    ):  # fmt: skip
        await patch(office, conversation, **changes)
    assert await activities(office) == [
        "assigned", "unassigned", "team_assigned", "team_unassigned", "status", "status", "status",
    ]  # fmt: skip
    assert (await office.conversation(conversation))["subject"] == "Tooth"


async def test_who_does_not_exist_cannot_be_assigned_and_the_past_cannot_be_snoozed_to(
    office: Office, time: Time
) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    for changes in ({"assignee_id": 10**9}, {"team_id": 10**9}, {"snoozed_until": time.now}):
        with pytest.raises(Invalid):
            await patch(office, conversation, **changes)


async def test_a_snooze_ends_by_itself(office: Office, time: Time) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    await patch(office, conversation, snoozed_until=time.now + timedelta(hours=1))
    time.move(minutes=59)
    await office.tick()
    assert (await office.conversation(conversation))["status"] == "snoozed"
    time.move(minutes=1)
    await office.tick()
    woken = await office.conversation(conversation)
    assert (woken["status"], woken["snoozed_until"], woken["last_at"]) == ("open", None, time.now)
    assert (await office.events("ConversationChanged"))[-1]["facts"]["changed"] == ["status"]


async def test_a_reopened_conversation_joins_again_unless_another_does(office: Office, time: Time) -> None:
    first = (await office.hear("one"))["conversation_id"]
    await patch(office, first, status="closed")
    time.move(days=30)
    second = (await office.hear("two"))["conversation_id"]
    await patch(office, first, status="open")
    assert (await office.conversation(first))["join_key"] is None
    assert (await office.hear("three"))["conversation_id"] == second
    for conversation in (first, second):
        await patch(office, conversation, status="closed")
    await patch(office, first, status="open")
    assert (await office.hear("four"))["conversation_id"] == first


async def test_merging_moves_everything_and_leaves_an_empty_trace(office: Office) -> None:
    first = (await office.hear("one"))["conversation_id"]
    contact = (await office.conversation(first))["contact_id"]
    async with office.db.begin(office.workspace) as tx:
        second, _ = await change.open_conversation(tx, contact, office.line, second=True, actor_id=None)
        label = await write.create_label(tx, "Lead", "#112233", actor_id=office.owner.user_id)
        await change.label(tx, second, label, on=True, actor=office.owner)
    await office.write(second, "answer", inbox_id=office.line)
    async with office.db.begin(office.workspace) as tx:
        await change.merge(tx, second, first, actor=office.owner)
    winner, loser = await office.conversation(first), await office.conversation(second)
    assert (winner["message_count"], winner["inbound_count"], winner["last_preview"]) == (2, 1, "answer")
    assert (loser["status"], loser["message_count"], loser["join_key"]) == ("closed", 0, None)
    assert await office.value("select count(*) from conversation_labels where conversation_id = $1", first) == 1
    await office.dispatch()
    assert office.driver().sent[0].token == str(first)
    with pytest.raises(Refused):
        async with office.db.begin(office.workspace) as tx:
            await change.merge(tx, first, first, actor=office.owner)


async def test_a_message_moves_only_between_conversations_of_its_contact(office: Office) -> None:
    mine, other = await office.hear("mine", ANA), await office.hear("other", BEN)
    with pytest.raises(Refused) as caught:
        async with office.db.begin(office.workspace) as tx:
            await change.move_message(tx, mine["id"], other["conversation_id"], actor=office.owner)
    assert caught.value.code == "other_contact"
    with pytest.raises(NotFound):
        async with office.db.begin(office.workspace) as tx:
            await change.move_message(tx, 10**9, other["conversation_id"], actor=office.owner)


async def test_read_and_unread_are_ones_own(office: Office) -> None:
    conversation = (await office.hear("one"))["conversation_id"]
    await office.hear("two")
    other = await add_user(office.db, office.workspace, role="admin", email="b@x.example")
    counts = []
    for act, who in (
        (lambda tx, a: change.mark_read(tx, conversation, 1, actor=a), office.owner),
        (lambda tx, a: change.mark_read(tx, conversation, None, actor=a), office.owner),
        (lambda tx, a: change.mark_read(tx, conversation, 1, actor=a), office.owner),  # reading does not go back
        (lambda tx, a: change.mark_unread(tx, conversation, actor=a), office.owner),
        (lambda tx, a: change.mark_read(tx, conversation, 10**12, actor=a), other),
    ):
        async with office.db.begin(office.workspace) as tx:
            await act(tx, who)
        counts.append(await office.value("select read_count from read_states where user_id = $1", who.user_id))
    assert counts == [1, 2, 2, 1, 2]
    assert {event["user_id"] for event in await office.events("ReadStateChanged")} == {
        office.owner.user_id, other.user_id,
    }  # fmt: skip


async def test_a_label_has_one_name_and_comes_off_everything_when_it_is_deleted(office: Office) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    by = office.owner.user_id
    async with office.db.begin(office.workspace) as tx:
        lead = await write.create_label(tx, "Lead", "#112233", actor_id=by)
        hot = await write.create_label(tx, "Hot", "#112233", actor_id=by)
        await change.label(tx, conversation, lead, on=True, actor=office.owner)
        await change.label(tx, conversation, lead, on=True, actor=office.owner)
    assert await activities(office) == ["label_added"]
    for act in (
        lambda tx: write.create_label(tx, " Lead ", "#000000", actor_id=by),
        lambda tx: write.change_label(tx, hot, name="Lead", colour="#000000", actor_id=by),
        lambda tx: write.change_label(tx, 10**9, name="X", colour="#000000", actor_id=by),
        lambda tx: write.delete_label(tx, 10**9, actor_id=by),
        lambda tx: change.label(tx, conversation, 10**9, on=True, actor=office.owner),
    ):
        with pytest.raises((Refused, NotFound)):
            async with office.db.begin(office.workspace) as tx:
                await act(tx)
    async with office.db.begin(office.workspace) as tx:
        await write.delete_label(tx, lead, actor_id=by)
    assert await office.value("select count(*) from conversation_labels") == 0


async def test_a_draft_is_kept_until_it_is_empty(office: Office) -> None:
    conversation = (await office.hear("hi"))["conversation_id"]
    for body, kept in (({"text": "so"}, 1), ({"text": "so far"}, 1), ({"text": "  "}, 0)):
        async with office.db.begin(office.workspace) as tx:
            await write.keep_draft(tx, conversation, "reply", body, actor=office.owner)
        assert await office.value("select count(*) from drafts") == kept


class Library(Pretend):
    """Its provider keeps files, and knows of deliveries that it never made."""

    def __init__(self) -> None:
        super().__init__("phone")
        self.answers: list[Any] = []
        self.kept: list[Raw] = []

    async def fetch(self, url: str, account: Account) -> tuple[bytes, str]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, "image/png"

    async def missed(self, account: Account, *, since: Any) -> Any:
        for raw in self.kept:
            yield raw


async def test_a_file_is_fetched_later_or_shown_as_lost(office: Office) -> None:
    driver = Library()
    office.install(line(driver))
    files = [{"name": f"{n}.png", "content_type": "image/x", "url": f"https://p.example/{n}"} for n in range(2)]
    row = await office.hear("look", files=files)
    first, second = [file["id"] for file in await office.fetch("select id from attachments order by id")]
    driver.answers = [TryLater("not yet"), b"bytes", Rejected("It is gone.")]
    fetch = {"resources": office.resources, "workspace_id": office.workspace}
    with pytest.raises(TryLater):
        await clocks.fetch_media(**fetch, attachment_id=first)
    await clocks.fetch_media(**fetch, attachment_id=first)
    await clocks.fetch_media(**fetch, attachment_id=second)
    await clocks.fetch_media(**fetch, attachment_id=second)  # a job that runs twice
    seen = await office.fetch("select state, size, content_type, error from attachments order by id")
    assert [tuple(file) for file in seen] == [("ready", 5, "image/png", None), ("failed", 0, "image/x", "It is gone.")]
    assert (await office.message(row["id"]))["rev"] == row["rev"] + 2


async def test_a_file_that_its_channel_cannot_fetch_is_shown_as_lost(office: Office) -> None:
    await office.hear("look", files=[{"name": "1.png", "content_type": "image/x", "url": "https://p.example/1"}])
    fetch = {"resources": office.resources, "workspace_id": office.workspace}
    file = await office.value("select id from attachments")
    await clocks.fetch_media(**fetch, attachment_id=file)
    assert await office.value("select error from attachments") == "This channel cannot fetch files."
    await clocks.give_up_media(**fetch, attachment_id=file)  # the job was given up by another process meanwhile
    assert await office.value("select error from attachments") == "This channel cannot fetch files."


async def test_what_the_provider_never_delivered_is_recovered_once(office: Office, time: Time) -> None:
    import json

    driver = Library()
    office.install(line(driver))
    driver.kept = [Raw(dedupe_key="lost", body=json.dumps([office.said("lost")]).encode())]
    inbox = (await office.fetch("select * from inboxes where id = $1", office.line))[0]
    assert await clocks.reconcile(office.resources, inbox) == 1
    assert await clocks.reconcile(office.resources, inbox) == 0
    await office.ingest()
    assert await office.value("select text from messages") == "lost"
    letters = (await office.fetch("select * from inboxes where id = $1", office.post))[0]
    assert await clocks.reconcile(office.resources, letters) == 0


async def test_what_nothing_needs_any_more_is_swept_and_a_late_repeat_is_still_a_repeat(
    office: Office, time: Time
) -> None:
    said = office.said("once")
    await office.deliver(said, {"state": "sent", "external_id": "nobody"}, key="k")
    time.move(days=31)
    await clocks.sweep(office.resources)
    raw = (await office.fetch("select body, headers from raw_deliveries"))[0]
    assert (raw["body"], raw["headers"]) == (b"", {})
    assert await office.value("select count(*) from events") == 0
    assert await office.value("select count(*) from parked_receipts") == 0
    assert await office.store(said, key="k") == 0
    await office.deliver(said, key="another")
    assert await office.value("select count(*) from messages") == 1
