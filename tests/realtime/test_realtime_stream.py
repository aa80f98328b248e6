"""The event stream: no gaps, nothing twice, nobody hears what is not theirs, a reload where none can be resumed."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conversations.office import ANA, BEN
from frontdesk.conversations.actions import write
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.events import Event
from frontdesk.kit.transaction import Database, Tx
from frontdesk.people.rules import PERMISSIONS
from frontdesk.realtime.queries import hub as hubs
from frontdesk.realtime.queries.hub import CLOSED, RESYNC, Fresh, Hub, Spoken, Subscription
from realtime.site import CHECK_EVERY, Site


class Noted(Event, frozen=True):
    """A fact of this test."""

    note: str = ""


def note(tx: Tx, words: str, **about: Any) -> None:
    tx.emit(Noted(note=words, **about))


async def test_numbers_have_no_gaps_and_grow_in_the_order_of_commits(site: Site) -> None:
    """Transactions of all lengths, some of them undone, some late: a reader that polls never meets a hole."""
    office = site.office
    seen: list[int] = []
    done = asyncio.Event()
    start = await site.newest()

    async def writer(n: int) -> None:
        for turn in range(8):
            try:
                async with office.db.begin(office.workspace) as tx:
                    note(tx, f"{n}.{turn}")
                    if turn % 3 == 0:
                        note(tx, f"{n}.{turn} again")
                    await asyncio.sleep((n * 7 + turn) % 5 / 1000)
                    if (n + turn) % 4 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue

    async def reader() -> None:
        while not done.is_set() or len(seen) < await site.newest() - start:
            after = seen[-1] if seen else start
            rows = await office.fetch("select seq from events where seq > $1 order by seq", after)
            seen.extend(row["seq"] for row in rows)

    reading = asyncio.create_task(reader())
    await asyncio.gather(*(writer(n) for n in range(10)))
    done.set()
    await reading
    assert seen == list(range(start + 1, await site.newest() + 1))
    assert len(seen) > 50


async def test_a_long_transaction_that_commits_late_is_not_skipped(site: Site) -> None:
    office = site.office
    stream = await site.stream()
    async with office.db.begin(office.workspace) as slow:
        note(slow, "slow")
        async with office.db.begin(office.workspace) as quick:
            note(quick, "quick")
        await asyncio.sleep(0.2)
    await stream.until(await site.newest())
    assert [data["facts"]["note"] for _, kind, data in stream.frames if kind == "Noted"] == ["quick", "slow"]


async def test_one_that_holds_the_counter_makes_others_wait_and_loses_nothing(site: Site) -> None:
    office = site.office
    stream = await site.stream()
    async with office.db.begin(office.workspace) as slow:
        note(slow, "first")
        await slow.flush()

        async def quick() -> None:
            async with office.db.begin(office.workspace) as tx:
                note(tx, "second")

        other = asyncio.create_task(quick())
        await asyncio.sleep(0.2)
        assert not other.done()
    await other
    await stream.until(await site.newest())
    assert [data["facts"]["note"] for _, kind, data in stream.frames if kind == "Noted"] == ["first", "second"]


async def test_a_stream_resumes_where_it_broke_however_often(site: Site) -> None:
    office = site.office
    first = await site.stream()
    heard: list[int] = []
    last = await site.newest()
    await first.close()
    for turn in range(6):
        async with office.db.begin(office.workspace) as tx:
            for n in range(turn):
                note(tx, f"{turn}.{n}")
        stream = await site.stream(last=last)
        async with office.db.begin(office.workspace) as tx:
            note(tx, f"{turn} live")
        await stream.until(await site.newest())
        heard += [number for number, _, _ in stream.frames if number]
        last = stream.last or 0
        await stream.close()
    assert heard == list(range(heard[0], heard[0] + 21))


async def test_what_is_personal_is_heard_by_its_owner_alone(site: Site) -> None:
    conversation = (await site.office.hear("hi"))["conversation_id"]
    browser, _ = await site.sign_in(role="admin")
    mine, theirs = await site.stream(), await site.stream(client=browser)
    await site.call("POST", f"/conversations/{conversation}/read", json={})
    await site.call("PUT", f"/conversations/{conversation}/star")
    await asyncio.gather(mine.until(await site.newest()), theirs.until(await site.newest()))
    assert mine.kinds() == ["ReadStateChanged", "ReadStateChanged"]
    assert theirs.kinds() == ["nothing", "nothing"]
    assert all(data == {} for _, _, data in theirs.frames)


async def test_a_restricted_user_hears_only_what_concerns_them(site: Site) -> None:
    office = site.office
    browser, ben = await site.sign_in(only_assigned=True)
    mine, other = await office.hear("secret one", ANA), await office.hear("secret two", BEN)
    stream = await site.stream(client=browser)

    async def hears(conversation: int, text: str, sender: str) -> list[str]:
        before = len(stream.frames)
        await office.hear(text, sender)
        await stream.until(await site.newest())
        shown = await browser.get(f"/api/v1/conversations/{conversation}")
        kinds = [kind for _, kind, data in stream.frames[before:] if data.get("conversation_id") == conversation]
        assert ("MessageReceived" in kinds) is (shown.status_code == 200), "the stream and the API disagree"
        return kinds

    assert await hears(mine["conversation_id"], "still secret", ANA) == [], "not even that something happens there"
    await site.call("PATCH", f"/conversations/{mine['conversation_id']}", json={"assignee_id": ben})
    assert "MessageReceived" in await hears(mine["conversation_id"], "for you", ANA)
    assert await hears(other["conversation_id"], "not for you", BEN) == []
    assert "ConversationHidden" not in stream.kinds()
    await site.call("PATCH", f"/conversations/{mine['conversation_id']}", json={"assignee_id": None})
    assert (await stream.one("ConversationHidden"))["conversation_id"] == mine["conversation_id"]
    await stream.until(await site.newest())
    assert await hears(mine["conversation_id"], "secret again", ANA) == []
    said = {"text": "Ben, look", "mentions": [ben]}
    await site.call("POST", f"/conversations/{other['conversation_id']}/comments", json=said)
    assert "MessageReceived" in await hears(other["conversation_id"], "now you may", BEN)
    heard = [data["message"]["text"] for _, _, data in stream.frames if "message" in data]
    assert [text for text in heard if text] == ["for you", "Ben, look", "now you may"]
    resumed = await site.stream(client=browser, last=0)
    await resumed.until(await site.newest())
    assert "still secret" not in repr(resumed.frames)


async def test_a_team_hears_what_is_its_own(site: Site) -> None:
    office = site.office
    browser, ben = await site.sign_in(only_assigned=True)
    team = await site.call("POST", "/teams", json={"name": "Night shift", "member_ids": [ben]})
    conversation = (await office.hear("hi"))["conversation_id"]
    stream = await site.stream(client=browser)
    await site.call("PATCH", f"/conversations/{conversation}", json={"team_id": team["id"]})
    await office.hear("for the night shift")
    await stream.until(await site.newest())
    assert "MessageReceived" in stream.kinds()


async def test_signing_out_ends_the_stream(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "CHECK_EVERY", CHECK_EVERY)  # as often as the product looks, not as the other tests
    browser, _ = await site.sign_in()
    stream, own = await site.stream(client=browser), await site.stream()
    assert (await browser.delete("/api/v1/session")).status_code == 204
    async with asyncio.timeout(CHECK_EVERY + 1):
        await stream.ended.wait()
    assert CHECK_EVERY + 1 <= 5
    assert not own.ended.is_set()
    assert (await browser.get("/api/v1/events")).status_code == 401


async def test_so_does_being_shut_out_and_losing_permissions(site: Site) -> None:
    browser, ben = await site.sign_in()
    stream = await site.stream(client=browser)
    await site.call("PATCH", f"/users/{ben}", json={"only_assigned": True})
    async with asyncio.timeout(60):
        await stream.ended.wait()
    assert stream.kinds()[-1] == "resync"
    again = await site.stream(client=browser)
    await site.call("PATCH", f"/users/{ben}", json={"active": False})
    async with asyncio.timeout(60):
        await again.ended.wait()


async def test_a_token_streams_too_until_it_is_revoked(site: Site) -> None:
    made = await site.call("POST", "/tokens", json={"name": "screen", "scopes": ["conversations:read"]})
    async with httpx.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {made['token']}"}) as program:
        stream = await site.stream(client=program)
        await site.office.hear("hi")
        await stream.one("MessageReceived")
        await site.call("DELETE", f"/tokens/{made['id']}")
        async with asyncio.timeout(60):
            await stream.ended.wait()
        await stream.close()


@pytest.mark.parametrize("after", [10**6, 0])
async def test_what_cannot_be_resumed_is_loaded_afresh(site: Site, after: int) -> None:
    """A number from another life of the database, and one whose successors were swept."""
    await site.office.hear("hi")
    if after == 0:
        await site.office.execute("delete from events where seq <= 3")
    stream = await site.stream(last=after)
    await stream.one("resync")
    newest = await site.newest()
    assert stream.frames == [(newest, "resync", {})]
    await site.office.hear("and on")
    await stream.until(await site.newest())
    assert [number for number, _, _ in stream.frames[1:]] == list(range(newest + 1, await site.newest() + 1))


async def test_a_number_whose_successors_are_all_there_needs_no_reload(site: Site) -> None:
    await site.office.hear("hi")
    newest = await site.newest()
    await site.office.execute("delete from events where seq < $1", newest)
    stream = await site.stream(last=newest - 1)
    await stream.until(newest)
    assert "resync" not in stream.kinds()


async def test_a_number_that_is_none_is_refused(site: Site) -> None:
    for value in ("x", "-1", "1.5", "٣", "9" * 19, "1e3"):
        answer = await site.browser.get("/api/v1/events", headers={"Last-Event-ID": value.encode()})
        assert answer.status_code == 400, value
        assert answer.headers["content-type"] == "application/problem+json"


async def test_whispers_pass_by_and_leave_nothing(site: Site) -> None:
    conversation = (await site.office.hear("hi"))["conversation_id"]
    before = await site.newest()
    stream = await site.stream()
    await site.call("POST", f"/conversations/{conversation}/typing", json={"on": True})
    whisper = await stream.one("whisper")
    assert (whisper["conversation_id"], whisper["kind"], whisper["on"]) == (conversation, "typing", True)
    assert await site.newest() == before


async def test_whispers_of_hidden_conversations_reach_no_restricted_user(site: Site) -> None:
    office = site.office
    browser, ben = await site.sign_in(only_assigned=True)
    hidden, mine = await office.hear("secret", ANA), await office.hear("for Ben", BEN)
    await site.call("PATCH", f"/conversations/{mine['conversation_id']}", json={"assignee_id": ben})
    stream = await site.stream(client=browser)
    for conversation in (hidden["conversation_id"], mine["conversation_id"]):
        await site.call("POST", f"/conversations/{conversation}/typing", json={"on": True})
    whisper = await stream.one("whisper")
    assert whisper["conversation_id"] == mine["conversation_id"]


async def test_a_token_gets_only_what_its_scopes_let_it_read(site: Site) -> None:
    for scopes, shown in ((["conversations:read"], set()), (["conversations:read", "contacts:read"], {"contact"})):
        made = await site.call("POST", "/tokens", json={"name": "screen", "scopes": scopes})
        async with httpx.AsyncClient(
            base_url=site.url, headers={"Authorization": f"Bearer {made['token']}"}
        ) as program:
            stream = await site.stream(client=program)
            contact = await site.call("POST", "/contacts", json={"name": "Ana"})
            await site.call("PATCH", f"/contacts/{contact['id']}", json={"name": "Anna"})
            await site.call("PATCH", f"/inboxes/{site.office.line}", json={"name": "Desk"})
            await site.call("POST", "/teams", json={"name": f"Team {len(scopes)}", "member_ids": []})
            await stream.until(await site.newest())
            await stream.close()
        frames = [data for _, _, data in stream.frames]
        assert {name for data in frames for name in data if name in ("contact", "inbox", "user", "team")} == shown
        assert len(frames) >= 4


async def test_after_the_listener_lost_its_connection_nothing_is_missing(site: Site) -> None:
    stream = await site.stream()
    async with site.office.db.across() as tx:
        gone = await tx.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where query like '%LISTEN%' and pid <> pg_backend_pid() and datname = current_database()"
        )
    assert gone >= 1
    for n in range(5):
        await site.office.hear(f"while nobody listened {n}")
    await stream.until(await site.newest())


# --- without a network ----------------------------------------------------------------------------------------------


def actor(workspace: int) -> Actor:
    return Actor(
        workspace_id=workspace, user_id=1, name="Ana", role="owner", permissions=PERMISSIONS["owner"], session_id=1
    )


async def test_a_slow_stream_is_told_to_load_afresh_and_stays_small() -> None:
    subscription = Subscription(1, actor(1), 0)
    for n in range(hubs.QUEUE + 10):
        subscription.put(n)
    assert subscription.queue.qsize() == 10
    assert subscription.queue.get_nowait() is RESYNC
    assert subscription.queue.get_nowait() == hubs.QUEUE + 1
    for n in range(hubs.QUEUE):
        subscription.put(n)
    subscription.put(CLOSED)
    items = [subscription.queue.get_nowait() for _ in range(subscription.queue.qsize())]
    assert CLOSED in items, "an end must not get lost"


async def test_whoever_comes_while_sign_ins_are_looked_at_is_not_sent_away(
    live_db: Database, resources: Resources, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(resources, lambda: None)  # type: ignore[arg-type, return-value]
    gone = await hub.subscribe(owner.workspace_id, owner)  # its sign-in is in no table
    came: asyncio.Future[Subscription] = asyncio.get_running_loop().create_future()

    async def slowly(*_: Any) -> tuple[dict[int, Any], dict[int, Any]]:
        if came.done():
            await asyncio.Event().wait()  # one look is enough
        came.set_result(await hub.subscribe(owner.workspace_id, owner))
        return {}, {}

    monkeypatch.setattr(hubs, "CHECK_EVERY", 0)
    monkeypatch.setattr(hubs.events, "still_valid", slowly)
    checking = asyncio.create_task(hub._check())
    try:
        assert await asyncio.wait_for(gone.queue.get(), 60) is CLOSED
        assert (await came).queue.empty()
    finally:
        checking.cancel()


async def test_what_happens_while_somebody_comes_is_theirs(
    live_db: Database, resources: Resources, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bell rings when they have looked where the log ends and nobody knows yet that they listen."""
    hub, newest = Hub(resources, lambda: None), hubs.events.newest  # type: ignore[arg-type, return-value]
    reading: list[asyncio.Task[None]] = []

    async def overtaken(tx: Tx) -> int:
        found = await newest(tx)
        async with live_db.begin(owner.workspace_id) as other:
            note(other, "meanwhile")
        reading.append(asyncio.create_task(hub._read(owner.workspace_id)))
        await asyncio.sleep(0)
        return found

    monkeypatch.setattr(hubs.events, "newest", overtaken)
    subscription = await hub.subscribe(owner.workspace_id, owner)
    await asyncio.wait_for(reading[0], 60)
    assert subscription.queue.get_nowait().row["facts"] == {"note": "meanwhile"}


async def test_whoever_comes_while_the_last_one_leaves_is_fed(
    live_db: Database, resources: Resources, owner: Actor
) -> None:
    hub = Hub(resources, lambda: None)  # type: ignore[arg-type, return-value]
    leaving = await hub.subscribe(owner.workspace_id, owner)
    feed = hub._feeds[owner.workspace_id]
    async with feed.turn:
        coming = asyncio.create_task(hub.subscribe(owner.workspace_id, owner))
        await asyncio.sleep(0)
        hub.unsubscribe(leaving)
    subscription = await coming
    async with live_db.begin(owner.workspace_id) as tx:
        note(tx, "hello")
    await hub._read(owner.workspace_id)
    fresh = subscription.queue.get_nowait()
    assert isinstance(fresh, Fresh)
    assert fresh.row["facts"] == {"note": "hello"}
    hub._whisper(f'{{"workspace_id": {owner.workspace_id}, "kind": "typing"}}')
    assert isinstance(subscription.queue.get_nowait(), Spoken)


async def test_a_comment_tells_who_was_called(site: Site) -> None:
    """A comment carries its mentions, so that a screen can say who was called."""
    conversation = (await site.office.hear("hi"))["conversation_id"]
    stream = await site.stream()
    async with site.office.db.begin(site.office.workspace) as tx:
        await write.comment(tx, conversation, "look", actor=site.office.owner, mentions=[site.office.owner.user_id])
    frame = await stream.one("CommentAdded")
    assert frame["facts"]["mentions"] == [site.office.owner.user_id]
    assert frame["message"]["audience"] == "team"
