"""What time alone brings about."""

from __future__ import annotations

import pytest

from conversations.office import Office, Time
from frontdesk.conversations.handlers import clocks


async def test_old_rows_are_swept_in_batches_and_young_ones_stay(
    office: Office, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "SWEEP_BATCH", 3)
    for n in range(7):
        await office.hear(f"old {n}")
    old = await office.value("select count(*) from events")
    time.move(days=31)
    await office.hear("young")
    young = await office.value("select count(*) from events") - old
    await clocks.sweep(office.resources)
    assert await office.value("select count(*) from events") == young
    assert await office.value("select count(*) from raw_deliveries") == 8
    assert await office.value("select count(*) from raw_deliveries where body <> ''") == 1
