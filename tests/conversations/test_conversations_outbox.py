"""The outbound trip: what is due leaves, once and in order, and what became of it is written down."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from conversations.office import ANA, BEN, Office, Time
from conversations.pretend import line, told
from frontdesk.channels.port import Disconnected, Outbound, Rejected, Sent, TryLater
from frontdesk.conversations import rules
from frontdesk.conversations.actions import claims, keep_file, outbox, write
from frontdesk.conversations.actions.accept import accepted
from frontdesk.conversations.handlers import clocks, dispatch
from frontdesk.conversations.queries import sending
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.errors import Refused
from frontdesk.kit.files import Away, Store
from frontdesk.kit.transaction import Row


async def talk(office: Office, sender: str = ANA, **more: object) -> int:
    found: int = (await office.hear("hi", sender, **more))["conversation_id"]  # type: ignore[arg-type]
    return found


async def test_a_message_goes_out_complete(office: Office) -> None:
    conversation = await talk(office)
    message_id = await office.write(
        conversation, "Good morning\r\nAna", client_key="00000000-0000-4000-8000-000000000001"
    )
    assert await office.states(message_id) == ("queued", "queued")
    await office.dispatch()
    [message] = office.driver().sent
    assert (message.key, message.text, message.to.value) == (
        "00000000-0000-4000-8000-000000000001",
        "Good morning\nAna",
        ANA,
    )
    assert (message.attempt, message.sender_name, message.automatic) == (1, "Robin", False)
    assert message.callback_url
    assert message.callback_url.startswith("http://testserver.local/hooks/")
    assert await office.states(message_id) == ("accepted", "accepted")
    seen = await office.conversation(conversation)
    assert (seen["last_direction"], seen["last_preview"], seen["waiting_since"]) == ("out", "Good morning Ana", None)


async def test_an_answer_by_mail_carries_subject_thread_and_copies(office: Office) -> None:
    first = await office.hear("hi", "ana@x.example", inbox=office.post, subject="A tooth")
    await office.write(first["conversation_id"], "one", cc=["c@x.example"], html="<p>one</p>")
    await office.dispatch()
    await office.write(first["conversation_id"], "two")
    await office.dispatch()
    one, two = office.driver("post").sent
    assert (one.subject, one.html, one.cc, one.answers) == (
        "Re: A tooth",
        "<p>one</p>",
        ("c@x.example",),
        (first["external_id"],),
    )
    assert (two.subject, two.cc) == ("Re: A tooth", ())
    assert two.answers == (first["external_id"], f"out-{one.key}")
    assert two.token == str(first["conversation_id"])


async def test_an_answer_to_one_message_names_that_one_last(office: Office) -> None:
    first = await office.hear("one", "ana@x.example", inbox=office.post)
    second = await office.hear("two", "ana@x.example", inbox=office.post)
    await office.write(first["conversation_id"], "to the first", answers=first["id"])
    await office.dispatch()
    assert office.driver("post").sent[0].answers == (second["external_id"], first["external_id"])


@pytest.mark.parametrize("seed", range(8))
async def test_a_conversation_keeps_its_order_whatever_happens(office: Office, time: Time, seed: int) -> None:
    """Random sendings now and later, in two conversations, with delays, troubles and several claims at once."""
    chance = random.Random(seed)
    conversations = [await talk(office), await talk(office, BEN)]
    due = {}
    driver = office.driver()

    async def troubled(message: Outbound) -> Sent:
        if chance.random() < 0.3:
            raise TryLater("busy", after=chance.choice([1, 5, 30]))
        return Sent(external_id=f"x-{message.key}")

    for n in range(14):
        at = time.now if chance.random() < 0.6 else time.now.replace(minute=chance.choice([10, 20, 30]), second=n)
        conversation = chance.choice(conversations)
        due[f"{n}"] = (conversation, max(at, time.now), n)
        await office.write(conversation, f"{n}", due_at=at if at > time.now else None)
        driver.outcomes = [troubled] * 200
        if chance.random() < 0.5:
            await dispatch.dispatch(office.resources)
        time.move(seconds=chance.choice([1, 60]))
    for _ in range(120):
        driver.outcomes = [troubled] * 200
        await office.dispatch()
        time.move(seconds=30)
    assert len(driver.sent) == 14
    for conversation in conversations:
        order = [message.text for message in driver.sent if due[message.text][0] == conversation]
        assert order == sorted(order, key=lambda text: due[text][1:])


async def test_one_that_waits_holds_back_only_its_own_conversation(office: Office, time: Time) -> None:
    mine, other = await talk(office), await talk(office, BEN)
    office.driver().outcomes.append(TryLater("busy", after=120))
    await office.write(mine, "first")
    await office.write(mine, "second")
    await office.write(other, "beside")
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["beside"]
    time.move(seconds=121)
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["beside", "first", "second"]


async def test_one_that_is_put_off_for_ten_minutes_makes_way_and_a_person_may_send_it_again(
    office: Office, time: Time
) -> None:
    mine = await talk(office)
    driver, began = office.driver(), time.now

    async def busy(message: Outbound) -> Sent:
        if message.text == "first" and time.now - began < timedelta(minutes=12):
            raise TryLater("The line is busy.")
        return Sent(external_id=f"x-{message.key}")

    driver.outcomes = [busy] * 99
    first, second = await office.write(mine, "first"), await office.write(mine, "second")
    while not driver.sent and time.now - began < timedelta(minutes=11):
        await office.dispatch()
        await clocks.make_way(office.resources)
        time.move(seconds=5)
        await office.dispatch()
    assert timedelta(minutes=10) <= time.now - began < timedelta(minutes=10, seconds=30)
    assert await office.states(first) == ("failed", "failed")
    assert await office.states(second) == ("accepted", "accepted")
    told = await office.message(first)
    assert told["delivery_code"] == "in_the_way"
    assert told["delivery_reason"] == "The line is busy. Tried for 10 minutes, while later messages waited."
    third = await office.write(mine, "third")
    async with office.db.begin(office.workspace) as tx:
        await write.retry(tx, first, None, actor=office.owner)
    await office.dispatch()
    assert await clocks.make_way(office.resources) == 0  # it has its ten minutes again
    time.move(minutes=5)
    await office.dispatch()
    assert await office.states(first) == ("accepted", "accepted")
    assert await office.states(third) == ("accepted", "accepted")


async def test_one_that_nobody_waits_behind_is_tried_on(office: Office, time: Time) -> None:
    mine, other = await talk(office), await talk(office, BEN)
    office.driver().outcomes = [TryLater("busy")] * 5
    alone = await office.write(mine, "alone")
    for _ in range(3):
        await office.dispatch()
        time.move(minutes=7)
    await office.write(other, "not behind it")
    await office.write(mine, "tomorrow", due_at=time.now + timedelta(days=1))
    assert await clocks.make_way(office.resources) == 0
    assert (await office.states(alone))[0] == "queued"


async def claimed_row(office: Office) -> Row:
    async with office.db.begin(office.workspace) as tx:
        [(row, _)] = await sending.batch(tx, await claims.claim(tx, 20))
        await outbox.begin_sending(tx, [(row, None)])
    return row


async def test_a_worker_that_wakes_up_late_changes_nothing(office: Office, time: Time) -> None:
    message_id = await office.write(await talk(office))
    late = await claimed_row(office)
    time.move(seconds=91)
    await office.dispatch()  # its lease has run out: nobody can tell, so a person is asked
    assert await office.states(message_id) == ("uncertain", "uncertain")
    before = await office.history(message_id)
    async with office.db.begin(office.workspace) as tx:
        assert not await accepted(tx, late, Sent(external_id="late"))
        assert not await outbox.failed(tx, late, "late", code="late")
        assert not await outbox.held(tx, late, "late", code="late")
        assert not await outbox.try_again(tx, late, "late", after=0)
        assert not await outbox.unknown(tx, late, "late")
        assert not await outbox.look_again(tx, late, 1)
        assert not await outbox.uncertain(tx, late, "late")
        assert not await outbox.put_back(tx, late, after=1)
        assert not await outbox.give_way(tx, [late["outbox_id"]], timedelta(0))
        assert await outbox.proved(tx, late), "there is nothing left to find out"
    assert await office.states(message_id) == ("uncertain", "uncertain")
    assert await office.history(message_id) == before
    assert (await office.message(message_id))["external_id"] is None


async def test_a_lease_that_still_runs_is_respected(office: Office, time: Time) -> None:
    message_id = await office.write(await talk(office))
    await claimed_row(office)
    time.move(seconds=11)
    await office.dispatch()
    assert await office.states(message_id) == ("sending", "sending")


async def test_try_later_waits_longer_each_time_and_is_given_up_after_two_days(office: Office, time: Time) -> None:
    office.driver().outcomes = [TryLater("The provider is busy.", code="429")] * 200
    message_id = await office.write(await talk(office))
    waits, began = [], time.now
    for _ in range(200):
        await office.dispatch()
        row = await office.outbox(message_id)
        if row["state"] == "failed":
            break
        waits.append((row["retry_at"] - time.now).total_seconds())
        time.now = row["retry_at"] if len(waits) < 12 else row["retry_at"] + timedelta(hours=3)
    assert 1 <= waits[0] <= 2
    assert waits[:9] == sorted(waits[:9])
    assert all(300 <= wait <= 600 for wait in waits[9:])
    assert rules.GIVE_UP_AFTER < time.now - began < rules.GIVE_UP_AFTER + timedelta(hours=4)
    message = await office.message(message_id)
    assert (message["delivery"], message["delivery_code"]) == ("failed", "429")
    assert "busy" in message["delivery_reason"]


async def test_what_the_provider_asks_for_is_waited_for(office: Office, time: Time) -> None:
    office.driver().outcomes.append(TryLater("busy", after=17))
    message_id = await office.write(await talk(office))
    await office.dispatch()
    assert ((await office.outbox(message_id))["retry_at"] - time.now).total_seconds() == 17
    assert (await office.message(message_id))["delivery_reason"] == "busy"


async def test_a_file_that_cannot_be_had_is_no_doubt(
    office: Office, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was handed over: it goes when the place for files is back, and fails when the file is gone for good."""

    async def reads(message: Outbound) -> Sent:
        return Sent(external_id=(await message.attachments[0].read()).decode())

    async def away(self: Store, digest: str) -> bytes:
        raise Away("no bucket")

    kinds = ("image/*",)
    office.install(line(office.driver(), attachments=True, attachment_types=kinds, max_attachment_bytes=9))
    office.driver().outcomes += [reads] * 3
    digest = await office.resources.files.put(b"picture")
    about = {"name": "a.png", "content_type": "image/png", "size": 7, "user_id": office.owner.user_id}
    async with office.db.begin(office.workspace) as tx:
        files = [await keep_file(tx, hash=digest, **about) for _ in range(2)]
    conversation_id = await talk(office)
    first = await office.write(conversation_id, files=files[:1])
    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", away)
        await office.dispatch()
    assert (await office.states(first), (await office.outbox(first))["retry_at"] > time.now) == (
        ("queued", "queued"),
        True,
    )
    time.move(minutes=1)
    await office.dispatch()
    assert (await office.message(first))["external_id"] == "picture"
    second = await office.write(conversation_id, files=files[1:])
    await office.resources.files.delete(digest)
    await office.dispatch()
    assert (await office.states(second))[0] == "failed"
    assert (await office.message(second))["delivery_code"] == "file_missing"


async def test_a_provider_may_begin_to_count_anew(office: Office) -> None:
    """An SMSC that was started again gives ids that it gave before: its receipts are about the newest."""
    office.driver().outcomes += [Sent(external_id="1"), Sent(external_id="1")]
    conversation_id = await talk(office)
    older = await office.write(conversation_id)
    await office.dispatch()
    newer = await office.write(conversation_id)
    await office.dispatch()
    await office.deliver(told("delivered", to="1"))
    assert await office.states(older) == ("accepted", "accepted")
    assert await office.states(newer) == ("accepted", "delivered")


async def test_what_an_attempt_came_to_is_kept_for_the_next(office: Office, time: Time) -> None:
    later = TryLater("busy", after=1)
    later.meta = {"so far": [1]}
    seen: list[object] = []

    async def ends(message: Outbound) -> Sent:
        seen.append(message.meta["so far"])
        return Sent(external_id="x", meta={"so far": None})

    office.driver().outcomes += [later, ends]
    message_id = await office.write(await talk(office))
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        with pytest.raises(Refused, match="a part of it has left already") as caught:
            await write.cancel(tx, message_id, actor=office.owner)
    assert caught.value.code == "too_late"
    time.move(seconds=2)
    await office.dispatch()
    assert seen == [[1]]
    assert (await office.message(message_id))["meta"]["so far"] is None


@pytest.mark.parametrize(
    ("refusal", "column"),
    [
        (Rejected("They opted out.", code="21610", opt_out=True), "opted_out_at"),
        (Rejected("No such number.", code="30005", bad_address=True), "bad_since"),
    ],
)
async def test_a_refusal_is_final_and_teaches(office: Office, refusal: Rejected, column: str) -> None:
    office.driver().outcomes.append(refusal)
    conversation = await talk(office)
    message_id = await office.write(conversation)
    await office.dispatch()
    message = await office.message(message_id)
    assert await office.states(message_id) == ("failed", "failed")
    assert (message["delivery_code"], message["delivery_reason"]) == (refusal.code, str(refusal))
    assert await office.value(f"select {column} is not null from contact_points") is True
    with pytest.raises(Refused):
        await office.write(conversation, "again")


async def test_an_inbox_that_lost_its_connection_holds_its_messages_until_it_works_again(office: Office) -> None:
    office.driver().outcomes.append(Disconnected("The password is wrong."))
    mine, other = await talk(office), await talk(office, BEN)
    first = await office.write(mine, "first")
    await office.dispatch()
    message = await office.message(first)
    assert await office.states(first) == ("held", "held")
    assert (message["delivery_code"], message["delivery_reason"]) == ("inbox_disconnected", "The password is wrong.")
    assert await office.value("select health from inboxes where id = $1", office.line) == "off"
    with pytest.raises(Refused) as caught:
        await office.write(other, "not now")
    assert caught.value.code == "inbox_disconnected"
    async with office.db.begin(office.workspace) as tx:
        await inboxes.note_health(tx, office.line, "ok")
        assert await outbox.release_held(tx, office.line) == 1
    assert await office.states(first) == ("queued", "queued")
    await office.dispatch()
    assert [message.text for message in office.driver().sent] == ["first"]


async def test_what_was_queued_when_its_inbox_was_switched_off_waits_for_it(office: Office) -> None:
    message_id = await office.write(await talk(office))
    async with office.db.begin(office.workspace) as tx:
        await inboxes.change(tx, office.resources.vault, office.line, by=office.owner, enabled=False)
    await office.dispatch()
    assert await office.states(message_id) == ("held", "held")
    assert (await office.message(message_id))["delivery_code"] == "inbox_off"
    async with office.db.begin(office.workspace) as tx:
        await inboxes.change(tx, office.resources.vault, office.line, by=office.owner, enabled=True)
        await outbox.release_held(tx, office.line)
    await office.dispatch()
    assert await office.states(message_id) == ("accepted", "accepted")


async def test_an_inbox_keeps_to_its_rate(office: Office, time: Time) -> None:
    await office.execute("update inboxes set rate_per_minute = 6 where id = $1", office.line)
    for n in range(15):
        await office.write(await talk(office, f"+30210{n:07d}"), f"{n}")
    sent = []
    for _ in range(40):
        await office.dispatch()
        sent.append(len(office.driver().sent))
        time.move(seconds=5)
    assert sent[0] == 6
    assert sent[11] <= 6
    assert sent[-1] == 15
    assert max(later - earlier for earlier, later in zip(sent, sent[13:], strict=False)) <= 12
    assert [message.text for message in office.driver().sent] == [f"{n}" for n in range(15)]
    assert {message.attempt for message in office.driver().sent} == {1}


async def test_a_message_that_waits_for_room_is_still_queued_and_can_be_cancelled(office: Office, time: Time) -> None:
    await office.execute("update inboxes set rate_per_minute = 1 where id = $1", office.line)
    await office.write(await talk(office), "one")
    second = await office.write(await talk(office, BEN), "two", due_at=time.now.replace(minute=1))
    time.move(minutes=1)
    await office.dispatch()
    assert await office.states(second) == ("queued", "queued")
    assert (await office.message(second))["due_at"] is not None
    async with office.db.begin(office.workspace) as tx:
        await write.cancel(tx, second, actor=office.owner)
    assert await office.states(second) == ("cancelled", "cancelled")
