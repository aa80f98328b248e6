"""Files by content hash: the same promises from a folder and from an S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from frontdesk.kit import files
from frontdesk.kit.files import Damaged, Missing, Store, open_store

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of a bucket on an S3 server that runs in this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    import boto3

    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="attachments")
    client.close()
    yield f"s3://attachments/some/prefix?endpoint={endpoint}&region=us-east-1&access_key_id=a&secret_access_key=b"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(tmp_path / "files" if request.param == "folder" else request.getfixturevalue("bucket"))


async def test_what_is_put_can_be_got(store: Store) -> None:
    assert await store.put(b"hello") == HELLO
    assert await store.put(b"hello") == HELLO, "twice is once"
    assert await store.get(HELLO) == b"hello"
    assert await store.get(HELLO, verify=True) == b"hello"
    assert await store.size(HELLO) == 5
    assert await store.exists(HELLO)


async def test_an_empty_file_is_a_file(store: Store) -> None:
    digest = await store.put(b"")
    assert (await store.get(digest), await store.size(digest)) == (b"", 0)


async def test_what_is_not_there_is_missing(store: Store) -> None:
    unknown = hashlib.sha256(b"never stored").hexdigest()
    with pytest.raises(Missing):
        await store.get(unknown)
    assert await store.size(unknown) is None
    assert not await store.exists(unknown)
    await store.delete(unknown)


async def test_a_bucket_that_is_away_is_trouble_that_passes() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
        away = open_store(f"s3://b?endpoint=http://{place}&region=x&access_key_id=a&secret_access_key=b")
        for work in (away.put(b"hello"), away.get(HELLO), away.size(HELLO), away.delete(HELLO)):
            with pytest.raises(OSError, match="cannot be reached"):
                await work


async def test_a_bucket_that_does_not_exist_is_not_the_files_fault(bucket: str) -> None:
    wrong = open_store(bucket.replace("s3://attachments", "s3://nothing"))
    with pytest.raises(OSError, match="cannot be reached"):
        await wrong.put(b"hello")


async def test_deleting(store: Store) -> None:
    digest = await store.put(b"to be forgotten")
    await store.delete(digest)
    assert not await store.exists(digest)
    assert await store.put(b"to be forgotten") == digest
    assert await store.exists(digest)


async def test_large_files_stream_in_pieces(store: Store) -> None:
    data = os.urandom(3 * files.CHUNK + 17)
    digest = await store.put(data)
    pieces = [piece async for piece in store.stream(digest)]
    assert b"".join(pieces) == data
    assert len(pieces) > 1


async def test_many_at_once(store: Store) -> None:
    wanted = [f"file {number % 10}".encode() for number in range(40)]
    digests = await asyncio.gather(*(store.put(data) for data in wanted))
    assert [await store.get(digest) for digest in digests] == wanted


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", HELLO.upper(), HELLO[:-1], HELLO + "\n", f"{HELLO}/x"])
async def test_only_hashes_are_names(tmp_path: Path, digest: str) -> None:
    store = open_store(tmp_path)
    for asked in (store.get(digest), store.size(digest), store.delete(digest)):
        with pytest.raises(ValueError, match="not a SHA-256"):
            await asked


async def test_a_folder_keeps_files_to_itself_and_leaves_no_halves(tmp_path: Path) -> None:
    store = open_store(tmp_path / "files")
    await store.put(b"hello")
    kept = tmp_path / "files" / HELLO[:2] / HELLO[2:4] / HELLO
    assert kept.read_bytes() == b"hello"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


async def test_a_put_has_reached_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it gets its name, and its folders afterwards: in this order a crash loses nothing."""
    steps: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        steps.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    store = open_store(tmp_path)
    await store.put(b"hello")
    assert steps == ["folder", "folder", "file", "name", "folder"]
    await store.put(b"hello")
    assert len(steps) == 5


async def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store = open_store(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        await store.put(b"hello")
    assert not await store.exists(HELLO)
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_a_damaged_file_is_recognised_and_healed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.put(b"hello")
    kept = tmp_path / HELLO[:2] / HELLO[2:4] / HELLO
    kept.write_bytes(b"hell")
    with pytest.raises(Damaged):
        await store.get(HELLO, verify=True)
    await store.put(b"hello")
    assert await store.get(HELLO, verify=True) == b"hello"


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    open_store(tmp_path)
    old, young = tmp_path / "incoming" / "old", tmp_path / "incoming" / "young"
    old.touch()
    young.touch()
    os.utime(old, (0, time.time() - files.ABANDONED - 60))
    open_store(str(tmp_path))
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("gs://bucket", "in a folder or at s3://"),
        ("s3://", "no bucket"),
        ("s3://bucket?secret=1", "secret"),
    ],
)
def test_wrong_places(place: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_store(place)


async def test_credentials_come_from_the_environment(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    store = open_store(bucket.split("&access_key_id")[0])
    assert await store.get(await store.put(b"from the environment")) == b"from the environment"
