"""Every fault does what it says, exactly as often as ordered, and is noted."""

from __future__ import annotations

import time

import httpx
import pytest
from twilio.request_validator import RequestValidator

from frontdesk_sim.faults import PROBABILITIES, Faults

from .conftest import Desk, Sim, until


async def order(sim: Sim, fault: str, times: int = 1) -> None:
    await sim.control("POST", "/faults/next", {"fault": fault, "times": times})


async def write(sim: Sim, body: str = "Hello", sender: str = "+12025550101") -> str:
    return str((await sim.control("POST", "/texts", {"sender": sender, "body": body}))["sid"])


async def struck(sim: Sim) -> list[str]:
    return [fact["facts"]["name"] for fact in await sim.truth("fault")]


def accepted_bodies(facts: list[dict[str, object]]) -> list[object]:
    return [fact["facts"]["body"] for fact in facts]  # type: ignore[index]


# --- answers of the provider --------------------------------------------------------------------------------------


async def test_too_many_requests_accepts_nothing(sim: Sim) -> None:
    await sim.control("PATCH", "/faults", {"retry_after": 7})
    await order(sim, "too_many")
    answer = await sim.send(Body="Hello")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, 20429, "7")
    assert not await sim.truth("text.accepted")
    assert (await sim.send(Body="Hello")).status_code == 201
    assert await struck(sim) == ["too_many"]


async def test_a_server_error_accepts_nothing(sim: Sim) -> None:
    await order(sim, "server_error")
    assert (await sim.send(Body="Hello")).status_code == 500
    assert not await sim.truth("text.accepted")


@pytest.mark.parametrize(("fault", "accepted"), [("drop_before", []), ("drop_after", ["Hello"])])
async def test_a_dropped_connection_leaves_the_client_without_an_answer(
    sim: Sim, fault: str, accepted: list[str]
) -> None:
    await order(sim, fault)
    with pytest.raises(httpx.TransportError):
        await sim.send(Body="Hello")
    assert accepted_bodies(await sim.truth("text.accepted")) == accepted
    listed = (await sim.twilio("GET", "/Messages.json", params={"To": "+12025550101"})).json()["messages"]
    assert [text["body"] for text in listed] == accepted
    await sim.settle()
    lines = await sim.control("GET", "/customers/demo-ada/conversation")
    assert [line["text"] for line in lines] == accepted


async def test_a_slow_answer_outlasts_the_client_but_is_accepted(sim: Sim) -> None:
    await sim.control("PATCH", "/faults", {"slow_seconds": 5})
    await order(sim, "slow")
    with pytest.raises(httpx.ReadTimeout):
        await sim.send_with_timeout(0.2, Body="Hello")
    assert accepted_bodies(await sim.truth("text.accepted")) == ["Hello"]


async def test_callbacks_can_come_before_the_answer(sim: Sim, desk: Desk) -> None:
    await order(sim, "callback_first")
    answer = await sim.send(Body="Hello", StatusCallback=desk.url)
    assert desk.statuses() == ["queued", "sent", "delivered"]  # all of them, and the answer comes only now
    assert answer.json()["status"] == "queued"
    assert {call.params["MessageSid"] for call in desk.calls} == {answer.json()["sid"]}


async def test_look_ups_are_spared_unless_asked(sim: Sim) -> None:
    await order(sim, "server_error", 1)
    assert (await sim.twilio("GET", "/Messages.json")).status_code == 200
    await sim.control("PATCH", "/faults", {"reads_too": True})
    await order(sim, "server_error", 1)
    assert (await sim.twilio("GET", "/Messages.json")).status_code == 500


async def test_an_accepted_text_can_end_undelivered(sim: Sim, desk: Desk) -> None:
    await sim.control("PATCH", "/faults", {"undelivered_code": 30007})
    await order(sim, "undelivered")
    await sim.send(Body="Hello", StatusCallback=desk.url)
    await sim.settle()
    assert desk.statuses()[-1] == "undelivered"
    assert desk.calls[-1].params["ErrorCode"] == "30007"


# --- deliveries to the desk ---------------------------------------------------------------------------------------


async def test_duplicates_are_exact_copies(hooked: Sim, desk: Desk) -> None:
    await hooked.control("PATCH", "/faults", {"duplicate_copies": 50})
    await order(hooked, "duplicate")
    await write(hooked)
    await hooked.settle()
    assert 2 <= len(desk.calls) <= 51
    assert len({tuple(call.params.items()) for call in desk.calls}) == 1
    assert len({call.headers["x-twilio-signature"] for call in desk.calls}) == 1


async def test_a_dropped_webhook_is_found_only_by_looking(hooked: Sim, desk: Desk) -> None:
    await order(hooked, "drop")
    sid = await write(hooked)
    await hooked.settle()
    assert desk.calls == []
    [fact] = await hooked.truth("webhook.dropped")
    assert fact["facts"]["params"]["MessageSid"] == sid
    listed = (await hooked.twilio("GET", "/Messages.json", params={"To": hooked.number})).json()["messages"]
    assert [text["sid"] for text in listed] == [sid]


async def test_reordering_lets_later_ones_overtake(hooked: Sim, desk: Desk) -> None:
    await hooked.control("PATCH", "/faults", {"reorder_seconds": 0.5})
    await order(hooked, "reorder", 5)
    for count in range(10):
        await write(hooked, str(count))
    await hooked.settle()
    arrived = [call.params["Body"] for call in desk.calls]
    assert sorted(arrived) == [str(count) for count in range(10)]
    assert arrived != sorted(arrived)
    assert [body for body in arrived if int(body) >= 5] == [
        "5",
        "6",
        "7",
        "8",
        "9",
    ]  # those not struck keep their order


async def test_a_delay_delays(hooked: Sim, desk: Desk) -> None:
    await hooked.control("PATCH", "/faults", {"delay_seconds": 0.4})
    await order(hooked, "delay")
    start = time.monotonic()
    await write(hooked)
    await until(lambda: desk.calls)
    assert time.monotonic() - start >= 0.39


async def test_a_forgery_comes_before_the_real_one(hooked: Sim, desk: Desk) -> None:
    await order(hooked, "bad_signature")
    await write(hooked)
    await hooked.settle()
    judge = RequestValidator(hooked.token)
    seen = [
        (call.params["Body"], judge.validate(call.url, call.params, call.headers["x-twilio-signature"]))
        for call in desk.calls
    ]
    assert seen == [("forged", False), ("Hello", True)]


# --- chance -------------------------------------------------------------------------------------------------------


async def outcomes(sim: Sim, count: int) -> list[int]:
    return [(await sim.send(Body=str(place))).status_code for place in range(count)]


async def test_the_same_seed_gives_the_same_series(sim: Sim) -> None:
    faults = {"seed": 7, "too_many": 0.5}
    await sim.control("PUT", "/faults", faults)
    first = await outcomes(sim, 30)
    await sim.control("PUT", "/faults", {**faults, "undelivered": 0.5})  # another fault does not shift the series
    assert await outcomes(sim, 30) == first
    await sim.control("PUT", "/faults", {**faults, "seed": 8})
    assert await outcomes(sim, 30) != first
    assert 5 < first.count(429) < 25


async def test_faults_can_be_confined_to_one_number(sim: Sim) -> None:
    await sim.control("PUT", "/faults", {"server_error": 1, "only": ["+12025550102"]})
    assert (await sim.send(Body="Hello", To="+12025550101")).status_code == 201
    assert (await sim.send(Body="Hello", To="+12025550102")).status_code == 500


async def test_nothing_strikes_without_being_asked(hooked: Sim, desk: Desk) -> None:
    assert await outcomes(hooked, 20) == [201] * 20
    for _ in range(20):
        await write(hooked)
    await hooked.settle()
    assert len(desk.inbound()) == 20
    assert await struck(hooked) == []


async def test_the_panel_refuses_nonsense(sim: Sim) -> None:
    await sim.control("PUT", "/faults", {"drop": 1.5}, status=400)
    await sim.control("PUT", "/faults", {"typo": 0.5}, status=400)
    await sim.control("PATCH", "/faults", {"drop": -1}, status=422)
    await sim.control("POST", "/faults/next", {"fault": "typo"}, status=422)
    assert (await sim.control("GET", "/faults"))["drop"] == 0


async def test_the_panel_is_reset(sim: Sim) -> None:
    await sim.control("PUT", "/faults", {"server_error": 1})
    await order(sim, "drop", 3)
    await sim.control("DELETE", "/faults")
    faults = await sim.control("GET", "/faults")
    assert faults.pop("ordered") == {}
    assert Faults(**faults) == Faults()


def test_every_probability_is_known_to_the_panel() -> None:
    assert set(PROBABILITIES) == {
        "duplicate",
        "reorder",
        "delay",
        "drop",
        "bad_signature",
        "too_many",
        "server_error",
        "drop_before",
        "drop_after",
        "slow",
        "callback_first",
        "undelivered",
        "imap_cut",
    }
