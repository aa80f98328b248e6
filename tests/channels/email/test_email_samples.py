"""Every recorded delivery beside the driver parses to what stands in it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import frontdesk.channels.email as channel
from frontdesk.channels.port import Account, Raw

FOLDER = Path(channel.__file__).parent / "samples"


def account(settings: dict[str, Any]) -> Account:
    return Account(workspace_id=1, inbox_id=1, name="Support", settings=settings, hook_url="", secret=b"of this inbox")


def delivered(sample: dict[str, Any]) -> Raw:
    raw = sample["raw"]
    body = base64.b64decode(raw["body_base64"]) if "body_base64" in raw else raw["body"].encode()
    return Raw(dedupe_key=raw["dedupe_key"], body=body, headers=raw["headers"], meta=raw["meta"])


def assert_matches(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        for name, value in expected.items():
            if name == "type":
                assert type(found).__name__ == value, where
            elif name == "data_base64":
                assert base64.b64encode(found.data).decode() == value, where
            else:
                inner = found[name] if isinstance(found, dict) else getattr(found, name)
                assert_matches(inner, value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for number, (one, value) in enumerate(zip(found, expected, strict=True)):
            assert_matches(one, value, f"{where}[{number}]")
    elif isinstance(found, datetime):
        assert found == datetime.fromisoformat(expected), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_sample(path: Path) -> None:
    sample = json.loads(path.read_text(encoding="utf-8"))
    items = channel.CHANNEL.driver.parse(delivered(sample), account(sample["account"]))
    assert_matches(list(items), sample["expect"], path.stem)
