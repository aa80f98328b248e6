"""The description says how we refuse, who may ask, and which numbers fit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from frontdesk.app import commands

DESCRIPTION: dict[str, Any] = json.loads(commands.openapi())
OPERATIONS = [
    (method, path, about) for path, methods in DESCRIPTION["paths"].items() for method, about in methods.items()
]


def test_every_operation_says_how_it_refuses() -> None:
    for _, _, about in OPERATIONS:
        refusals = {status for status in about["responses"] if status >= "400"}
        assert "503" in refusals, about["operationId"]
        assert all("$ref" in about["responses"][status] for status in refusals), about["operationId"]
        if about.get("parameters") or "requestBody" in about:
            assert "400" in refusals, about["operationId"]
        assert bool(about["security"]) == ("401" in refusals and about["operationId"] not in ("signIn", "setUp"))


def test_no_bound_of_an_integer_is_beyond_what_fits() -> None:
    text = json.dumps(DESCRIPTION)
    assert "e+18" not in text
    assert str(2**63) not in text
    assert str(2**63 - 1) in text


def test_what_is_uploaded_and_downloaded_is_bytes() -> None:
    about = {about["operationId"]: about for _, _, about in OPERATIONS}
    assert list(about["uploadFile"]["requestBody"]["content"]) == ["application/octet-stream"]
    assert list(about["getChannelIcon"]["responses"]["200"]["content"]) == ["image/svg+xml"]
    assert all("content" not in one["responses"].get("204", {}) for one in about.values())


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/contacts/1", "/api/v1/contacts?limit=x"])
async def test_a_refusal_is_what_is_described(client: httpx.AsyncClient, path: str) -> None:
    problem = (await client.get(path)).json()
    wanted = DESCRIPTION["components"]["schemas"]["Problem"]
    assert set(wanted["required"]) <= problem.keys() <= wanted["properties"].keys()
