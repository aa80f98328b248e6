"""The inbound trip: deliveries become contacts, conversations and messages, each exactly once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from conversations.office import ANA, BEN, Office, Time, open_office, texts
from frontdesk.channels.port import Channel
from frontdesk.conversations.handlers.ingest import ingest
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database


async def test_a_first_message_makes_a_contact_a_conversation_and_events(office: Office) -> None:
    row = await office.hear("Good morning\n\nIs there a time today?", {"value": ANA, "name": "Ana"})
    talk = await office.conversation(row["conversation_id"])
    assert (talk["status"], talk["inbound_count"], talk["message_count"]) == ("open", 1, 1)
    assert talk["last_preview"] == "Good morning Is there a time today?"
    assert (talk["last_message_id"], talk["last_direction"], talk["inbox_ids"]) == (row["id"], "in", [office.line])
    assert talk["waiting_since"] == talk["last_at"] == row["at"]
    assert await office.value("select name from contacts where id = $1", talk["contact_id"]) == "Ana"
    kinds = [event["kind"] for event in await office.fetch("select kind from events order by seq")]
    assert kinds[-4:] == ["ContactChanged", "ConversationOpened", "MessageReceived", "InboxChanged"]
    assert await office.value("select health from inboxes where id = $1", office.line) == "ok"


async def test_a_batch_keeps_its_order_and_counts_once(office: Office) -> None:
    for n in range(3):
        await office.store(office.said(f"a{n}"), office.said(f"b{n}", BEN))
    await office.deliver(office.said("a3"))
    rows = await office.fetch("select * from messages where text like 'a%' order by id")
    assert texts(rows) == ["a0", "a1", "a2", "a3"]
    talk = await office.conversation(rows[0]["conversation_id"])
    assert (talk["inbound_count"], talk["message_count"], talk["last_preview"]) == (4, 4, "a3")
    assert await office.value("select count(*) from conversations") == 2
    assert await office.value("select count(*) from raw_deliveries where state = 'done'") == 4
    assert await office.value("select count(*) from ingest_runs") == 0


async def test_the_same_delivery_is_stored_once_and_the_same_message_once(office: Office) -> None:
    said = office.said("once")
    assert await office.store(said, key="k") == 1
    assert await office.store(said, key="k") == 0
    assert await office.store(said, said, key="another") == 1
    await office.ingest()
    await office.deliver(said, {**said, "text": "changed"}, key="third")
    assert texts(await office.fetch("select text from messages")) == ["once"]
    assert len(await office.events("MessageReceived")) == 1
    assert (await office.fetch("select inbound_count from conversations"))[0]["inbound_count"] == 1


async def test_the_same_provider_id_in_another_inbox_is_another_message(office: Office) -> None:
    said = office.said("twice")
    await office.deliver(said)
    await office.deliver(said, inbox=await office.connect("line", "Second"))
    assert await office.value("select count(*) from messages") == 2
    assert await office.value("select count(*) from conversations") == 1


async def test_an_album_from_a_new_contact_is_one_conversation(office: Office) -> None:
    for n in range(8):
        await office.store(
            office.said(f"photo {n}", files=[{"name": f"{n}.jpg", "content_type": "image/jpeg", "data": "x"}])
        )
    await office.ingest()
    assert await office.value("select count(*) from contacts") == 1
    assert await office.value("select count(*) from conversations") == 1
    assert await office.value("select count(*) from attachments where state = 'ready' and size = 1") == 8


async def test_files_that_came_as_addresses_are_fetched_by_a_job(office: Office) -> None:
    row = await office.hear(
        "look", files=[{"name": "a.jpg", "content_type": "image/jpeg", "url": "https://p.example/1"}]
    )
    file = (await office.fetch("select * from attachments where message_id = $1", row["id"]))[0]
    assert (file["state"], file["source_url"], file["hash"]) == ("fetching", "https://p.example/1", None)
    assert await office.value("select count(*) from jobs.pgqueuer where entrypoint = 'conversations.fetch_media'") == 1


@pytest.fixture
async def live(
    live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel]
) -> AsyncIterator[Office]:
    return await open_office(resources, owner, registry)


async def test_parallel_shuffled_repeated_deliveries_are_one_conversation_in_order(live: Office) -> None:
    """Fifty messages of a new contact, each delivered three times, by ten senders at once, while two workers ingest."""
    count = 50
    deliveries = [(n, live.said(f"{n}", external_id=f"m{n}")) for n in range(count)] * 3
    random.Random(7).shuffle(deliveries)
    ended = asyncio.Event()
    begun: dict[int, float] = {}
    acknowledged: dict[int, float] = {}

    async def sender(mine: list[tuple[int, dict[str, object]]]) -> None:
        for n, said in mine:
            begun.setdefault(n, time.perf_counter())
            await live.store(said, key=f"d{n}")
            acknowledged.setdefault(n, time.perf_counter())

    async def worker() -> None:
        while not ended.is_set():
            await ingest(live.resources)
            await asyncio.sleep(0.005)

    workers = [asyncio.create_task(worker()) for _ in range(2)]
    await asyncio.gather(*(sender(deliveries[i::10]) for i in range(10)))
    ended.set()
    await asyncio.gather(*workers)
    await ingest(live.resources)
    assert await live.value("select count(*) from contacts") == 1
    assert await live.value("select count(*) from conversations") == 1
    order = [int(row["text"]) for row in await live.fetch("select text from messages order by id")]
    assert sorted(order) == list(range(count))
    # Deliveries that overlap have no order; one that was acknowledged before another began stands before it.
    inverted = [(b, a) for i, b in enumerate(order) for a in order[i + 1 :] if acknowledged[a] < begun[b]]
    assert inverted == []
    talk = (await live.fetch("select * from conversations"))[0]
    assert (talk["inbound_count"], talk["message_count"]) == (count, count)
    assert len(await live.events("MessageReceived")) == count
    assert len(await live.events("ConversationOpened")) == 1


async def test_a_thousand_entries_in_one_delivery(office: Office) -> None:
    await office.deliver(*(office.said(f"{n}", f"+30210{n % 100:07d}") for n in range(1000)))
    assert await office.value("select count(*) from messages") == 1000
    assert await office.value("select count(*) from conversations") == 100
    assert {row["inbound_count"] for row in await office.fetch("select inbound_count from conversations")} == {10}


async def test_a_message_that_we_sent_elsewhere_shows_as_ours(office: Office) -> None:
    row = await office.hear("I am writing from my own program", own=True)
    talk = await office.conversation(row["conversation_id"])
    assert (row["direction"], row["delivery"], row["audience"]) == ("out", "sent", "contact")
    assert (talk["inbound_count"], talk["message_count"], talk["waiting_since"]) == (0, 1, None)
    assert await office.value("select count(*) from outbox") == 0


async def test_the_moment_in_the_thread_is_the_senders_unless_it_is_absurd(office: Office) -> None:
    old = "2020-02-03T04:05:06+00:00"
    early = await office.hear("early", sent_at=old, meta={"backfilled": True})
    behind = await office.hear("behind", sent_at=old)
    never = await office.hear("never", sent_at="1970-01-01T00:00:00+00:00")
    later = await office.hear("later", sent_at="2099-01-01T00:00:00+00:00")
    assert early["at"].year == 2020
    assert behind["at"].year == never["at"].year
    assert never["at"] == await office.value("select received_at from raw_deliveries where id = $1", never["raw_id"])
    assert later["at"].year == never["at"].year


NASTY = "a\x00b\ud83dc\udc00\r\nd\u202e\x1b[31m"


async def test_what_cannot_be_stored_is_left_out_of_every_field(office: Office) -> None:
    """NUL, lone surrogates, carriage returns; in names, texts, ids, headers and files."""
    file = {"name": NASTY, "content_type": f"image/{NASTY}", "content_id": NASTY, "data": "x"}
    linked = {"name": NASTY, "content_type": "image/png", "content_id": NASTY, "url": f"https://p.example/{NASTY}"}
    await office.deliver(
        office.said(
            NASTY, {"value": f"desk{NASTY}@x.example", "name": NASTY}, external_id=NASTY, subject=NASTY,
            html=f"<p>{NASTY}",
            reply=NASTY[1:], meta={NASTY: [NASTY, {"x": NASTY}], "to": [NASTY]}, files=[file, linked], answers=[NASTY],
            also=[{"value": f"other{NASTY}@x.example", "name": NASTY}], token=NASTY,
        ),
        inbox=office.post,
    )  # fmt: skip
    assert await office.value("select error from raw_deliveries") is None
    row = (await office.fetch("select * from messages"))[0]
    for text in (row["text"], row["subject"], row["html"], row["reply"], row["author_name"], row["external_id"]):
        assert "\x00" not in text
        assert "\r" not in text
        assert text.encode()
    assert await office.value("select count(*) from attachments") == 2
    await office.deliver(office.said(NASTY, external_id=NASTY), inbox=office.post)
    assert await office.value("select count(*) from messages") == 1
    await office.deliver(office.said("", files=[file]))
    assert await office.value("select error from raw_deliveries where error is not null") is None


@pytest.mark.parametrize("token", ["²", "٣", "9" * 30, "-1", "1.0", "0x1", " 1", "", "1\x00"])
async def test_a_token_that_is_no_number_joins_nothing_and_breaks_nothing(office: Office, token: str) -> None:
    row = await office.hear("hello", "a@x.example", inbox=office.post, token=token)
    assert (await office.conversation(row["conversation_id"]))["message_count"] == 1


@pytest.mark.parametrize(
    "text", ["", " ", "\u0300" * 500, "\u2066" * 50, "x" * 1_000_000, "`" * 10_000, "@a " * 10_000]
)
async def test_odd_texts_arrive_whole(office: Office, text: str) -> None:
    row = await office.hear(text)
    assert row["text"] == text
    assert len((await office.conversation(row["conversation_id"]))["last_preview"]) <= 140


@pytest.mark.parametrize(
    "name", ["", " \u200b ", "<b>Ana</b>", "x" * 1_000_000, "\u202eanA", "=cmd|' /C calc'!A0", "A\u0300\u0301"]
)
async def test_odd_names_make_a_contact_with_a_name(office: Office, name: str) -> None:
    row = await office.hear("hello", {"value": ANA, "name": name})
    made = await office.value("select name from contacts")
    assert made.strip()
    assert len(made) <= 200
    assert len(row["author_name"]) <= 200


async def test_two_messages_under_one_id_are_two(office: Office) -> None:
    """A program that numbers badly must not cost us a message; a copy of either is still a copy."""
    for text, mark in (("first", "aaaa"), ("second", "bbbb"), ("first", "aaaa"), ("second", "bbbb")):
        await office.deliver(office.said(text, external_id="same", meta={"fingerprint": mark}))
    assert texts(await office.fetch("select * from messages where direction = 'in' order by id")) == ["first", "second"]


async def test_a_clock_far_behind_does_not_hide_what_just_came(office: Office, time: Time) -> None:
    first = await office.hear("first")
    time.move(hours=1)
    other = await office.hear("other", BEN, sent_at=(time.now - timedelta(days=300)).isoformat())
    talk = await office.conversation(other["conversation_id"])
    assert (talk["last_at"], talk["last_inbound_at"], talk["waiting_since"]) == (time.now,) * 3
    assert talk["last_at"] > (await office.conversation(first["conversation_id"]))["last_at"]
