"""R19: formulas in exported tables. There is no export yet: the first one has to come with an escape, and with a test.

Where it will apply: an export of contacts, conversations or the audit log as CSV. What a stranger calls himself is
data everywhere else, and is not changed on the way in.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from house.reading import House, Module

SOURCE = House(Path(__file__).parents[2] / "src" / "frontdesk")


def writes_tables(module: Module) -> list[str]:
    return [
        module.at(line, name)
        for line, name in module.imports()
        if name.split(".")[0] in ("csv", "openpyxl", "xlsxwriter")
    ]


def test_nothing_writes_a_table() -> None:
    assert [found for module in SOURCE.modules for found in writes_tables(module)] == []


def test_a_writer_of_tables_would_be_seen() -> None:
    assert writes_tables(Module("reports/queries.py", "import csv"))


async def test_no_address_of_the_api_answers_with_a_table(signed_in: httpx.AsyncClient) -> None:
    described = (await signed_in.get("/api/v1/openapi.json")).text
    assert "text/csv" not in described
    assert "spreadsheet" not in described


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", "\t=1+1", '=HYPERLINK("//e")'])
async def test_a_formula_is_a_name_like_any_other(name: str, signed_in: httpx.AsyncClient) -> None:
    made = await signed_in.post("/api/v1/contacts", json={"name": name})
    assert made.status_code == 201, made.text
    assert made.json()["name"] == name.strip()
    found = await signed_in.get("/api/v1/contacts")
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
