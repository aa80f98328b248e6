"""Classes 261-285: when something goes out, and whether it may."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from bad_input.cases import Cases
from bad_input.site import ORIGIN, Site, refused

case = Cases()


@pytest.mark.parametrize("name", case)
async def test_time(site: Site, name: str) -> None:
    await case[name](site)


async def chat(site: Site, text: str = "Hello") -> int:
    """A visitor's conversation: what is written into it is delivered here, without a provider."""
    key = site.hooks[site.chat].rsplit("/", 1)[-1]
    begun = await site.api.post("/widget/v1/session", json={"key": key, "origin": ORIGIN})
    assert begun.status_code == 200, begun.text
    headers = {"Authorization": f"Bearer {begun.json()['token']}"}
    said = await site.api.post("/widget/v1/messages", json={"id": str(uuid4()), "text": text}, headers=headers)
    assert said.status_code == 200, said.text
    await site.ingest()
    found: int = await site.value("select max(conversation_id) from messages where inbox_id = $1", site.chat)
    return found


def moment(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


async def schedule(site: Site, conversation_id: int, due_at: str, text: str = "later") -> int:
    answer = await site.write(conversation_id, text, due_at=due_at)
    assert answer.status_code == 201, answer.text
    made: int = answer.json()["id"]
    return made


async def fell_due(site: Site, message_id: int) -> None:
    """As if the time had come."""
    await site.execute("update outbox set due_at = now() - interval '1 second' where message_id = $1", message_id)


async def state(site: Site, message_id: int) -> str:
    found: str = await site.value("select delivery from messages where id = $1", message_id)
    return found


async def opted_out(site: Site, point_id: int) -> bool:
    found = await site.value("select opted_out_at from contact_points where id = $1", point_id)
    return found is not None


# --- scheduling ---------------------------------------------------------------------------------------------------


@case("261-a-time-without-a-zone")
async def _(site: Site) -> None:
    """An hour that a clock shows twice, or never, cannot be meant: times carry their offset."""
    talk = await chat(site)
    for naive in ("2027-03-28T03:30:00", "2027-10-31T03:30:00", "2027-10-31 03:30", "1 November"):
        refused(await site.write(talk, "later", due_at=naive), "invalid")
    both = [await schedule(site, talk, f"2026-11-29T03:30:00{offset}") for offset in ("+03:00", "+02:00")]
    rows = await site.fetch("select due_at from messages where id = any($1) order by id", both)
    assert rows[1]["due_at"] - rows[0]["due_at"] == timedelta(hours=1)


@case("262-an-unknown-zone")
async def _(site: Site) -> None:
    contact = (await site.call("POST", "/contacts", {"name": "Jane"})).json()["id"]
    for zone in ("Mars/Olympus", "../../etc/passwd", "Europe/Athens\0", "", "UTC+25", "x" * 65, "/etc/localtime"):
        for path in (f"/contacts/{contact}", "/workspace"):
            refused(await site.call("PATCH", path, {"timezone": zone}), "invalid")
    assert (await site.call("PATCH", f"/contacts/{contact}", {"timezone": "Europe/Athens"})).status_code == 200


@case("267-a-time-in-the-past")
async def _(site: Site) -> None:
    """Goes now."""
    talk = await chat(site)
    message = await schedule(site, talk, "1999-12-31T23:59:59Z")
    await site.dispatch()
    assert await state(site, message) == "sent"


@case("268-a-time-beyond-a-year")
async def _(site: Site) -> None:
    talk = await chat(site)
    far = await site.write(talk, "later", due_at=moment(days=400))
    assert far.status_code == 400 or await state(site, far.json()["id"]) == "queued"
    for impossible in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "+99999-01-01T00:00:00Z"):
        answer = await site.write(talk, "later", due_at=impossible)
        assert answer.status_code in (201, 400), answer.text


@case("269-cancelled-at-the-very-moment")
async def _(site: Site) -> None:
    """Cancelled or sent, never both, and the answer says which."""
    talk = await chat(site)
    for _ in range(5):
        message = await schedule(site, talk, moment(hours=1))
        await fell_due(site, message)
        answer, _ = await asyncio.gather(site.call("POST", f"/messages/{message}/cancel"), site.dispatch())
        expected = "cancelled" if answer.status_code == 200 else "sent"
        assert await state(site, message) == expected


@case("270-changed-at-the-very-moment")
async def _(site: Site) -> None:
    talk = await chat(site)
    for number in range(5):
        message = await schedule(site, talk, moment(hours=1), text="before")
        await fell_due(site, message)
        change = site.call("PATCH", f"/messages/{message}", {"text": f"after {number}"})
        answer, _ = await asyncio.gather(change, site.dispatch())
        text = await site.value("select text from messages where id = $1", message)
        assert text == (f"after {number}" if answer.status_code == 200 else "before")


# --- consent ------------------------------------------------------------------------------------------------------


@case("271-stop-between-writing-and-sending")
async def _(site: Site) -> None:
    number = site.phone()
    talk = (await site.hear("Hello", number))["conversation_id"]
    message = await schedule(site, talk, moment(hours=1))
    await site.hear("STOP", number)
    await fell_due(site, message)
    await site.dispatch()
    row = (await site.fetch("select delivery, delivery_code from messages where id = $1", message))[0]
    assert (row["delivery"], row["delivery_code"]) == ("failed", "opted_out")


@case("272-stop-on-one-channel")
async def _(site: Site) -> None:
    """Counts for the number that said so; the mail address of the same person has not said it."""
    number = site.phone()
    contact = await site.call(
        "POST", "/contacts",
        {"name": "Jane", "points": [{"kind": "phone", "value": number}, {"kind": "email", "value": "j272@x.example"}]},
    )  # fmt: skip
    await site.hear("STOP", number)
    points = (await site.call("GET", f"/contacts/{contact.json()['id']}")).json()["points"]
    assert {one["kind"]: one["opt_out"] is not None for one in points} == {"phone": True, "email": False}


@case("273-start-after-stop")
async def _(site: Site) -> None:
    number = site.phone()
    row = await site.hear("STOP", number)
    assert await opted_out(site, row["point_id"])
    contact = await site.value("select contact_id from contact_points where id = $1", row["point_id"])
    path = f"/contacts/{contact}/points/{row['point_id']}/consent"
    refused(await site.call("PUT", path, {"opted_out": False}))
    await site.hear("START", number)
    assert not await opted_out(site, row["point_id"])


@case("274-stop-from-somebody-who-was-merged")
async def _(site: Site) -> None:
    number = site.phone()
    row = await site.hear("Hello", number)
    loser = await site.value("select contact_id from contact_points where id = $1", row["point_id"])
    winner = (await site.call("POST", "/contacts", {"name": "Jane"})).json()["id"]
    assert (await site.call("POST", f"/contacts/{loser}/merge", {"into": winner})).status_code == 200
    stop = await site.hear("STOP", number)
    assert await opted_out(site, stop["point_id"])
    points = (await site.call("GET", f"/contacts/{winner}")).json()["points"]
    assert [one["opt_out"] is not None for one in points] == [True]


# --- erasure ------------------------------------------------------------------------------------------------------


@case("282-erased-while-they-talk")
async def _(site: Site) -> None:
    """Somebody with conversations is not deleted from under them."""
    row = await site.hear("Hello")
    contact = await site.value("select contact_id from conversations where id = $1", row["conversation_id"])
    gone, heard = await asyncio.gather(
        site.call("DELETE", f"/contacts/{contact}"), site.hear("still here", await _number(site, row["point_id"]))
    )
    assert gone.status_code in (204, 409), gone.text
    assert await site.value("select count(*) from messages where id = $1", heard["id"]) == 1


async def _number(site: Site, point_id: int) -> str:
    found: str = await site.value("select value from contact_points where id = $1", point_id)
    return found


@case("283-a-late-repeat-brings-nothing-back")
async def _(site: Site) -> None:
    """The provider repeats what came before somebody was erased: a delivery is known for as long as its row is kept."""
    fields = site.text("remember me")
    body = urlencode(fields).encode()
    assert (await site.post_hook(body)).status_code == 200
    await site.ingest()
    message = await site.message(fields["MessageSid"])
    contact = await site.value("select contact_id from conversations where id = $1", message["conversation_id"])
    deleted = await site.call("DELETE", f"/contacts/{contact}")
    assert deleted.status_code in (204, 409)
    before = await site.value("select count(*) from contacts")
    assert (await site.post_hook(body)).status_code == 200
    await site.ingest()
    assert await site.value("select count(*) from contacts") == before
