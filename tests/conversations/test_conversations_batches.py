"""Deliveries that take long to read hold up neither what was read before them nor other workspaces."""

from __future__ import annotations

import pytest

from conversations.office import Office
from frontdesk.conversations.handlers import ingest


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each batch had."""
    made: list[int] = []
    store = ingest._store_all

    async def watched(resources: object, connection: object, workspace_id: int, parsed: list[ingest.Parsed]) -> None:
        made.append(len(parsed))
        await store(resources, connection, workspace_id, parsed)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "_store_all", watched)
    return made


async def test_what_is_over_the_time_waits_for_the_next_batch(
    office: Office, monkeypatch: pytest.MonkeyPatch, sizes: list[int]
) -> None:
    monkeypatch.setattr(ingest, "PARSING", 0.0)
    for n in range(3):
        await office.store(office.said(f"{n}"))
    assert await office.ingest() == 3
    assert sizes == [1, 1, 1]
    assert [row["text"] for row in await office.fetch("select text from messages order by id")] == ["0", "1", "2"]


@pytest.mark.parametrize("crashed", [False, True])
async def test_what_would_fill_the_memory_waits_for_the_next_batch(
    office: Office, monkeypatch: pytest.MonkeyPatch, sizes: list[int], crashed: bool
) -> None:
    monkeypatch.setattr(ingest, "BYTES", 3_000)
    for n, length in enumerate((10_000, 1_500, 1_000, 10, 10_000, 10)):
        await office.store(office.said(f"{n}" * length))
    if crashed:  # a delivery is a suspect alone: what is looked for here is that all are read
        await office.execute(
            "insert into ingest_runs (workspace_id, raw_ids, started_at)"
            " select $1, array_agg(id), now() from raw_deliveries", office.workspace,
        )  # fmt: skip
    assert await office.ingest() == 6
    assert sizes == ([1] * 6 if crashed else [1, 4, 1])
    found = await office.fetch("select left(text, 1) as first from messages order by id")
    assert "".join(row["first"] for row in found) == "012345"
