"""The questions of ``bench/reading`` on ten thousand conversations: what they answer, and how PostgreSQL finds it.

Plans do not depend on how busy the machine is. The workspace is made by ``bench/reading/data.sql``.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from bench.reading import data
from bench.reading.looking import plans, read_buffers
from bench.reading.questions import Cast, Question, cast_of, questions

from frontdesk.contacts import queries as contacts
from frontdesk.conversations.queries import finding, listing
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Database, Tx

LARGE = {"messages", "conversations", "outbox", "events", "contacts", "message_words", "contact_words", "listings"}
SHADOWS = ("listings", "message_words", "contact_words")


@pytest.fixture(scope="module")
async def workspaces(place: tuple[dict[str, Any], dict[str, Any]]) -> AsyncIterator[tuple[int, int]]:
    """One with a past, and one with a shorter one; the database is empty again afterwards."""
    owner = await asyncpg.connect(**place[1])
    try:
        if not await owner.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            pytest.skip("filling a workspace takes a superuser")
        pasts = (data.SMALL, data.TINY)
        made = [await owner.fetchval("insert into workspaces (name) values ('Past') returning id") for _ in pasts]
        for workspace_id, past in zip(made, pasts, strict=True):
            await data.fill(owner, workspace_id, past)
        yield made[0], made[1]
        await owner.execute("truncate workspaces cascade")
    finally:
        await owner.close()


@pytest.fixture(scope="module")
def filled(workspaces: tuple[int, int]) -> int:
    return workspaces[0]


@pytest.fixture(scope="module")
async def reading(place: tuple[dict[str, Any], dict[str, Any]], filled: int) -> AsyncIterator[Database]:
    opened = await Database.open(place[0], size=1)
    yield opened
    await opened.close()


def whole(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan reads from their first page to their last."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", ()):
        yield from whole(inner)


async def test_no_question_reads_a_large_table_whole(reading: Database, filled: int) -> None:
    async with reading.begin(filled) as tx:
        asked = await questions(tx, await cast_of(tx))
        found = []
        for one in asked:
            for sql, plan in await plans(tx, one, run=False):
                found += [(one.group, one.name, table, sql) for table in whole(plan) if table in LARGE]
    assert len(asked) > 100
    assert found == []


async def test_a_table_that_is_read_whole_is_seen(reading: Database, filled: int) -> None:
    async with reading.begin(filled) as tx:
        await tx.raw.execute("set local enable_indexscan = off; set local enable_indexonlyscan = off")
        await tx.raw.execute("set local enable_bitmapscan = off")
        told = await tx.fetchval("explain (format json) select count(*) from messages where text like '%x%'")
        assert set(whole(told[0]["Plan"])) == {"messages"}


PLAIN = """
select c.id from conversations c where c.workspace_id = $1 and c.status = any($2)
  and ($3::bigint is null or exists (select from conversation_labels x
       where x.workspace_id = $1 and x.conversation_id = c.id and x.label_id = $3))
  and ($4::bigint is null or $4 = any(c.inbox_ids)) and ($5::bigint is null or c.assignee_id = $5)
  and ($6::bigint is null or c.team_id = $6)
  and ($7 <> 'unassigned' or c.assignee_id is null) and ($7 <> 'mine' or c.assignee_id = $8)
  and ($7 <> 'unread' or c.inbound_count > coalesce((select read_count from read_states r
       where r.workspace_id = $1 and r.user_id = $8 and r.conversation_id = c.id), 0))
  and ($7 <> 'starred' or exists (select from read_states r
       where r.workspace_id = $1 and r.user_id = $8 and r.conversation_id = c.id and r.starred))
  and ($9 or c.assignee_id = $8 or c.team_id = any($10) or exists (select from messages m
       where m.workspace_id = $1 and m.conversation_id = c.id and $8 = any(m.mentions)))
order by c.last_at desc, c.id desc offset $11 limit 21
"""


async def test_every_list_holds_what_a_plain_query_finds(reading: Database, filled: int) -> None:
    chance = random.Random(11)
    async with reading.begin(filled) as tx:
        cast, full = await cast_of(tx), 0
        for _ in range(120):
            view = chance.choice(tuple(listing._STATUSES))
            filters = listing.Filters(
                label_id=chance.choice([None, None, *cast.labels[:4]]),
                inbox_id=chance.choice([None, *cast.inboxes]),
                assignee_id=chance.choice([None, None, *cast.users[:2]]),
                team_id=chance.choice([None, None, *cast.teams]),
            )
            full += await _agrees(tx, cast, view, filters, restricted=chance.random() < 0.4, skip=chance.choice([0, 3]))
    assert full > 5  # lists that were longer than a page


async def _agrees(
    tx: Tx, cast: Cast, view: listing.View, filters: listing.Filters, *, restricted: bool, skip: int
) -> bool:
    actor = cast.restricted if restricted else cast.reader
    plain = await tx.fetch(
        PLAIN, tx.workspace_id, list(listing._STATUSES[view]), filters.label_id, filters.inbox_id, filters.assignee_id,
        filters.team_id, view, actor.user_id, actor.sees_all, list(actor.teams), skip,
    )  # fmt: skip
    cursor = None
    if skip:
        before = await listing.listing(tx, actor, view, filters, limit=skip)
        cursor = before.next
        if cursor is None:
            return False
    page: paging.Page[Any] = await listing.listing(tx, actor, view, filters, cursor=cursor, limit=20)
    assert [one.id for one in page.items] == [row["id"] for row in plain[:20]], (view, filters, restricted)
    assert (page.next is not None) == (len(plain) == 21)
    return len(plain) == 21


CHANGES = (
    "update conversations set status = 'closed', join_key = null where {some} and status = 'open'",
    "update conversations set last_at = last_at + interval '1 day', inbox_ids = inbox_ids[2:] where {some}",
    "update conversations set subject = 'Ünder the bridge' where {some}",
    "update conversations set subject = null, rev = rev + 1 where {some}",
    "delete from conversation_labels where workspace_id = $1 and conversation_id % 7 = $2 % 7",
    "insert into conversation_labels select $1, c.id, (select min(id) from labels where workspace_id = $1)"
    " from conversations c where {some} on conflict do nothing",
    "update messages set conversation_id = (select min(id) from conversations where workspace_id = $1),"
    " mentions = mentions[2:] where {some}",
    "update messages set text = 'nothing but this' where {some} and direction = 'in'",
    "insert into messages (workspace_id, conversation_id, direction, audience, text, mentions, at)"
    " select $1, c.id, 'out', 'team', 'look @all', array[c.assignee_id], now() from conversations c"
    " where {some} and assignee_id is not null",
    "update contacts set name = 'Zoë ' || id where {some}",
    "update contacts set merged_into = (select min(id) from contacts where workspace_id = $1) where {some}",
    "update contact_points set contact_id = (select min(id) from contacts where workspace_id = $1) where {some}",
    "delete from contact_points where {some} and kind = 'email'",
    "with made as (insert into contacts (workspace_id, name) select $1, 'New ' || n from generate_series(1, 5) n"
    " returning id) insert into contact_points (workspace_id, contact_id, kind, value)"
    " select $1, id, 'x', 'new' || id from made where $2 > 0",
    "delete from conversations where {some} and id % 5 = 0",
)


async def test_what_is_repeated_for_finding_follows_every_change(
    reading: Database, workspaces: tuple[int, int]
) -> None:
    filled = workspaces[1]
    async with reading.begin(filled) as tx:
        undone = tx.raw.transaction()
        await undone.start()
        for number, change in enumerate(CHANGES, start=2):
            sql = change.format(some="workspace_id = $1 and id % 7 = $2 % 7")
            assert await tx.execute(sql, filled, number) > 0, sql
        await tx.look_for("!'~'")
        await tx.raw.execute("set local statement_timeout = 0")
        for shadow in SHADOWS:
            kept, made = f"select * from {shadow}", f"select * from {shadow}_of({filled}, null)"
            wrong = await tx.fetch(f"(({kept}) except ({made})) union all (({made}) except ({kept})) limit 3")
            assert wrong == [], shadow
        await undone.rollback()


SAID = """
select distinct c.id, c.status from conversations c join messages m on m.workspace_id = $1 and m.conversation_id = c.id
where c.workspace_id = $1 and m.direction <> 'activity' and m.text ~ $2
"""
NAMED = """
select id from contacts c where c.workspace_id = $1 and c.merged_into is null and (lower(c.name) like $2 or exists (
  select from contact_points p where p.workspace_id = $1 and p.contact_id = c.id and p.value like $2))
order by lower(c.name), id
"""


async def _pages(tx: Tx, actor: Actor, view: listing.View, **filters: Any) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        page = await listing.listing(tx, actor, view, listing.Filters(**filters), cursor=cursor, limit=20)
        found += [one.id for one in page.items]
        if (cursor := page.next) is None:
            return found


async def _words(tx: Tx, least: int, most: int) -> list[str]:
    """Some words that so many messages have, and that are in nobody's name."""
    rows = await tx.fetch(
        """select word from (
          select word from (select (regexp_matches(text, '[a-z]{6,}', 'g'))[1] as word from messages
            where workspace_id = $1) w group by 1 having count(*) between $2 and $3 order by md5(word) limit 50) w
        where not exists (select from contacts where workspace_id = $1 and name ilike '%' || word || '%') limit 5""",
        tx.workspace_id, least, most,
    )  # fmt: skip
    return [row["word"] for row in rows]


@pytest.mark.parametrize("few", [0, 3000])
async def test_every_conversation_in_which_a_rare_word_was_said_is_found(
    reading: Database, filled: int, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(finding, "ALL_AT_ONCE", few)
    async with reading.look(filled) as tx:
        actor = (await cast_of(tx)).reader
        words = await _words(tx, 5, 40)
        assert len(words) == 5
        for word in words:
            for asked, query in ((word, rf"\m{word}\M"), (word[:-1], rf"\m{word[:-1]}")):
                said = await tx.fetch(SAID, filled, query)
                for view, statuses in (("any", {"open", "snoozed", "closed"}), ("snoozed", {"snoozed"})):
                    wanted = {row["id"] for row in said if row["status"] in statuses}
                    found = await _pages(tx, actor, view, q=asked)
                    assert set(found) == wanted if asked == word else bool(set(found) & wanted) == bool(wanted), asked
                    assert len(found) == len(set(found))


async def test_a_frequent_word_fills_a_page_from_the_newest_messages(reading: Database, filled: int) -> None:
    async with reading.look(filled) as tx:
        actor = (await cast_of(tx)).reader
        page = await listing.listing(tx, actor, "any", listing.Filters(q="thanks"))
        assert len(page.items) == paging.FOUND
        assert page.next
        assert len((await listing.listing(tx, actor, "any", listing.Filters(q=" "))).items) == paging.LISTED
        said = {row["id"] for row in await tx.fetch(SAID, filled, r"\mthanks")}
        assert {one.id for one in page.items} <= said


@pytest.mark.parametrize(("many", "ahead"), [(3000, 400), (0, 400), (0, 0), (20, 50)])
async def test_contacts_are_found_by_any_part_and_stand_by_name(
    reading: Database, filled: int, monkeypatch: pytest.MonkeyPatch, many: int, ahead: int
) -> None:
    monkeypatch.setattr(contacts, "MANY", many)
    monkeypatch.setattr(contacts, "AHEAD", ahead)
    async with reading.look(filled) as tx:
        actor = (await cast_of(tx)).reader
        for text in ("sha", "cro", "croli", "an", "21000012", "example.com"):
            plain = [row["id"] for row in await tx.fetch(NAMED, filled, f"%{text}%")]
            first = await contacts.search(tx, actor, text, None, 30)
            assert [one.id for one in first.items] == plain[:30], text
            if first.next:
                second: paging.Page[Any] = await contacts.search(tx, actor, text, first.next, 30)
                assert [one.id for one in second.items] == plain[30:60], text


async def test_filters_that_seldom_meet_read_their_indexes_and_not_each_conversation(
    reading: Database, filled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading.look(filled) as tx:
        cast = await cast_of(tx)
    chosen = listing.Filters(label_id=cast.labels[0], assignee_id=cast.users[4], team_id=cast.teams[1])
    both = [Question("lists", "both", lambda tx: listing.listing(tx, cast.reader, "closed", chosen))]
    met = await read_buffers(reading, filled, both)
    monkeypatch.setattr(listing, "AT_ONCE", 0)
    asked = await read_buffers(reading, filled, both)
    assert met["both"] * 5 < asked["both"]


async def test_who_looks_writes_nothing(reading: Database, filled: int) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with reading.look(filled) as tx:
            await tx.execute("update conversations set rev = rev + 1 where workspace_id = $1", filled)


async def test_what_lists_read_is_vacuumed_often(place: tuple[dict[str, Any], dict[str, Any]]) -> None:
    owner = await asyncpg.connect(**place[1])
    try:
        rows = await owner.fetch(
            "select relname from pg_class where {!r} = any(reloptions)".format("autovacuum_vacuum_scale_factor=0.01")
        )
    finally:
        await owner.close()
    assert {row["relname"] for row in rows} == {"conversations", "listings"}
