"""Files from visitors: what they are is decided by their bytes, and only who uploaded them can send them."""

from __future__ import annotations

import io
import zipfile
from uuid import uuid4

import httpx
import pytest

from channels.livechat.livechat_desk import SqliteDesk
from channels.livechat.visitor import Visitor
from frontdesk.channels.livechat.files import MAX_BYTES, sniff

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def office(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "<xml/>")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "content_type"),
    [
        (PNG, "a.png", "image/png"),
        (PNG, "a.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "a.jpg", "image/jpeg"),
        (b"GIF89a;", "a.gif", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.webp", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "audio/wav"),
        (b"%PDF-1.7", "a.pdf", "application/pdf"),
        (b"\0\0\0\x18ftypheic", "a.heic", "image/heic"),
        (b"\0\0\0\x18ftypisom", "a.mp4", "video/mp4"),
        (b"\x1aE\xdf\xa3", "a.webm", "video/webm"),
        (b"ID3\x03", "a.mp3", "audio/mpeg"),
        ("Γειά".encode(), "a.txt", "text/plain"),
        (b"a;b\n", "a.CSV", "text/csv"),
        (
            office("[Content_Types].xml"),
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        # what nobody may send
        (b"JUNK\0\0\0\0WEBP", "a.webp", None),
        (office("evil.exe"), "a.docx", None),
        (office("[Content_Types].xml"), "a.zip", None),
        (b"MZ\x90\0", "a.png", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.png", None),
        (b"  \n<!DOCTYPE html><script>alert(1)</script>", "a.txt", None),
        (b"<?xml version='1.0'?><svg/>", "a.txt", None),
        (b"GIF8 <script>alert(1)</script>", "a.gif", None),
        (b"\xff\xfe<\0s\0v\0g\0", "a.txt", None),
        (b"caf\xe9", "a.txt", None),
    ],
)
def test_the_kind_of_a_file_is_what_its_bytes_say(data: bytes, name: str, content_type: str | None) -> None:
    assert sniff(data, name) == content_type


async def test_a_file_goes_with_a_message(visitor: Visitor, desk: SqliteDesk) -> None:
    uploaded = await visitor.upload(PNG, "../../etc/pass\u202ewd.png")
    assert uploaded.status_code == 201
    assert uploaded.json()["name"] == "passwd.png"
    assert uploaded.json()["type"] == "image/png"
    await visitor.say("", files=[uploaded.json()["file"]])
    (stored,) = desk.stored().values()
    assert stored["files"][0]["name"] == "passwd.png"
    (item,) = await visitor.thread()
    assert item["files"][0]["name"] == "passwd.png"


async def test_nobody_sends_a_file_that_another_uploaded(http: httpx.AsyncClient, visitor: Visitor) -> None:
    ticket = (await visitor.upload(PNG, "a.png")).json()["file"]
    other = Visitor(http)
    await other.begin()
    answer = await other.say("", files=[ticket])
    assert (answer.status_code, answer.json()["code"]) == (422, "file_gone")


async def test_a_session_token_is_no_file_and_a_file_no_session(visitor: Visitor) -> None:
    ticket = (await visitor.upload(PNG, "a.png")).json()["file"]
    assert (await visitor.say("", files=[visitor.token])).json()["code"] == "file_gone"
    answer = await visitor.http.get("/widget/v1/thread", headers={"authorization": f"Bearer {ticket}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty"),
        (b"MZ\0\0", 415, "file_kind"),
        (PNG + b"\0" * (MAX_BYTES - len(PNG)), 201, None),
        (PNG + b"\0" * (MAX_BYTES - len(PNG) + 1), 413, "too_big"),
    ],
)
async def test_sizes(visitor: Visitor, data: bytes, status: int, code: str | None) -> None:
    answer = await visitor.upload(data, "a.png")
    assert answer.status_code == status
    assert answer.json().get("code") == code


async def test_more_files_than_a_message_carries(visitor: Visitor) -> None:
    ticket = (await visitor.upload(PNG, "a.png")).json()["file"]
    answer = await visitor.post("messages", {"id": str(uuid4()), "files": [ticket] * 11})
    assert answer.status_code == 400
