"""How room on a disk is measured, and when nothing new may be taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.office import open_office, registry
from faults.tmpfs import fill, small_disk
from frontdesk.app.listening import InboxSink
from frontdesk.channels.port import Channel, Raw
from frontdesk.kit import disk
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.disk import Ballast, Disk, disk_free
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.files import Away, open_store

__all__ = ["registry"]
MB = 2**20


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(disk, "LOOK_EVERY", 0.0)
    with small_disk(tmp_path / "disk", 16) as made:
        yield made


def test_room_is_what_others_left(small: Path) -> None:
    assert disk_free(small).free == 16 * MB
    assert disk_free(small).ratio == 1.0
    fill(small, leave=4 * MB)
    assert disk_free(small) == (4 * MB, 0.25)


def test_a_full_disk_takes_nothing_and_says_which_it_is(small: Path, tmp_path: Path) -> None:
    folders = {"the database": tmp_path, "the files": small, "nowhere": tmp_path / "missing"}
    watched = Disk(folders, keep_free=8 * MB)
    watched.require()
    assert set(watched.room()) == {"the database", "the files"}
    filling = fill(small, leave=8 * MB - 4096)
    assert watched.full() == "The disk of the files is full (less than 8 MB are free)."
    with pytest.raises(Unavailable) as refused:
        watched.require()
    assert (refused.value.code, refused.value.retry_after) == ("disk_full", 30)
    filling.unlink()
    watched.require()


def test_a_process_without_folders_of_its_own_is_never_full() -> None:
    assert Disk(keep_free=2**62).full() is None


async def test_files_are_not_kept_on_a_full_disk_and_can_be_read(small: Path) -> None:
    watched = Disk({"the files": small}, keep_free=8 * MB)
    files = open_store(small / "files", full=watched.full)
    digest = await files.put(b"kept before")
    filling = fill(small, leave=MB)
    with pytest.raises(Away, match="The disk of the files is full"):
        await files.put(b"kept later")
    assert await files.get(digest, verify=True) == b"kept before"
    filling.unlink()
    assert await files.get(await files.put(b"kept later")) == b"kept later"


async def test_a_file_that_finds_no_room_leaves_nothing_behind(small: Path) -> None:
    """Between the look and the write somebody else may have been faster."""
    files = open_store(small / "files")
    filling = fill(small, leave=2 * MB)
    with pytest.raises(OSError, match="No space left"):
        await files.put(bytes(4 * MB))
    assert [path for path in (small / "files").rglob("*") if path.is_file()] == []
    filling.unlink()
    assert await files.size(await files.put(bytes(4 * MB))) == 4 * MB


async def test_a_mailbox_gives_nothing_to_a_full_disk_and_keeps_it(
    small: Path, resources: Resources, owner: Actor, registry: dict[str, Channel]
) -> None:
    office = await open_office(resources, owner, registry)
    sink = InboxSink(resources, office.workspace, office.line)
    resources.disk = Disk({"the database": small}, keep_free=32 * MB)
    with pytest.raises(Unavailable, match="The disk of the database is full"):
        await sink.store([Raw(dedupe_key="1", body=b"[]")], checkpoint={"uid": 1})
    assert await sink.checkpoint() == {}
    resources.disk = Disk({"the database": small}, keep_free=8 * MB)
    assert await sink.store([Raw(dedupe_key="1", body=b"[]")], checkpoint={"uid": 1}) == 1


def test_the_ballast_is_there_while_there_is_room_and_given_back_when_there_is_none(small: Path) -> None:
    ballast = Ballast(small / "ballast", 2 * MB, keep_free=8 * MB)
    ballast.lay()
    ballast.lay()
    assert (small / "ballast").stat().st_size == 2 * MB
    assert disk_free(small).free == 14 * MB
    assert not ballast.drop()
    filling = fill(small, leave=MB)
    assert ballast.drop()
    assert disk_free(small).free == 3 * MB
    assert not ballast.drop()
    ballast.lay()  # there is no plenty
    assert disk_free(small).free == 3 * MB
    filling.unlink()
    ballast.lay()
    assert disk_free(small).free == 14 * MB
