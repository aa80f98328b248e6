"""The folder as a channel: manifest, samples, settings, numbers."""

import asyncio
import base64
import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import frontdesk.channels.sms as sms
from channels.sms.loopback import RememberingSink, account, outbound
from frontdesk.channels import port
from frontdesk.channels.port import BadSignature, Disconnected, Raw, Rejected, Request
from frontdesk.channels.sms import CHANNEL
from frontdesk.channels.sms.numbers import came_from, region_of, typed
from frontdesk.channels.sms.settings import SETTINGS

FOLDER = Path(sms.__file__).parent
SAMPLES = sorted((FOLDER / "samples").glob("*.json"))


def within(want, got):
    """Is ``want`` a part of ``got``? Objects by their named fields, lists one by one."""
    if isinstance(want, dict):
        return isinstance(got, dict) and all(name in got and within(value, got[name]) for name, value in want.items())
    if isinstance(want, list):
        return len(want) == len(got) and all(within(one, other) for one, other in zip(want, got, strict=True))
    return want == (got.isoformat() if isinstance(got, datetime) else got)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample(path):
    sample = json.loads(path.read_text("utf-8"))
    given_raw = sample["raw"]
    body = base64.b64decode(given_raw["body_base64"]) if "body_base64" in given_raw else given_raw["body"].encode()
    raw = Raw(dedupe_key=given_raw["dedupe_key"], body=body, headers=given_raw["headers"], meta=given_raw["meta"])
    found = CHANNEL.driver.parse(raw, account(**sample["account"]))
    assert len(found) == len(sample["expect"])
    for item, expected in zip(found, sample["expect"], strict=True):
        assert type(item).__name__ == expected.pop("type")
        assert within(expected, asdict(item)), asdict(item)
    assert list(found) == list(CHANNEL.driver.parse(raw, account(**sample["account"])))


def test_there_are_samples_of_every_provider():
    assert len(SAMPLES) >= 14
    assert {path.stem.split("_")[0] for path in SAMPLES} == {"twilio", "kannel", "smpp"}


@pytest.mark.parametrize(
    "protocol", ["TakesHooks", "Listens", "LooksUp", "Reconciles", "Tests", "FetchesMedia", "Normalises"]
)
def test_the_driver_can(protocol):
    assert isinstance(CHANNEL.driver, getattr(port, protocol))


def test_the_icon_takes_the_colour_of_its_text():
    root = ElementTree.fromstring((FOLDER / "icon.svg").read_text())
    assert (root.get("width"), root.get("height"), root.get("stroke")) == ("24", "24", "currentColor")


def test_every_setting_that_depends_names_one_that_exists():
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    for setting in SETTINGS:
        assert setting.when is None or setting.when[0] in names
    assert {setting.name for setting in SETTINGS if setting.secret} == {
        "auth_token",
        "shared_key",
        "hook_token",
        "password",
    }


# --- settings -----------------------------------------------------------------------------------------------------

TWILIO = {"provider": "twilio", "number": "+1 415 555 0100", "account_sid": "AC" + "0" * 32, "auth_token": "x"}
KANNEL = {"provider": "kannel", "number": "12345", "url": "http://127.0.0.1:13013/cgi-bin/sendsms"}
KANNEL |= {"username": "u", "password": "p", "hook_token": "0123456789abcdef"}
SMPP = {"provider": "smpp", "number": "ACME", "host": "127.0.0.1", "system_id": "desk", "password": "secret"}


@pytest.mark.parametrize("settings", [TWILIO, KANNEL, SMPP, SMPP | {"port": 2775, "source_ton": 5}])
def test_good_settings(settings):
    assert CHANNEL.check(settings) == {}


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, {"provider"}),
        ({"provider": "pigeon"}, {"provider"}),
        ({"provider": "twilio"}, {"account_sid", "auth_token", "number"}),
        (TWILIO | {"account_sid": "SK1"}, {"account_sid"}),
        (TWILIO | {"messaging_service_sid": "x"}, {"messaging_service_sid"}),
        (TWILIO | {"number": "", "messaging_service_sid": "MG" + "0" * 32}, set()),
        (TWILIO | {"number": "4155550100"}, {"number"}),
        (TWILIO | {"api_base": "api.twilio.com"}, {"api_base"}),
        (TWILIO | {"timeout": 0, "settles_after": "soon"}, {"timeout", "settles_after"}),
        ({"provider": "kannel"}, {"url", "username", "password", "number", "hook_token"}),
        (KANNEL | {"hook_token": "short"}, {"hook_token"}),
        (KANNEL | {"url": "ftp://x"}, {"url"}),
        ({"provider": "smpp"}, {"host", "system_id", "password", "number"}),
        (SMPP | {"password": "longer than 8"}, {"password"}),
        (SMPP | {"port": "x", "source_npi": 99}, {"port", "source_npi"}),
    ],
)
def test_wrong_settings(settings, wrong):
    found = CHANNEL.check(settings)
    assert set(found) == wrong
    assert all(sentence[-1] in ".!" or "fresh one" in sentence for sentence in found.values())


def test_a_missing_token_comes_with_a_fresh_one():
    offers = {re.search(r"\S+$", CHANNEL.check(KANNEL | {"hook_token": ""})["hook_token"])[0] for _ in range(3)}
    assert len(offers) == 3
    assert CHANNEL.check(KANNEL | {"hook_token": offers.pop()}) == {}


@pytest.mark.parametrize(
    ("number", "address"),
    [("+30 210 123 4567", "+302101234567"), ("12345", "12345"), ("ACME", "ACME"), ("", None), (None, None)],
)
def test_own_address(number, address):
    assert CHANNEL.own_address({"number": number}) == address


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("+1 (415) 555-0100", "+14155550100"),
        ("(415) 555-0100", "+14155550100"),
        ("+４４ ２０ ７９４６ ０９５８", "+442079460958"),
        ("0030 210 123 4567", "+302101234567"),
        (" 40404 ", "40404"),
    ],
)
def test_what_people_type(value, number):
    box = account(number="0030 210 123 4567" if value.startswith("00") else "+14155550000")
    if value.startswith("00"):
        box = account(number="+302101234567")
    assert CHANNEL.driver.normalise(value, box).value == number


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "Enter a phone number"),
        ("   ", "Enter a phone number"),
        ("1-800-FLOWERS", "has letters"),
        ("+1415555010012345678", "too short or too long|not a phone number"),
        ("+1 415 555 0100 #12", "extension|not a phone number"),
        ("+1 4155", "too short"),
        ("-----", "not a phone number"),
        ("9" * 65, "too long"),
    ],
)
def test_what_people_mistype(value, said):
    with pytest.raises(ValueError, match=said):
        CHANNEL.driver.normalise(value, account(number="+14155550000"))


def test_without_an_inbox_the_country_code_is_needed():
    with pytest.raises(ValueError, match="country code"):
        CHANNEL.driver.normalise("210 123 4567", None)
    assert CHANNEL.driver.normalise("+30 210 123 4567", None).value == "+302101234567"


@pytest.mark.parametrize(
    ("value", "own", "kind", "expected"),
    [
        ("+302101234567", "", "phone", "+302101234567"),
        ("302101234567", "+302100000000", "phone", "+302101234567"),
        ("2101234567", "+302100000000", "phone", "+302101234567"),
        ("491701234567", "+302100000000", "phone", "+491701234567"),
        ("491701234567", "12345", "phone", "+491701234567"),
        ("12345", "+302100000000", "phone", "12345"),
        ("ACME", "+302100000000", "phone", "ACME"),
        ("whatsapp:US.1234", "", "whatsapp", "US.1234"),
        ("whatsapp:+302101234567", "", "whatsapp", "+302101234567"),
        ("0000000000", "", "phone", "0000000000"),
        ("+999999999999999999", "", "phone", "+999999999999999999"),
        ("", "", "phone", ""),
    ],
)
def test_what_gateways_write(value, own, kind, expected):
    found = came_from(value, own=own)
    assert (found.kind, found.value, found.scope) == (kind, expected, "")


@given(st.text(max_size=80), st.sampled_from(["", "+302100000000", "12345"]))
def test_a_sender_never_breaks_anything(value, own):
    assert len(came_from(value, own=own).value) <= 200


@given(st.text(max_size=80))
def test_typing_gives_a_number_or_a_sentence(value):
    try:
        found, said = typed(value, own="+302100000000").value, ""
    except ValueError as error:
        found, said = "", str(error)
    assert found or said.endswith((".", "4567."))


def test_region_of_a_number():
    assert (region_of("+302101234567"), region_of("12345"), region_of("+80012345678")) == ("GR", None, "001")


# --- the driver as a whole ----------------------------------------------------------------------------------------


async def test_what_only_some_providers_can():
    kannel, smpp = account(provider="kannel"), account(provider="smpp")
    assert [raw async for raw in CHANNEL.driver.missed(kannel, since=datetime.fromisoformat("2026-01-01T00:00Z"))] == []
    with pytest.raises(Rejected):
        await CHANNEL.driver.fetch("https://api.twilio.com/x", kannel)
    request = Request(method="POST", url="https://desk.example.org/hooks/x", query={}, headers={}, body=b"")
    with pytest.raises(BadSignature):
        CHANNEL.driver.receive(request, smpp)
    with pytest.raises(Disconnected, match="not a provider"):
        await CHANNEL.driver.send(outbound(), account(provider="pigeon"))


async def test_only_smpp_listens():
    listening = asyncio.create_task(CHANNEL.driver.listen(account(provider="twilio"), RememberingSink()))
    done, _ = await asyncio.wait([listening], timeout=0.05)
    assert not done
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def test_old_deliveries_are_read_by_the_provider_they_came_from():
    raw = Raw(
        dedupe_key="in:SM1",
        body=b"MessageSid=SM1&SmsStatus=received&From=%2B302101234567&Body=hi",
        meta={"provider": "twilio", "received_at": "2026-11-22T10:00:00+00:00"},
    )
    assert CHANNEL.driver.parse(raw, account(provider="smpp"))[0].text == "hi"


@pytest.mark.parametrize("value", ["+53002101103", "+(5300212101"])
def test_a_prefix_twice_is_still_one_number(value: str) -> None:
    """Found by fuzzing: each reading took one zero off, so that one phone had several addresses."""
    once = typed(value, own="+302100000000").value
    assert typed(once, own="+302100000000").value == came_from(value.replace("(", ""), own="").value == once
