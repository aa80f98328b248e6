"""Deliveries that take long to read hold up neither what was read before them nor other workspaces."""

from __future__ import annotations

import pytest

from conversations.office import Office
from frontdesk.conversations.handlers import ingest


async def test_what_is_over_the_time_waits_for_the_next_batch(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    store = ingest._store_all

    async def watched(resources: object, connection: object, workspace_id: int, parsed: list[ingest.Parsed]) -> None:
        sizes.append(len(parsed))
        await store(resources, connection, workspace_id, parsed)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "_store_all", watched)
    monkeypatch.setattr(ingest, "PARSING", 0.0)
    for n in range(3):
        await office.store(office.said(f"{n}"))
    assert await office.ingest() == 3
    assert sizes == [1, 1, 1]
    assert [row["text"] for row in await office.fetch("select text from messages order by id")] == ["0", "1", "2"]
