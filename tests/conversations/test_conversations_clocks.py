"""What time alone brings about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from conversations.office import Office, Time
from conversations.pretend import Pretend, line
from frontdesk.channels.port import Account, Raw
from frontdesk.conversations.handlers import clocks
from frontdesk.kit import jobs


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


class Asked(Pretend):
    """Its provider can be asked what it has; notes since when it was."""

    def __init__(self) -> None:
        super().__init__("phone")
        self.since: list[datetime] = []
        self.away = False

    async def missed(self, account: Account, *, since: datetime) -> AsyncIterator[Raw]:
        self.since.append(since)
        if self.away:
            raise OSError("no route to host")
        yield Raw(dedupe_key="missed-1", body=b"[]")


async def test_a_comparison_that_fails_leaves_no_gap(office: Office, time: Time) -> None:
    driver = Asked()
    office.install(line(driver))

    async def compare() -> int:
        [row] = await office.fetch("select * from inboxes where id = $1", office.line)
        return await clocks.reconcile(office.resources, row)

    began = time.now
    assert await compare() == 1
    time.move(hours=5)
    driver.away = True
    with pytest.raises(OSError, match="no route"):
        await compare()
    await office.hear("this came by itself")  # which says nothing about what else there is
    time.move(hours=40)
    driver.away = False
    assert await compare() == 0
    time.move(minutes=5)
    await compare()
    overlap = clocks.RECONCILE_OVERLAP
    first, *later = [since + overlap for since in driver.since]
    assert first == began - timedelta(days=1)
    assert later == [began, began, began + timedelta(hours=45)]


async def test_a_file_that_is_given_up_says_so_on_its_message(office: Office) -> None:
    file = {"name": "a.png", "content_type": "image/png", "url": "https://p.example/a"}
    row = await office.hear("look", files=[file])
    attachment = await office.value("select id from attachments where message_id = $1", row["id"])
    await clocks.give_up_media(office.resources, workspace_id=office.workspace, attachment_id=attachment)
    [seen] = await office.fetch("select state, error from attachments where id = $1", attachment)
    assert seen["state"] == "failed"
    assert "could not be fetched" in seen["error"]
    assert jobs.GIVEN_UP["conversations.fetch_media"] is clocks.give_up_media
