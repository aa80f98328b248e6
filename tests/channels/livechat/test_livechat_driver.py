"""The driver: what stored deliveries mean, and what sending is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import frontdesk.channels.livechat
from channels.livechat.livechat_desk import an_account
from frontdesk.channels import port
from frontdesk.channels.livechat import CHANNEL
from frontdesk.channels.port import (
    Account,
    Address,
    DeliveryState,
    Disconnected,
    Inbound,
    NamesMessages,
    Outbound,
    Raw,
    Receipt,
    ResendsSafely,
    Serves,
)

SAMPLES = sorted((Path(frontdesk.channels.livechat.__file__).parent / "samples").glob("*.json"))
TYPES = {"Inbound": Inbound, "Receipt": Receipt}


def raw_of(sample: dict[str, Any]) -> Raw:
    raw = sample["raw"]
    body = raw["body"] if isinstance(raw["body"], str) else json.dumps(raw["body"])
    return Raw(dedupe_key=raw["dedupe_key"], body=body.encode(), headers=raw["headers"], meta=raw["meta"])


def account_of(sample: dict[str, Any]) -> Account:
    return an_account(**sample["account"])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_mean_what_they_say(path: Path) -> None:
    sample = json.loads(path.read_text())
    items = CHANNEL.driver.parse(raw_of(sample), account_of(sample))
    found = [{"type": type(item).__name__, **json.loads(msgspec.json.encode(item))} for item in items]
    assert len(found) == len(sample["expect"])
    for item, expected in zip(found, sample["expect"], strict=True):
        assert {name: item[name] for name in expected} == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_parsing_twice_is_the_same(path: Path) -> None:
    sample = json.loads(path.read_text())
    raw, account = raw_of(sample), account_of(sample)
    assert CHANNEL.driver.parse(raw, account) == CHANNEL.driver.parse(raw, account)


def test_there_are_enough_samples() -> None:
    assert len(SAMPLES) >= 6


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type": "other"}', b'{"type": "message"}', b"\xff"])
def test_what_the_endpoints_never_store_is_set_aside(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        CHANNEL.driver.parse(Raw(dedupe_key="x", body=body), an_account())


async def test_sending_is_done_when_it_begins() -> None:
    account = an_account()
    message = Outbound(key="01H", to=Address(kind="visitor", value="v", scope="site-1"), text="Hello")
    sent = await CHANNEL.driver.send(message, account)
    assert (sent.external_id, sent.state) == ("wm:01H", DeliveryState.sent)
    assert isinstance(CHANNEL.driver, NamesMessages)
    assert CHANNEL.driver.name("01H", account, token=None) == sent.external_id
    assert await CHANNEL.driver.send(message, account) == sent


def test_what_the_driver_is() -> None:
    assert isinstance(CHANNEL.driver, Serves)
    assert isinstance(CHANNEL.driver, ResendsSafely)
    assert not CHANNEL.can.may_start
    assert CHANNEL.can.receipts == {"sent", "read"}


async def test_the_settings_can_be_tried() -> None:
    assert isinstance(CHANNEL.driver, port.Tests)
    assert "https://example.org" in await CHANNEL.driver.test(an_account())
    with pytest.raises(Disconnected):
        await CHANNEL.driver.test(an_account(origins=["nonsense"]))
