"""Which conversation a message joins: by token, by what it answers, by policy, by what was closed a short while ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from conversations.office import ANA, BEN, Office, Time
from frontdesk.conversations.actions import change, join
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit.transaction import Tx

ANA_MAIL, BEN_MAIL = "ana@x.example", "ben@x.example"


async def patch(office: Office, conversation_id: int, **changes: object) -> None:
    async with office.db.begin(office.workspace) as tx:
        await change.change(tx, conversation_id, ConversationPatch(**changes), actor=office.owner)  # type: ignore[arg-type]


async def second(office: Office, contact_id: int, inbox: int) -> int:
    """Another conversation beside the open one, on purpose."""
    async with office.db.begin(office.workspace) as tx:
        made, new = await change.open_conversation(tx, contact_id, inbox, second=True, actor_id=office.owner.user_id)
    assert new
    return made


async def settings(office: Office, **given: object) -> None:
    async with office.db.begin(office.workspace) as tx:
        await tx.execute("update workspaces set settings = settings || $2 where id = $1", office.workspace, given)


async def test_one_conversation_for_a_contact_through_all_inboxes(office: Office) -> None:
    other = await office.connect("line", "Second")
    first = await office.hear("one")
    assert (await office.hear("two", inbox=other))["conversation_id"] == first["conversation_id"]
    assert sorted((await office.conversation(first["conversation_id"]))["inbox_ids"]) == sorted([office.line, other])
    assert (await office.hear("three", BEN))["conversation_id"] != first["conversation_id"]


async def test_one_conversation_for_a_contact_and_inbox_where_the_workspace_wants_it(office: Office) -> None:
    await settings(office, joining="contact_inbox")
    other = await office.connect("line", "Second")
    first, apart = await office.hear("one"), await office.hear("two", inbox=other)
    assert apart["conversation_id"] != first["conversation_id"]
    assert (await office.hear("three"))["conversation_id"] == first["conversation_id"]
    await patch(office, first["conversation_id"], status="closed")
    assert (await office.hear("four"))["conversation_id"] == first["conversation_id"]
    assert (await office.hear("five", inbox=other))["conversation_id"] == apart["conversation_id"]


async def test_one_that_somebody_opens_at_this_moment_is_joined_and_the_other_is_announced(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settings(office, joining="contact_inbox", reopen_days=0)
    first, other = await office.hear("before"), await office.connect("line", "Second")
    await patch(office, first["conversation_id"], status="closed")
    contact = (await office.conversation(first["conversation_id"]))["contact_id"]
    open_, opened = join._open, []

    async def overtaken(tx: Tx, *rest: Any) -> Any:
        opened.append(await change.open_conversation(tx, contact, office.line, second=False, actor_id=None))
        return await open_(tx, *rest)

    monkeypatch.setattr(join, "_open", overtaken)
    await office.store(office.said("one"))
    await office.store(office.said("two"), inbox=other)
    await office.ingest()
    places = await office.fetch("select conversation_id from messages where text in ('one', 'two') order by text")
    assert [places[0]["conversation_id"]] == [conversation_id for conversation_id, _ in opened]
    announced = [event["conversation_id"] for event in await office.events("ConversationOpened")]
    assert sorted(announced) == sorted({first["conversation_id"], *(row["conversation_id"] for row in places)})


async def test_what_was_closed_in_one_inbox_is_not_reopened_by_another(office: Office) -> None:
    await settings(office, joining="contact_inbox")
    other = await office.connect("line", "Second")
    first = await office.hear("one")
    await patch(office, first["conversation_id"], status="closed")
    assert (await office.hear("two", inbox=other))["conversation_id"] != first["conversation_id"]
    assert (await office.conversation(first["conversation_id"]))["status"] == "closed"


async def test_a_token_leads_to_its_conversation(office: Office) -> None:
    first = await office.hear("one", ANA_MAIL, inbox=office.post)
    beside = await second(office, (await office.conversation(first["conversation_id"]))["contact_id"], office.post)
    await office.write(beside, "on another matter", inbox_id=office.post, subject="Other")
    answer = await office.hear("yes", ANA_MAIL, inbox=office.post, token=str(beside))
    assert answer["conversation_id"] == beside
    assert (await office.hear("and", ANA_MAIL, inbox=office.post))["conversation_id"] == first["conversation_id"]


async def test_an_answer_goes_where_what_it_answers_is(office: Office) -> None:
    first = await office.hear("one", ANA_MAIL, inbox=office.post)
    beside = await second(office, (await office.conversation(first["conversation_id"]))["contact_id"], office.post)
    sent = await office.write(beside, "on another matter", inbox_id=office.post, subject="Other")
    await office.dispatch()
    ours = (await office.message(sent))["external_id"]
    answer = await office.hear("yes", ANA_MAIL, inbox=office.post, answers=["unknown@x", ours])
    assert answer["conversation_id"] == beside


async def test_only_where_answers_name_what_they_answer(office: Office) -> None:
    """On a channel without threads an id in ``answers`` decides nothing."""
    first = await office.hear("one")
    beside = await second(office, (await office.conversation(first["conversation_id"]))["contact_id"], office.line)
    sent = await office.write(beside, "other", inbox_id=office.line)
    await office.dispatch()
    ours = (await office.message(sent))["external_id"]
    assert (await office.hear("yes", answers=[ours]))["conversation_id"] == first["conversation_id"]


async def test_a_stranger_who_names_a_message_does_not_get_into_its_conversation(office: Office) -> None:
    first = await office.hear("secret", ANA_MAIL, inbox=office.post)
    forged = await office.hear("let me in", BEN_MAIL, inbox=office.post, answers=[first["external_id"]])
    assert forged["conversation_id"] != first["conversation_id"]


async def test_somebody_who_was_copied_takes_part(office: Office) -> None:
    first = await office.hear("hello", ANA_MAIL, inbox=office.post)
    sent = await office.write(first["conversation_id"], "hello both", cc=[BEN_MAIL])
    await office.dispatch()
    ours = (await office.message(sent))["external_id"]
    answer = await office.hear("me too", BEN_MAIL, inbox=office.post, answers=[ours])
    assert answer["conversation_id"] == first["conversation_id"]
    assert await office.value("select count(*) from contacts") == 2


@pytest.mark.parametrize(("days", "reopened"), [(13.9, True), (14.1, False)])
async def test_a_closed_conversation_reopens_for_fourteen_days(
    office: Office, time: Time, days: float, reopened: bool
) -> None:
    first = await office.hear("one")
    await patch(office, first["conversation_id"], status="closed")
    time.move(days=days)
    again = await office.hear("two")
    assert (again["conversation_id"] == first["conversation_id"]) is reopened
    talk = await office.conversation(again["conversation_id"])
    assert (talk["status"], talk["closed_at"], talk["join_key"]) == ("open", None, 0)
    assert (await office.conversation(first["conversation_id"]))["status"] == ("open" if reopened else "closed")


async def test_never_where_the_workspace_wants_none_reopened(office: Office, time: Time) -> None:
    await settings(office, reopen_days=0)
    first = await office.hear("one")
    await patch(office, first["conversation_id"], status="closed")
    time.move(seconds=1)
    assert (await office.hear("two"))["conversation_id"] != first["conversation_id"]


async def test_a_snoozed_conversation_wakes(office: Office, time: Time) -> None:
    first = await office.hear("one")
    await patch(
        office,
        first["conversation_id"],
        status="snoozed",
        snoozed_until=datetime.max.replace(tzinfo=time.now.tzinfo, year=2030),
    )
    assert (await office.conversation(first["conversation_id"]))["status"] == "snoozed"
    assert (await office.hear("two"))["conversation_id"] == first["conversation_id"]
    talk = await office.conversation(first["conversation_id"])
    assert (talk["status"], talk["snoozed_until"]) == ("open", None)


async def test_an_auto_reply_wakes_reopens_and_waits_for_nothing(office: Office, time: Time) -> None:
    first = await office.hear("one")
    for status in ("snoozed", "closed"):
        await patch(office, first["conversation_id"], status=status)
        time.move(minutes=1)
        away = await office.hear("I am away", automatic=True)
        assert away["conversation_id"] == first["conversation_id"]
        assert (await office.conversation(first["conversation_id"]))["status"] == status
    assert await office.value("select count(*) from conversations") == 1
    time.move(minutes=1)
    back = await office.hear("I am back")
    assert back["conversation_id"] == first["conversation_id"]
    talk = await office.conversation(first["conversation_id"])
    assert (talk["status"], talk["join_key"], talk["inbound_count"]) == ("open", 0, 4)


async def test_an_auto_reply_before_a_person_in_one_batch_changes_nothing(office: Office, time: Time) -> None:
    first = await office.hear("one")
    await patch(office, first["conversation_id"], status="closed")
    time.move(minutes=1)
    await office.store(office.said("I am away", automatic=True))
    await office.store(office.said("I am back"))
    await office.ingest()
    talk = await office.conversation(first["conversation_id"])
    assert (talk["status"], talk["join_key"], talk["message_count"]) == ("open", 0, 3)
    assert await office.value("select count(*) from conversations") == 1


async def test_an_answer_into_a_closed_conversation_makes_it_the_joining_one(office: Office, time: Time) -> None:
    first = await office.hear("one", ANA_MAIL, inbox=office.post)
    await patch(office, first["conversation_id"], status="closed")
    time.move(days=100)
    answer = await office.hear("two", ANA_MAIL, inbox=office.post, answers=[first["external_id"]])
    assert answer["conversation_id"] == first["conversation_id"]
    talk = await office.conversation(first["conversation_id"])
    assert (talk["status"], talk["join_key"], talk["closed_at"]) == ("open", 0, None)
    assert (await office.hear("three", ANA_MAIL, inbox=office.post))["conversation_id"] == first["conversation_id"]


async def test_an_answer_into_a_closed_one_does_not_take_the_place_of_the_open_one(office: Office, time: Time) -> None:
    first = await office.hear("one", ANA_MAIL, inbox=office.post)
    await patch(office, first["conversation_id"], status="closed")
    time.move(days=100)
    new = await office.hear("new", ANA_MAIL, inbox=office.post)
    answer = await office.hear("two", ANA_MAIL, inbox=office.post, answers=[first["external_id"]])
    assert new["conversation_id"] != first["conversation_id"]
    assert answer["conversation_id"] == first["conversation_id"]
    assert (await office.hear("three", ANA_MAIL, inbox=office.post))["conversation_id"] == new["conversation_id"]


async def test_answers_to_a_merged_conversation_follow_it(office: Office) -> None:
    """Its token was sent out before; what comes back must not revive the empty one."""
    first = await office.hear("one", ANA_MAIL, inbox=office.post)
    beside = await second(office, (await office.conversation(first["conversation_id"]))["contact_id"], office.post)
    sent = await office.write(beside, "other", inbox_id=office.post, subject="Other")
    await office.dispatch()
    ours = (await office.message(sent))["external_id"]
    async with office.db.begin(office.workspace) as tx:
        await change.merge(tx, beside, first["conversation_id"], actor=office.owner)
    answer = await office.hear("yes", ANA_MAIL, inbox=office.post, token=str(beside), answers=[ours])
    assert answer["conversation_id"] == first["conversation_id"]
    assert (await office.conversation(beside))["status"] == "closed"


async def test_the_same_number_with_two_names_is_one_contact(office: Office) -> None:
    first = await office.hear("one", {"value": ANA, "name": "Ana"})
    assert (await office.hear("two", {"value": ANA, "name": "Anna"}))["conversation_id"] == first["conversation_id"]
    assert await office.value("select count(*) from contacts") == 1


async def test_a_guessed_token_does_not_let_a_stranger_in(office: Office) -> None:
    first = await office.hear("secret", ANA_MAIL, inbox=office.post)
    forged = await office.hear("let me in", BEN_MAIL, inbox=office.post, token=str(first["conversation_id"]))
    assert forged["conversation_id"] != first["conversation_id"]


async def test_a_token_leads_who_was_copied_and_answers_still_go_to_the_contact(office: Office) -> None:
    first = await office.hear("hello", ANA_MAIL, inbox=office.post)
    await office.write(first["conversation_id"], "hello both", cc=[BEN_MAIL])
    answer = await office.hear("me too", BEN_MAIL, inbox=office.post, token=str(first["conversation_id"]))
    assert answer["conversation_id"] == first["conversation_id"]
    ours = await office.message(await office.write(first["conversation_id"], "thank you"))
    assert ours["point_id"] == first["point_id"]


async def test_what_the_contact_waits_for_goes_on_where_it_was_merged_into(office: Office, time: Time) -> None:
    closed = (await office.hear("one"))["conversation_id"]
    await patch(office, closed, status="closed")
    await settings(office, reopen_days=0)
    time.move(hours=1)
    waiting = await office.hear("two")
    assert waiting["conversation_id"] != closed
    async with office.db.begin(office.workspace) as tx:
        await change.merge(tx, waiting["conversation_id"], closed, actor=office.owner)
    talk = await office.conversation(closed)
    assert (talk["status"], talk["closed_at"], talk["join_key"]) == ("open", None, 0)
    assert talk["waiting_since"] == waiting["at"]
    trace = await office.conversation(waiting["conversation_id"])
    assert (trace["status"], trace["join_key"], trace["waiting_since"]) == ("closed", None, None)
    assert (await office.hear("three"))["conversation_id"] == closed


async def test_merging_closed_ones_opens_nothing(office: Office, time: Time) -> None:
    await settings(office, reopen_days=0)
    talks = []
    for text in ("one", "two"):
        talks.append((await office.hear(text))["conversation_id"])
        await patch(office, talks[-1], status="closed")
        time.move(hours=1)
    async with office.db.begin(office.workspace) as tx:
        await change.merge(tx, talks[1], talks[0], actor=office.owner)
    talk = await office.conversation(talks[0])
    assert (talk["status"], talk["join_key"], talk["waiting_since"]) == ("closed", None, None)
    await settings(office, reopen_days=14)
    again = await office.hear("three")  # the empty trace was closed last
    assert again["conversation_id"] == talks[0]


async def test_a_merged_count_leaves_out_what_waits_for_its_time(office: Office, time: Time) -> None:
    first = await office.hear("one")
    beside = await second(office, (await office.conversation(first["conversation_id"]))["contact_id"], office.line)
    later = await office.write(beside, "later", inbox_id=office.line, due_at=time.now + timedelta(hours=1))
    async with office.db.begin(office.workspace) as tx:
        await change.merge(tx, beside, first["conversation_id"], actor=office.owner)
    assert (await office.conversation(first["conversation_id"]))["message_count"] == 1
    time.move(hours=1)
    await office.dispatch()
    talk = await office.conversation(first["conversation_id"])
    assert (talk["message_count"], talk["last_message_id"]) == (2, later)
