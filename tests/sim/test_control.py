"""The control API: the stage, the customers, the truth."""

from __future__ import annotations

import pytest

from .conftest import Desk, Sim


async def test_the_overview_has_what_a_client_needs(sim: Sim) -> None:
    overview = await sim.control("GET", "")
    assert overview["http"] == sim.world.base_url
    assert set(overview["twilio"]) == {"account_sid", "auth_token", "key_sid", "key_secret", "number", "sms_url"}
    assert set(overview["mailbox"]) == {"address", "password", "name"}
    assert overview["smtp"]["port"] != overview["imap"]["port"]


async def test_settings_change_one_by_one(sim: Sim) -> None:
    await sim.control("PUT", "/settings", {"frontdesk_url": "http://127.0.0.1:9/", "pace": 0.5})
    assert await sim.control("PUT", "/settings", {"widget_key": "k"}) == {
        "frontdesk_url": "http://127.0.0.1:9",
        "widget_key": "k",
        "pace": 0.5,
    }
    assert (await sim.control("GET", "/settings"))["widget_key"] == "k"


async def test_numbers_belong_to_accounts(sim: Sim, desk: Desk) -> None:
    other = await sim.control("POST", "/twilio/accounts", {"auth_token": "secret", "friendly_name": "Other"})
    number = await sim.control(
        "PUT", "/numbers/+12025550180", {"account_sid": other["sid"], "sms_url": f"{desk.url}/other"}
    )
    assert number["account_sid"] == other["sid"]
    await sim.control("PUT", "/numbers/+12025550180", {"sms_url": f"{desk.url}/moved"})
    await sim.control("POST", "/customers/demo-ada/texts", {"to": "+12025550180", "body": "Hello"})
    await sim.settle()
    [call] = desk.calls
    assert call.url.endswith("/moved")
    assert call.params["AccountSid"] == other["sid"]
    refused = await sim.send(From="+12025550180", Body="Not ours")
    assert refused.json()["code"] == 21606
    await sim.control("PUT", "/numbers/12025550180", {}, status=422)
    await sim.control("PUT", "/numbers/+12025550181", {"account_sid": "AC" + "0" * 32}, status=404)
    assert len(await sim.control("GET", "/numbers")) == 2


async def test_customers_are_made_changed_and_removed(sim: Sim) -> None:
    made = await sim.control("POST", "/customers", {"name": "Demo Zoë", "email": "Zoe@Example.org"})
    assert made == {
        "id": "demo-zo", "name": "Demo Zoë", "number": None, "email": "zoe@example.org", "reach": "reachable",
    }  # fmt: skip
    await sim.control("POST", "/customers/demo-zo/texts", {"body": "x"}, status=404)
    changed = await sim.control("POST", "/customers", {"id": "demo-zo", "name": "Demo Zoë", "number": "+12025550170"})
    assert (changed["number"], changed["email"]) == ("+12025550170", None)
    await sim.control("POST", "/customers/demo-zo/mails", {"text": "x"}, status=404)
    await sim.control("DELETE", "/customers/demo-zo")
    await sim.control("GET", "/customers/demo-zo/conversation", status=404)
    for wrong in ({"name": "x", "number": "0123"}, {"name": "x", "email": "nowhere"}):
        await sim.control("POST", "/customers", wrong, status=422)
    await sim.control("POST", "/customers", {"name": "x", "colour": "blue"}, status=400)


async def test_a_number_has_one_customer(sim: Sim) -> None:
    await sim.control("POST", "/customers", {"name": "Demo New Ada", "number": "+12025550101"})
    customers = await sim.control("GET", "/customers")
    assert [who["id"] for who in customers if who["number"] == "+12025550101"] == ["demo-new-ada"]


async def test_a_conversation_has_both_channels_and_directions(sim: Sim) -> None:
    await sim.control("POST", "/customers/demo-ada/texts", {"body": "By text"})
    await sim.control("POST", "/customers/demo-ada/mails", {"subject": "By mail", "text": "Hello"})
    await sim.send(Body="Answer")
    await sim.settle()
    lines = await sim.control("GET", "/customers/demo-ada/conversation")
    seen = {(line["channel"], line["by"], line["subject"] or line["text"]) for line in lines}
    assert seen == {("text", "customer", "By text"), ("mail", "customer", "By mail"), ("text", "desk", "Answer")}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


@pytest.mark.parametrize("body", [{"body": ""}, {"body": "x", "to": "+12025550199"}])
async def test_a_text_needs_words_and_a_number(sim: Sim, body: dict[str, str]) -> None:
    answer = await sim.http.post("/control/customers/demo-ada/texts", json=body)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_truth_is_paged_and_narrowed(sim: Sim) -> None:
    for count in range(5):
        await sim.control("POST", "/texts", {"sender": f"+1202555016{count % 2}", "body": str(count)})
    first = (await sim.http.get("/control/truth", params={"limit": 2})).json()
    rest = (await sim.http.get("/control/truth", params={"after": first["next"]})).json()
    assert [fact["facts"]["body"] for fact in first["items"] + rest["items"]] == list("01234")
    assert rest["next"] is None
    assert [fact["facts"]["body"] for fact in await sim.truth(party="+12025550161")] == ["1", "3"]
    assert len(await sim.truth("text.*")) == 5
    assert await sim.truth("webhook.*") == []
    await sim.control("DELETE", "/truth")
    assert await sim.truth() == []


async def test_settling_can_fail(sim: Sim) -> None:
    await sim.control("PUT", "/settings", {"pace": 100})
    await sim.send(Body="Slow")
    answer = await sim.control("POST", "/settle", {"timeout": 0.1, "within": 600})
    assert answer["settled"] is False
    assert answer["waiting"] >= 1


async def test_unknown_paths_are_problems(sim: Sim) -> None:
    answer = await sim.http.get("/control/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
