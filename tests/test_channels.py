"""What every channel folder must have and do, whatever folders there are."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from frontdesk import channels
from frontdesk.channels.port import Account, Capabilities, Channel, CleansHtml, Item, Normalises, Raw
from frontdesk.inboxes import queries as inboxes
from frontdesk.inboxes import rules

ALL = channels.all_channels()
FOLDER = Path(channels.__file__).parent
STATES = {"sent", "delivered", "read"}


def samples() -> list[Any]:
    return [
        pytest.param(name, path, id=f"{name}/{path.stem}")
        for name in ALL
        for path in sorted((FOLDER / name / "samples").glob("*.json"))
    ]


def account(given: dict[str, Any]) -> Account:
    return Account(
        workspace_id=1,
        inbox_id=1,
        name="Box",
        settings=given,
        hook_url="https://desk.example/hooks/1-x",
        secret=b"s" * 32,
    )


def whole(raw: dict[str, Any]) -> bytes:
    return base64.b64decode(raw["body_base64"]) if "body_base64" in raw else raw["body"].encode()


def parsed(name: str, sample: dict[str, Any], body: bytes | None = None) -> Sequence[Item]:
    raw = sample["raw"]
    body = body if body is not None else whole(raw)
    made = Raw(dedupe_key=raw["dedupe_key"], body=body, headers=raw["headers"], meta=raw["meta"])
    return ALL[name].driver.parse(made, account(sample["account"]))


def plain(value: Any) -> Any:
    """A parsed item as JSON would have it, with the name of its type."""
    if is_dataclass(value) and not isinstance(value, type):
        items = {field.name: getattr(value, field.name) for field in fields(value)}
        packed = {
            f"{key}_base64": base64.b64encode(data).decode() for key, data in items.items() if isinstance(data, bytes)
        }
        rest = {key: plain(inner) for key, inner in items.items() if not isinstance(inner, bytes)}
        return {"type": type(value).__name__, **rest, **packed}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def missing(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Where ``found`` does not hold what is wanted; fields that nobody asked for are no matter."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [line for key in wanted for line in missing(wanted[key], found.get(key), f"{where}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            line for n, (a, b) in enumerate(zip(wanted, found, strict=True)) for line in missing(a, b, f"{where}[{n}]")
        ]
    same = wanted == found or (isinstance(wanted, str) and isinstance(found, str) and _same_moment(wanted, found))
    return [] if same else [f"{where}: wanted {wanted!r}, found {found!r}"]


def _same_moment(left: str, right: str) -> bool:
    try:
        return datetime.fromisoformat(left) == datetime.fromisoformat(right)
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize("name", ALL)
def test_the_manifest_is_complete(name: str) -> None:
    channel = ALL[name]
    assert isinstance(channel, Channel)
    assert (channel.name, re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None) == (name, True)
    assert channel.title.strip()
    assert channel.description.endswith(".")
    assert re.fullmatch(r"#[0-9a-fA-F]{6}", channel.colour)
    can = channel.can
    assert isinstance(can, Capabilities)
    assert can.address_kinds, "nobody could be written to"
    assert can.receipts <= STATES
    assert can.max_attachments > 0
    assert can.max_attachment_bytes > 0
    assert all(re.fullmatch(r"[\w.+-]+/[\w.+*-]+|\*/\*", kind) for kind in can.attachment_types)
    assert not can.needs_template_outside_window or can.reply_window
    assert inboxes.channel_out(channel).icon == f"/api/v1/channels/{name}/icon.svg"
    assert isinstance(channel.driver, CleansHtml) or not channel.can.html


@pytest.mark.parametrize("name", ALL)
def test_the_settings_make_a_form(name: str) -> None:
    settings = ALL[name].settings
    names = [setting.name for setting in settings]
    assert len(set(names)) == len(names)
    for setting in settings:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", setting.name)
        assert setting.label.strip()
        assert bool(setting.choices) is (setting.kind == "choice"), setting.name
        if setting.kind == "choice" and setting.default is not None:
            assert setting.default in [value for value, _ in setting.choices]
        assert not (setting.secret and setting.default), f"{setting.name}: a secret that everybody knows"
        if setting.when:
            other = next(one for one in settings if one.name == setting.when[0])
            allowed = [value for value, _ in other.choices] or ["true", "false"]
            assert set(setting.when[1]) <= set(allowed), f"{setting.name} is never shown"
    assert rules.checked(ALL[name], {}, {}) is not None  # an empty form is answered, whatever is missing


@pytest.mark.parametrize("name", ALL)
def test_the_folder_has_a_picture_and_an_explanation(name: str) -> None:
    icon = FOLDER / name / "icon.svg"
    root = ElementTree.fromstring(icon.read_bytes())
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib
    assert icon.stat().st_size < 8192
    assert not re.search(rb"<script|on\w+=|href|<foreignObject", icon.read_bytes(), re.IGNORECASE)
    assert inboxes.icon(name) == icon.read_bytes()
    assert len((FOLDER / name / "README.md").read_text()) > 500


@pytest.mark.parametrize("name", ALL)
def test_there_are_samples(name: str) -> None:
    assert list((FOLDER / name / "samples").glob("*.json"))


@pytest.mark.parametrize(("name", "path"), samples())
def test_a_sample_is_read_as_expected_and_always_the_same(name: str, path: Path) -> None:
    sample = json.loads(path.read_text())
    found = plain(parsed(name, sample))
    assert missing(sample["expect"], found) == []
    assert plain(parsed(name, sample)) == found, "parsing must not depend on anything but the delivery"


@pytest.mark.parametrize(("name", "path"), samples())
def test_fields_that_nobody_knows_are_no_matter(name: str, path: Path) -> None:
    """Providers add fields without asking."""
    sample = json.loads(path.read_text())
    before = plain(parsed(name, sample))
    sample["raw"]["meta"] = {**sample["raw"]["meta"], "x_unknown": [1, {"y": None}]}
    sample["raw"]["headers"] = {**sample["raw"]["headers"], "x-unknown": "1"}
    assert plain(parsed(name, sample)) == before
    if "body" in sample["raw"]:
        parsed(name, sample, _with_more(sample["raw"]["body"]))


def _with_more(body: str) -> bytes:
    """The same delivery with one more field, where its format has fields."""
    if body.lstrip().startswith("{"):
        return json.dumps({**json.loads(body), "x_unknown": {"deep": [1, None, "\u2028"]}}).encode()
    if re.fullmatch(r"[\w.%+*~-]+=\S*", body):
        return f"{body}&x_unknown=1&x_unknown=2".encode()
    return body.encode()


@pytest.mark.parametrize("name", ALL)
def test_what_people_type_becomes_an_address_or_a_sentence(name: str) -> None:
    driver = ALL[name].driver
    if not isinstance(driver, Normalises):
        assert not ALL[name].can.may_start, "nobody could say whom to write to"
        return
    sentences = []
    for value in (
        "",
        " ",
        "x",
        "+",
        "@",
        "a@b",
        "\x00",
        "+1\x00",
        "a@\ud800",
        "x" * 10_000,
        "٣" * 12,
        "+30 210 111 1111",
        "a@b.example",
    ):
        try:
            address = driver.normalise(value, None)
        except ValueError as error:
            sentences.append(str(error))
        else:
            assert address.kind in ALL[name].can.address_kinds
            assert driver.normalise(address.value, None).value == address.value, "an address is its own normal form"
    assert [sentence for sentence in sentences if not sentence.strip().endswith(".")] == []
