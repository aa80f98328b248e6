"""Deliveries that cannot be read, that the database refuses, or that kill the process: set aside, never in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from conversations.office import ANA, BEN, Office, texts
from conversations.pretend import Pretend, line
from frontdesk.channels.port import Account, Item, Raw
from frontdesk.conversations.handlers import ingest
from frontdesk.inboxes import actions as inboxes

BOOM = {"boom": True}


async def aside(office: Office) -> list[tuple[str, int]]:
    rows = await office.fetch("select error, attempts from raw_deliveries where state = 'set_aside' order by id")
    return [(row["error"], row["attempts"]) for row in rows]


async def arrived(office: Office) -> list[str]:
    return texts(await office.fetch("select text from messages where direction = 'in' order by id"))


async def test_what_cannot_be_read_is_set_aside_and_the_others_go_on(office: Office) -> None:
    await office.store(office.said("before"))
    await office.store(office.said("lost with it"), BOOM)
    await office.deliver(office.said("after"))
    assert await arrived(office) == ["before", "after"]
    assert await aside(office) == [("ValueError: this cannot be read", 1)]


@pytest.mark.parametrize(
    "error",
    [
        RecursionError("deep"),
        MemoryError(),
        AssertionError("a\x00b"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        KeyError("\ud800"),
        ValueError("\ud800"),
    ],
)
async def test_whatever_a_driver_raises_is_a_reason_to_set_aside(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def parse(self: Pretend, raw: Raw, account: Account) -> list[Item]:
        raise error

    monkeypatch.setattr(Pretend, "parse", parse)
    await office.deliver(office.said("x"))
    assert [reason.split(":")[0] for reason, _ in await aside(office)] == [type(error).__name__]


async def test_what_the_database_refuses_is_set_aside_by_itself(office: Office) -> None:
    """An index entry may have 2,704 bytes: a longer id cannot be stored, whatever we clean."""
    await office.store(office.said("before"))
    await office.store(office.said("too long an id", external_id="".join(chr(0x4E00 + n) for n in range(9000))))
    await office.store(office.said("beside", BEN))
    await office.deliver(office.said("after"))
    assert await arrived(office) == ["before", "beside", "after"]
    assert [reason.split(":")[0] for reason, _ in await aside(office)] == ["ProgramLimitExceededError"]
    assert await office.value("select count(*) from ingest_runs") == 0


async def test_a_set_aside_delivery_is_read_again_on_demand(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Pretend.parse
    monkeypatch.setattr(Pretend, "parse", lambda *_: 1 / 0)
    await office.deliver(office.said("at last"))
    monkeypatch.setattr(Pretend, "parse", parse)
    raw_id = await office.value("select id from raw_deliveries where state = 'set_aside'")
    for _ in range(2):
        async with office.db.begin(office.workspace) as tx:
            await inboxes.replay(tx, [raw_id], states=("set_aside", "done"))
        await office.ingest()
    assert await arrived(office) == ["at last"]
    assert await aside(office) == []


@pytest.mark.parametrize(
    "kind",
    [
        asyncpg.DeadlockDetectedError,
        asyncpg.SerializationError,
        asyncpg.DiskFullError,
        asyncpg.QueryCanceledError,
    ],
)
async def test_what_passes_is_no_reason_to_set_anything_aside(
    office: Office, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    """A deadlock, a full disk: the deliveries wait, and are taken when it has passed."""
    receive, times = ingest.receive, 2

    async def troubled(tx: Any, arrivals: Any) -> int:
        nonlocal times
        if arrivals and times:
            times -= 1
            raise kind("just now")
        return await receive(tx, arrivals)

    monkeypatch.setattr(ingest, "receive", troubled)
    await office.store(office.said("one"))
    await office.store(office.said("two", BEN))
    for _ in range(3):
        try:
            await office.ingest()
        except kind:
            assert await aside(office) == []
    assert await aside(office) == []
    assert await arrived(office) == ["one", "two"]
    assert {row["attempts"] for row in await office.fetch("select attempts from raw_deliveries")} == {0}


class Killer(Pretend):
    """Ends the process in the middle of reading; here: the task, past everything that catches errors."""

    def parse(self, raw: Raw, account: Account) -> Any:
        if b"kill" in raw.body:
            raise asyncio.CancelledError
        return super().parse(raw, account)


async def test_a_delivery_that_kills_the_process_is_set_aside_after_three_times(office: Office) -> None:
    office.install(line(Killer("phone")))
    for text in ("one", "kill", "two"):
        await office.store(office.said(text))
    for deaths in range(4):  # the first time nobody knows which of the three it was
        with pytest.raises(asyncio.CancelledError):
            await office.ingest()
        assert await office.value("select count(*) from ingest_runs") == 1, deaths
    await office.ingest()
    assert await arrived(office) == ["one", "two"]
    assert [reason for reason, _ in await aside(office)] == ["The process ended three times while reading this."]
    assert await office.value("select count(*) from ingest_runs") == 0


async def test_after_a_crash_only_the_delivery_that_caused_it_is_counted(office: Office) -> None:
    office.install(line(Killer("phone")))
    for text in ("one", "kill", "two"):
        await office.store(office.said(text))
    with pytest.raises(asyncio.CancelledError):
        await office.ingest()
    with pytest.raises(asyncio.CancelledError):  # one by one now: the first goes through
        await office.ingest()
    assert await arrived(office) == ["one"]
    office.install(line())  # the next version reads it
    await office.ingest()
    assert sorted(await arrived(office)) == ["kill", "one", "two"]
    assert await aside(office) == []


async def test_an_inbox_whose_credentials_cannot_be_opened_does_not_stop_the_others(office: Office) -> None:
    other = await office.connect("post", "Other", box="b@x.example")
    await office.execute("update inboxes set credentials = 'nonsense' where id = $1", other)
    await office.store(office.said("sealed", "a@x.example"), inbox=other)
    await office.deliver(office.said("open", ANA))
    assert await arrived(office) == ["open"]
    assert len(await aside(office)) == 1


async def test_a_channel_that_is_gone_sets_its_deliveries_aside(office: Office) -> None:
    await office.store(office.said("letter", "a@x.example"), inbox=office.post)
    del office.registry["post"]
    await office.deliver(office.said("text"))
    assert await arrived(office) == ["text"]
    assert len(await aside(office)) == 1


async def test_while_the_place_for_files_is_full_deliveries_wait(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = office.resources.files.put

    async def full(data: bytes) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(office.resources.files, "put", full)
    await office.store(office.said("look", files=[{"name": "a.txt", "content_type": "text/plain", "data": "x"}]))
    for _ in range(4):
        with pytest.raises(OSError, match="files"):
            await office.ingest()
    monkeypatch.setattr(office.resources.files, "put", put)
    await office.ingest()
    assert await arrived(office) == ["look"]
    assert await aside(office) == []


async def test_trouble_in_one_workspace_does_not_stop_another(
    office: Office, other_workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ingest.ingest_workspace

    async def troubled(resources: Any, workspace_id: int) -> int:
        if workspace_id == other_workspace:
            raise OSError("here")
        return await whole(resources, workspace_id)

    monkeypatch.setattr(ingest, "ingest_workspace", troubled)
    async with office.db.begin(other_workspace) as tx:
        inbox = await inboxes.create(tx, office.resources.vault, channel="line", name="L", settings={}, by=None)
        await inboxes.store(tx, inbox["id"], [Raw(dedupe_key="k", body=b"[]")])
    await office.store(office.said("hello"))
    with pytest.raises(OSError, match="here"):
        await office.ingest()
    assert await arrived(office) == ["hello"]
