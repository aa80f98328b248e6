"""``frontdesk verify``: a workspace in which everything happened has nothing wrong, and each planted wrong is found."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.office import ANA, BEN, Office, Time
from conversations.pretend import Searchable, line
from frontdesk.app.verify import CHECKS, Result, compared, heads, verify
from frontdesk.channels.port import Disconnected, Rejected, Sent, Unknown
from frontdesk.conversations.actions import change, write
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people

FREED = """
do $$ declare c record; begin
  for c in select conrelid::regclass as t, conname from pg_constraint
           where connamespace = 'public'::regnamespace and contype in ('f', 'u', 'c') loop
    execute format('alter table %s drop constraint %I', c.t, c.conname);
  end loop;
  for c in select indexrelid::regclass as i from pg_index x join pg_class r on r.oid = x.indrelid
           where r.relnamespace = 'public'::regnamespace and indisunique and not indisprimary loop
    execute format('drop index %s', c.i);
  end loop;
end $$
"""


@pytest.fixture
async def db(breakable: Database) -> Database:
    """Everything in this file happens on the connection that may break things."""
    return breakable


async def results(office: Office, *names: str) -> list[Result]:
    return [one async for one in verify(office.db, only=[office.workspace], names=names)]


async def wrong(office: Office, *names: str) -> dict[str, list[str]]:
    return {one.check: one.examples for one in await results(office, *names) if not one.ok}


async def busy_day(office: Office, time: Time) -> dict[str, int]:
    """Everything that a conversation goes through, by the product's own actions; ids by name."""
    driver = Searchable("phone")
    office.install(line(driver))
    first = await office.hear("Hello,\n  is there   room on Tuesday?", ANA)
    await office.hear("STOP", BEN)
    letter = await office.hear("Words", {"value": "eve@example.org", "kind": "email"}, inbox=office.post, subject="Hi")
    conversation = first["conversation_id"]
    sent = await office.write(conversation, "Yes, at nine.")
    await office.dispatch()
    await office.deliver({"external_id": f"out-{(await office.outbox(sent))['key']}", "state": "delivered"})
    driver.outcomes = [Rejected("No such number.", code="21211"), Unknown("It broke off."), Disconnected("Revoked.")]
    refused = await office.write(conversation, "A second")
    await office.dispatch()
    doubted = await office.write(conversation, "A third")
    driver.has[(await office.outbox(doubted))["key"]] = Sent(external_id="found")
    for _ in range(2):
        await office.dispatch()
        time.move(seconds=3)
    held = await office.write(conversation, "A fourth")
    await office.dispatch()
    cancelled = await office.write(letter["conversation_id"], "A letter")
    async with office.db.begin(office.workspace) as tx:
        await write.cancel(tx, cancelled, actor=office.owner)
        await write.comment(tx, conversation, "Only for us", actor=office.owner)
        contact_id = await tx.fetchval("select contact_id from conversations where id = $1", conversation)
        second, _ = await change.open_conversation(tx, contact_id, office.line, second=True, actor_id=None)
        await change.move_message(tx, first["id"], second, actor=office.owner)
        await change.mark_read(tx, conversation, None, actor=office.owner)
    return {
        "conversation": conversation, "second": second, "first": first["id"], "sent": sent, "refused": refused,
        "doubted": doubted, "held": held, "letter": letter["id"], "raw": first["raw_id"],
    }  # fmt: skip


async def test_after_a_busy_day_nothing_is_wrong(office: Office, time: Time) -> None:
    ids = await busy_day(office, time)
    states = {name: (await office.states(ids[name]))[0] for name in ("sent", "refused", "doubted", "held")}
    assert states == {"sent": "accepted", "refused": "failed", "doubted": "accepted", "held": "held"}
    found = await results(office)
    assert [(one.check, one.examples) for one in found if not one.ok] == []
    assert {one.check for one in found} == {"walls", *(check.name for check in CHECKS)}


PLANTED: dict[str, tuple[str, ...]] = {
    "orphans": (
        "delete from conversations where id = {conversation}",
        "update receipts set message_id = 999999 where message_id = {sent}",
        "update messages set inbox_id = 999999 where id = {sent}",
    ),
    "duplicates": (
        "insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, external_id, at)"
        " select workspace_id, conversation_id, direction, audience, inbox_id, external_id, at from messages"
        " where id = {first}",
        "insert into raw_deliveries (workspace_id, inbox_id, dedupe_key, body, received_at)"
        " select workspace_id, inbox_id, dedupe_key, '', now() from raw_deliveries where id = {raw}",
        "insert into outbox (workspace_id, message_id, conversation_id, inbox_id, key, due_at) select workspace_id,"
        " message_id, conversation_id, inbox_id, gen_random_uuid(), now() from outbox where message_id = {sent}",
        "insert into users (workspace_id, email, name, role) select workspace_id, upper(email), '', 'user' from users",
    ),
    "event_log": (
        "delete from events where seq = 3",
        "update event_counters set seq = seq + 1",
        "update event_counters set seq = seq - 1",
        "delete from event_counters",
    ),
    "announcements": (
        "insert into events (workspace_id, seq, at, kind, message_id)"
        " select workspace_id, seq + 1000, at, kind, message_id from events where kind = 'MessageReceived'",
    ),
    "counts": (
        "update conversations set inbound_count = inbound_count + 1 where id = {conversation}",
        "update conversations set message_count = message_count - 1 where id = {second}",
    ),
    "last_message": (
        "update conversations set last_preview = 'Something else' where id = {second}",
        "update conversations set last_message_id = null where id = {second}",
        "update conversations set last_message_id = {letter} where id = {second}",
        "update conversations set last_audience = 'contact' where id = {conversation}",
    ),
    "one_open": (
        "update conversations set join_key = 0 where id = {second}",
        "update conversations set status = 'closed' where id = {conversation}",
    ),
    "merged": (
        "update contacts set merged_into = (select contact_id from contact_points where kind = 'email')"
        " where id = (select contact_id from conversations where id = {conversation})",
    ),
    "next_action": (
        "update outbox set state = 'unknown', lease_until = null where message_id = {doubted}",
        "update outbox set lease_until = now() where message_id = {sent}",
        "update messages set delivery_reason = null, delivery_code = null where id = {held};"
        " update outbox set last_error = null where message_id = {held}",
        "delete from outbox where message_id = {held}",
    ),
    "leases": (
        "update outbox set state = 'sending', lease_until = now() - interval '1 hour' where message_id = {sent}",
    ),
    "outbox_agrees": (
        "update messages set delivery = 'delivered' where id = {held}",
        "update outbox set state = 'cancelled' where message_id = {sent}",
        "update outbox set conversation_id = {second} where message_id = {sent}",
    ),
    "receipts": (
        "update messages set delivery = 'sent' where id = {sent}",
        "insert into receipts (workspace_id, message_id, state, at, source)"
        " select workspace_id, id, 'read', now(), 'provider' from messages where id = {sent}",
    ),
    "opt_outs": (
        "insert into consents (workspace_id, kind, value, action, source, at) select m.workspace_id, p.kind, p.value,"
        " 'out', 'keyword', now() - interval '1 day' from messages m join contact_points p on p.id = m.point_id"
        " where m.id = {sent}; update outbox set sending_since = now() where message_id = {sent}",
        "update contact_points set opted_out_at = now() where kind = 'email'",
    ),
    "audit": (
        "update audit set detail = '{{\"a\": 1}}' where id = (select min(id) from audit where digest is not null)",
        "update audit set at = at + interval '1 microsecond' where id = (select max(id) from audit)",
        "update audit set digest = set_bit(digest, 7, 1 - get_bit(digest, 7)) where id = (select max(id) from audit)",
        "delete from audit where id = (select min(id) from audit where digest is not null)",
        "delete from audit where id = (select max(id) from audit)",
        "delete from audit",
        "delete from audit_heads",
    ),
    "deliveries": (
        "update raw_deliveries set done_at = null where id = {raw}",
        "update raw_deliveries set state = 'set_aside' where id = {raw}",
        "delete from raw_deliveries where id = {raw}",
    ),
}


def test_a_wrong_is_planted_for_every_check() -> None:
    assert PLANTED.keys() == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", PLANTED)
async def test_what_is_wrong_is_found(office: Office, time: Time, ground: Any, name: str) -> None:
    ids = await busy_day(office, time)
    assert await wrong(office, name) == {}
    await ground.execute(FREED)
    for statements in PLANTED[name]:
        planted = ground.transaction()
        await planted.start()
        await ground.execute(statements.format(**ids))
        assert list(await wrong(office, name)) == [name], statements
        await planted.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "alter table messages disable row level security",
        "alter table contacts no force row level security",
        "drop table parked_receipts",
        "alter table labels add constraint planted check (name <> '') not valid",
        "update pg_index set indisvalid = false where indexrelid = 'ix_messages_due'::regclass",
    ],
)
async def test_a_wall_that_fell_is_found(office: Office, ground: Any, statement: str) -> None:
    assert await wrong(office, "walls") == {}
    await ground.execute(statement)
    assert list(await wrong(office, "walls")) == ["walls"]


async def test_a_head_that_was_noted_contradicts_an_audit_that_was_written_anew(office: Office, ground: Any) -> None:
    """Whoever rules the database may cut it and its own head alike: what was noted elsewhere still shows it."""
    async with office.db.begin(office.workspace) as tx:
        for number in range(3):
            await people.audit(tx, "test.done", detail={"number": number})
    (head,) = await heads(office.db, [office.workspace])
    async with office.db.begin(office.workspace) as tx:
        await people.audit(tx, "test.went_on")
    assert [one.ok async for one in compared(office.db, [head])] == [True]
    assert [one.ok async for one in compared(office.db, [f"{office.workspace}:0:"])] == [True]
    await ground.execute("delete from audit")
    await ground.execute("delete from audit_heads")
    async with office.db.begin(office.workspace) as tx:
        for number in range(3):
            await people.audit(tx, "test.done", detail={"number": number + 1})
    (audit,) = [one async for one in verify(office.db, only=[office.workspace], names=["audit"])]
    assert audit.ok, "by itself it looks whole"
    (found,) = [one async for one in compared(office.db, [head])]
    assert not found.ok
    assert "line" in found.examples[0]
