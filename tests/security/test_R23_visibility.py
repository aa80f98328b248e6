"""R23: what somebody sees of changes and histories: earlier words, what waits, what others wrote for others."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from app.test_app_desk import account, lend
from conversations.office import ANA, BEN, Office
from conversations.test_conversations_restricted import Ask, as_ben, as_owner, ben  # noqa: F401  (fixtures)
from frontdesk.channels.port import Address
from frontdesk.kit import clock

ANA_HERSELF = Address(kind="phone", value=ANA)


async def two(office: Office, user: int) -> tuple[int, int]:
    """A conversation of this user's, and one that is not."""
    own, other = [(await office.hear("hello", who))["conversation_id"] for who in (ANA, BEN)]
    await office.execute("update conversations set assignee_id = $1 where id = $2", user, own)
    return own, other


async def later(office: Office, talk: int, text: str = "tomorrow's words") -> int:
    return await office.write(talk, text, due_at=clock.now() + timedelta(days=1))


async def seen_by_contact(office: Office) -> str:
    items, _ = await lend(office).thread(await account(office), ANA_HERSELF)
    return " ".join(f"{item.text} {item.html}" for item in items)


async def test_the_schedule_shows_what_one_may_open(office: Office, as_ben: Ask, ben: int) -> None:  # noqa: F811
    """By every reason for seeing a conversation: assigned, the team's, called to it by a mention."""
    own, other = await two(office, ben)
    teams, called = [(await office.hear("hi", f"+3021055{n}"))["conversation_id"] for n in (1, 2)]
    team = await office.value("insert into teams (workspace_id, name) values ($1, 'T') returning id", office.workspace)
    await office.execute("insert into team_members values ($1, $2, $3)", office.workspace, team, ben)
    await office.execute("update conversations set team_id = $1 where id = $2", team, teams)
    await office.execute("update messages set mentions = array[$1::bigint] where conversation_id = $2", ben, called)
    for talk in (own, other, teams, called):
        await later(office, talk)
    listed = {one["conversation"]["id"] for one in (await as_ben("GET", "/scheduled")).json()["items"]}
    opened = {t for t in (own, other, teams, called) if (await as_ben("GET", f"/conversations/{t}")).status_code == 200}
    assert listed == opened == {own, teams, called}


async def test_the_schedule_is_read_page_by_page_without_a_gap(
    office: Office, as_ben: Ask, ben: int  # noqa: F811
) -> None:  # fmt: skip
    own, other = await two(office, ben)
    wanted = [await later(office, own, f"words {n}") for n in range(5)]
    for n in range(5):
        await later(office, other, f"hidden {n}")
    found, cursor = [], ""
    while True:
        page = (await as_ben("GET", f"/scheduled?limit=2{cursor}")).json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == wanted


@pytest.mark.parametrize("what", ["", "/delivery", "/html", "/source"])
async def test_nothing_of_a_hidden_message_is_shown(
    office: Office, as_ben: Ask, ben: int, what: str  # noqa: F811
) -> None:  # fmt: skip
    _, other = await two(office, ben)
    hidden = await later(office, other)
    answer, never = [await as_ben("GET", f"/messages/{n}{what}") for n in (hidden, 987_654_321)]
    assert (answer.status_code, answer.content) == (404, never.content)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("cancel", None),
        ("send-now", None),
        ("retry", {}),
        ("retry", {"mark": "sent"}),
        ("move", {"conversation_id": 1}),
    ],
)
async def test_nothing_of_a_hidden_message_is_changed_or_admitted(
    office: Office, as_ben: Ask, ben: int, path: str, body: dict[str, object] | None  # noqa: F811
) -> None:  # fmt: skip
    _, other = await two(office, ben)
    hidden, heard = await later(office, other), (await office.hear("more", BEN))["id"]
    never = await as_ben("POST", f"/messages/987654321/{path}", body)
    for message in (hidden, heard):
        answer = await as_ben("POST", f"/messages/{message}/{path}", body)
        assert (answer.status_code, answer.content) == (404, never.content), "that it is there is not said either"
    assert (await office.outbox(hidden))["state"] == "queued"


async def test_words_that_were_changed_before_they_left_are_seen_by_nobody_outside(
    office: Office, as_owner: Ask  # noqa: F811
) -> None:  # fmt: skip
    talk = (await office.hear("hello"))["conversation_id"]
    message = await later(office, talk, "a slip of the pen")
    assert "slip" not in await seen_by_contact(office)
    assert (await as_owner("PATCH", f"/messages/{message}", {"text": "well said"})).status_code == 200
    assert (await as_owner("POST", f"/messages/{message}/send-now")).status_code == 200
    await office.dispatch()
    assert "slip" not in await seen_by_contact(office)
    assert "well said" in await seen_by_contact(office)
    everything = await office.fetch("select e::text as row from events e union all select a::text from audit a")
    assert not [row for row in everything if "slip" in row["row"]]


async def test_a_comment_is_seen_by_no_contact_in_any_way(office: Office, as_owner: Ask) -> None:  # noqa: F811
    talk = (await office.hear("hello"))["conversation_id"]
    said = await as_owner("POST", f"/conversations/{talk}/comments", {"text": "between us"})
    forwarded = await as_owner(
        "POST", f"/messages/{said.json()['id']}/forward", {"inbox_id": office.post, "to": "x@y.example"}
    )
    assert (forwarded.status_code, forwarded.json()["code"]) == (409, "comment_stays")
    await office.write(talk, "an answer")
    await office.dispatch()
    assert "between us" not in await seen_by_contact(office)
    assert all("between us" not in (sent.html or "") + sent.text for sent in office.driver().sent)


async def test_what_was_cancelled_or_failed_is_not_shown_to_the_contact(office: Office, as_owner: Ask) -> None:  # noqa: F811
    talk = (await office.hear("hello"))["conversation_id"]
    taken_back = await later(office, talk, "taken back")
    assert (await as_owner("POST", f"/messages/{taken_back}/cancel")).status_code == 200
    await later(office, talk, "not yet")
    assert await seen_by_contact(office) == "hello None"


async def test_drafts_and_read_marks_are_ones_own(office: Office, as_ben: Ask, as_owner: Ask, ben: int) -> None:  # noqa: F811
    own, other = await two(office, ben)
    for talk in (own, other):
        body = {"mode": "reply", "body": {"text": "half a thought"}}
        assert (await as_owner("PUT", f"/conversations/{talk}/draft", body)).status_code == 204
        assert (await as_owner("PUT", f"/conversations/{talk}/star")).status_code == 204
    assert (await as_ben("GET", f"/conversations/{own}/draft")).json() == []
    shown = (await as_ben("GET", f"/conversations/{own}")).json()
    assert (shown["my"]["starred"], shown["my"]["draft"]) == (False, None)
    assert (await as_ben("GET", f"/conversations/{other}/draft")).status_code == 404


async def test_what_is_taken_away_is_gone_with_its_history(office: Office, as_ben: Ask, ben: int) -> None:  # noqa: F811
    own, _ = await two(office, ben)
    message = await later(office, own)
    assert (await as_ben("GET", f"/messages/{message}")).status_code == 200
    await office.execute("update conversations set assignee_id = null where id = $1", own)
    for path in (f"/conversations/{own}", f"/conversations/{own}/messages", f"/messages/{message}",
                 f"/messages/{message}/delivery"):  # fmt: skip
        assert (await as_ben("GET", path)).status_code == 404, path
    assert (await as_ben("GET", "/scheduled")).json()["items"] == []


async def test_the_record_of_what_was_done_holds_no_message(office: Office, client: httpx.AsyncClient) -> None:
    await office.hear("a very private matter")
    rows = await office.fetch("select a::text as row from audit a")
    assert not [row for row in rows if "private" in row["row"]]
