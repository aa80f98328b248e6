"""State before + events == state fetched afresh, whatever is done and however often the line breaks."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conversations.office import Time
from conversations.pretend import told
from frontdesk.channels.port import Disconnected, Rejected, TryLater, Unknown
from frontdesk.conversations.actions import outbox
from frontdesk.inboxes import actions as inboxes
from realtime.model import TABLES, Client, differences, seen
from realtime.site import Site, Stream

ACTIONS = 300
Act = Callable[["Day"], Awaitable[Any]]
DOES: list[tuple[int, Act]] = []


def often(weight: int) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        DOES.append((weight, act))
        return act

    return register


class Day:
    """A random day at the office: people, contacts and providers do one thing after another."""

    def __init__(self, site: Site, time: Time, chance: random.Random) -> None:
        self.site, self.office, self.time, self.chance = site, site.office, time, chance
        self.done: list[str] = []

    async def api(self, method: str, path: str, **given: Any) -> Any:
        """A request that may be refused, but not fail."""
        answer = await self.site.browser.request(method, f"/api/v1{path}", **given)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content and answer.status_code < 300 else None

    async def some(self, table: str, condition: str = "true") -> int:
        """The id of a row, or one that does not exist."""
        found = await self.office.value(f"select id from {table} where {condition} order by random() limit 1")
        return found or 999_999

    async def one(self) -> None:
        act: Act = self.chance.choices([act for _, act in DOES], [weight for weight, _ in DOES])[0]
        self.done.append(act.__name__)
        await act(self)
        self.time.move(seconds=self.chance.choice([1, 5, 60, 600]))


@often(14)
async def hear(day: Day) -> None:
    n = day.chance.randrange(4)
    await day.office.store(day.office.said(f"hello {n}", f"+30210000000{n}", automatic=day.chance.random() < 0.1))
    if day.chance.random() < 0.8:
        await day.office.ingest()


@often(3)
async def hear_a_letter(day: Day) -> None:
    also = [{"kind": "phone", "value": f"+30210000000{day.chance.randrange(4)}"}]
    await day.office.deliver(
        day.office.said("a letter", "a@x.example", subject="A tooth", also=also), inbox=day.office.post
    )


@often(2)
async def stop_and_start(day: Day) -> None:
    await day.office.deliver(day.office.said(day.chance.choice(["STOP", "START"]), "+302100000003"))


@often(10)
async def send(day: Day) -> None:
    later = day.time.now.replace(year=2027).isoformat() if day.chance.random() < 0.3 else None
    body = {"text": f"answer {len(day.done)}", "due_at": later}
    await day.api("POST", f"/conversations/{await day.some('conversations')}/messages", json=body)


@often(8)
async def dispatch(day: Day) -> None:
    driver = day.office.driver()
    refusals = [Rejected("No.", code="1"), Rejected("Gone.", bad_address=True)]
    trouble = [*refusals, TryLater("Busy."), Unknown("?"), Disconnected("Password.")]
    if day.chance.random() < 0.4:
        driver.outcomes = [day.chance.choice(trouble)]
    await day.office.dispatch()


@often(3)
async def repair(day: Day) -> None:
    async with day.office.db.begin(day.office.workspace) as tx:
        await inboxes.note_health(tx, day.office.line, "ok")
        await outbox.release_held(tx, day.office.line)


@often(4)
async def receipt(day: Day) -> None:
    rows = await day.office.fetch(
        "select external_id from messages where direction = 'out' and external_id is not null"
    )
    if rows:
        state = day.chance.choice(["sent", "delivered", "read", "failed"])
        await day.office.deliver(told(state, to=day.chance.choice(rows)["external_id"], reason="So it is."))


@often(4)
async def comment(day: Day) -> None:
    body = {"text": "between us", "mentions": [day.office.owner.user_id] if day.chance.random() < 0.5 else []}
    await day.api("POST", f"/conversations/{await day.some('conversations')}/comments", json=body)


@often(5)
async def change_a_message(day: Day) -> None:
    message = await day.some("messages", "delivery in ('queued', 'held', 'failed', 'uncertain')")
    verb = day.chance.choice(["cancel", "retry", "resend", "sent", "send-now", "words", "time"])
    if verb in ("cancel", "send-now"):
        await day.api("POST", f"/messages/{message}/{verb}")
    elif verb in ("words", "time"):
        body = {"text": "better"} if verb == "words" else {"due_at": day.time.now.replace(year=2028).isoformat()}
        await day.api("PATCH", f"/messages/{message}", json=body)
    else:
        await day.api("POST", f"/messages/{message}/retry", json={} if verb == "retry" else {"mark": verb})


@often(8)
async def change_a_conversation(day: Day) -> None:
    body = day.chance.choice([
        {"status": "closed"}, {"status": "open"}, {"status": "snoozed", "snoozed_until": None}, {"subject": "Another"},
        {"snoozed_until": day.time.now.replace(year=2027).isoformat()}, {"assignee_id": day.office.owner.user_id},
        {"assignee_id": None}, {"team_id": await day.some("teams")}, {"team_id": None}, {"subject": None},
    ])  # fmt: skip
    await day.api("PATCH", f"/conversations/{await day.some('conversations')}", json=body)


@often(5)
async def read_and_star(day: Day) -> None:
    conversation = await day.some("conversations")
    method, verb, body = day.chance.choice(
        [
            ("POST", "read", {}),
            ("POST", "read", {"count": 1}),
            ("POST", "unread", None),
            ("PUT", "star", None),
            ("DELETE", "star", None),
        ]
    )
    await day.api(method, f"/conversations/{conversation}/{verb}", json=body)


@often(5)
async def label(day: Day) -> None:
    some = await day.some("labels")
    match day.chance.randrange(5):
        case 0:
            await day.api("POST", "/labels", json={"name": f"L{len(day.done)}"})
        case 1:
            await day.api("PATCH", f"/labels/{some}", json={"name": f"M{len(day.done)}"})
        case 2 if day.chance.random() < 0.5:
            await day.api("DELETE", f"/labels/{some}")
        case _:
            method = day.chance.choice(["PUT", "PUT", "DELETE"])
            await day.api(method, f"/conversations/{await day.some('conversations')}/labels/{some}")


@often(3)
async def merge_and_move(day: Day) -> None:
    if day.chance.random() < 0.4:
        into = {"into": await day.some("conversations")}
        await day.api("POST", f"/conversations/{await day.some('conversations')}/merge", json=into)
    else:
        target = {"conversation_id": await day.some("conversations")}
        await day.api("POST", f"/messages/{await day.some('messages')}/move", json=target)


@often(2)
async def open_another(day: Day) -> None:
    body = {"inbox_id": day.office.line, "contact_id": await day.some("contacts"), "second": day.chance.random() < 0.6}
    await day.api("POST", "/conversations", json=body)


@often(5)
async def contact(day: Day) -> None:
    some = await day.some("contacts")
    match day.chance.randrange(7):
        case 0 | 1:
            await day.api("PATCH", f"/contacts/{some}", json={"name": f"Ana {len(day.done)}"})
        case 2:
            await day.api("POST", "/contacts", json={"name": f"New {len(day.done)}"})
        case 3:
            await day.api("DELETE", f"/contacts/{some}")
        case 4:
            point = await day.some("contact_points")
            out = {"opted_out": day.chance.random() < 0.5}
            owner = await day.office.value("select contact_id from contact_points where id = $1", point)
            await day.api("PUT", f"/contacts/{owner or 1}/points/{point}/consent", json=out)
        case 5 if day.chance.random() < 0.3:
            await day.api("POST", f"/contacts/{some}/merge", json={"into": await day.some("contacts")})
        case _:
            await day.api("PATCH", f"/contacts/{some}", json={"note": f"note {len(day.done)}"})


@often(3)
async def tag(day: Day) -> None:
    some = await day.some("tags")
    match day.chance.randrange(4):
        case 0:
            await day.api("POST", "/tags", json={"name": f"T{len(day.done)}"})
        case 1 if day.chance.random() < 0.5:
            await day.api("DELETE", f"/tags/{some}")
        case _:
            await day.api(
                day.chance.choice(["PUT", "PUT", "DELETE"]), f"/contacts/{await day.some('contacts')}/tags/{some}"
            )


@often(3)
async def house(day: Day) -> None:
    match day.chance.randrange(5):
        case 0:
            await day.api("POST", "/teams", json={"name": f"T{len(day.done)}"})
        case 1 if day.chance.random() < 0.3:
            await day.api("DELETE", f"/teams/{await day.some('teams')}")
        case 2:
            await day.api("PATCH", f"/users/{day.office.owner.user_id}", json={"name": f"Ana {len(day.done)}"})
        case 3:
            await day.api("PATCH", f"/inboxes/{day.office.line}", json={"name": f"Line {len(day.done)}"})
        case _:
            await day.api("PATCH", f"/inboxes/{day.office.post}", json={"enabled": day.chance.random() < 0.5})


@often(3)
async def time_passes(day: Day) -> None:
    day.time.move(days=day.chance.choice([0.1, 1, 20]))
    await day.office.tick()


async def follow(client: Client, stream: Stream, taken: int) -> int:
    """Apply what the stream has brought since."""
    for _, kind, data in stream.frames[taken:]:
        assert kind != "resync"
        if kind not in ("nothing", "whisper"):
            await client.apply(data)
    return len(stream.frames)


async def compare(mine: Client, afresh: Client, threads: set[int] | None, when: str) -> None:
    """All of it, or the list of conversations and what was said in some."""
    have = dict(mine.rows)
    if threads is None:
        await afresh.load()
    else:
        await afresh.look(threads)
        have["messages"] = {i: row for i, row in have["messages"].items() if row["conversation_id"] in threads}
        afresh.rows |= {table: mine.rows[table] for table in TABLES[2:]}
    assert differences(seen(have), seen(afresh.rows)) == [], when


@pytest.mark.parametrize("seed", [1])
async def test_state_before_and_events_are_state_afresh(site: Site, time: Time, seed: int) -> None:
    day = Day(site, time, random.Random(seed))
    mine, afresh = Client(site.call), Client(site.call)
    await afresh.load()
    cursor = (await site.call("GET", "/me"))["cursor"]
    await mine.load()
    stream, taken, breaks, known = await site.stream(after=cursor), 0, 0, cursor
    for step in range(ACTIONS):
        broken = day.chance.random() < 0.12
        if broken:
            await stream.close()
        for _ in range(day.chance.randrange(1, 6) if broken else 1):
            await day.one()
        if broken:
            stream, taken, breaks = await site.stream(last=known), 0, breaks + 1
        await stream.until(await site.newest())
        numbers = [number for number, _, _ in stream.frames[taken:] if number is not None]
        assert numbers == list(range(known + 1, known + 1 + len(numbers))), "a gap or a repetition in the numbers"
        touched = {data.get("conversation_id") for _, _, data in stream.frames[taken:]} - {None}
        taken, known = await follow(mine, stream, taken), stream.last or known
        await compare(mine, afresh, None if step % 40 == 39 else touched, f"after {step}: {day.done[-8:]}")
    await compare(mine, afresh, None, "at the end")
    assert breaks > 3
    assert len(afresh.rows["messages"]) > 30


async def test_another_user_ends_where_a_fresh_load_does(site: Site, time: Time) -> None:
    """The same for somebody else, who hears nothing of what is personal to others."""
    browser, _ = await site.sign_in(role="admin")
    day = Day(site, time, random.Random(7))

    async def call(method: str, path: str) -> Any:
        answer = await browser.request(method, f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    mine, afresh = Client(call), Client(call)
    await mine.load()
    stream = await site.stream(after=await site.newest(), client=browser)
    for _ in range(60):
        await day.one()
    await stream.until(await site.newest())
    await follow(mine, stream, 0)
    await afresh.load()
    assert differences(seen(mine.rows), seen(afresh.rows)) == []
    assert "ReadStateChanged" not in stream.kinds()
    await stream.close()
