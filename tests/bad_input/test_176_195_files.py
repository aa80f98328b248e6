"""Classes 176-195: files. They are kept and handed on as they came; nothing opens, unpacks, converts or runs one."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from urllib.parse import quote

import httpx
import pytest

from bad_input.cases import Cases
from bad_input.site import Site, refused
from frontdesk.channels import channel
from frontdesk.channels.port import FetchesMedia, Rejected, TryLater
from frontdesk.inboxes import queries
from frontdesk.kit.downloads import clean_name

case = Cases()
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.mark.parametrize("name", case)
async def test_files(site: Site, name: str) -> None:
    await case[name](site)


async def upload(site: Site, name: str, data: bytes, kind: str = "application/octet-stream") -> httpx.Response:
    return await site.api.post(f"/api/v1/files?name={quote(name)}", content=data, headers={"content-type": kind})


async def came_back(site: Site, name: str, data: bytes, kind: str = "application/octet-stream") -> httpx.Response:
    """Uploaded, and fetched by its address: the same bytes, and never as something that may run."""
    kept = await upload(site, name, data, kind)
    assert kept.status_code == 201, kept.text
    answer = await site.api.get(kept.json()["url"])
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    return answer


async def is_download(site: Site, name: str, data: bytes, kind: str = "application/octet-stream") -> None:
    answer = await came_back(site, name, data, kind)
    assert answer.headers["content-disposition"].startswith("attachment"), answer.headers
    assert not answer.headers["content-type"].startswith(("text/html", "image/svg", "text/javascript"))


def zipped(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


@case("176-svg-with-script")
async def _(site: Site) -> None:
    await is_download(site, "a.svg", SVG, "image/svg+xml")


@case("177-html-as-png")
async def _(site: Site) -> None:
    await is_download(site, "a.png", b"<html><script>alert(1)</script>", "image/png")


@case("178-a-picture-that-is-also-a-script")
async def _(site: Site) -> None:
    """Shown as the picture that it is; with nosniff and that type no browser runs it."""
    answer = await came_back(site, "a.js", b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)", "text/javascript")
    assert answer.headers["content-type"] == "image/gif"


@case("179-pdf-with-javascript")
async def _(site: Site) -> None:
    await is_download(
        site, "a.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>", "application/pdf"
    )


@case("180-zip-bomb")
async def _(site: Site) -> None:
    await is_download(site, "a.zip", zipped("zeros", b"0" * (20 << 20)), "application/zip")
    await is_download(site, "a.gz", gzip.compress(b"0" * (20 << 20)), "application/gzip")


@case("181-zip-slip")
async def _(site: Site) -> None:
    await is_download(site, "a.zip", zipped("../../../etc/passwd", b"x"), "application/zip")


@case("182-symbolic-link-in-tar")
async def _(site: Site) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    await is_download(site, "a.tar", packed.getvalue(), "application/x-tar")


@case("183-a-picture-of-a-terabyte")
async def _(site: Site) -> None:
    """30 million pixels square in a few bytes; nobody here decodes it."""
    size = struct.pack(">IIBBBBB", 30_000_000, 30_000_000, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + size
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert (await came_back(site, "a.png", data, "image/png")).headers["content-type"] == "image/png"


@case("184-broken-pictures")
async def _(site: Site) -> None:
    for data, kind in (
        (b"\xff\xd8\xff\xe0" + b"\0" * 8, "image/jpeg"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (PNG, "image/png"),
    ):
        await came_back(site, "a", data, kind)


@case("186-a-playlist")
async def _(site: Site) -> None:
    """Nothing follows it."""
    await is_download(site, "a.m3u8", b"#EXTM3U\nhttp://169.254.169.254/", "application/vnd.apple.mpegurl")


@case("187-no-bytes")
async def _(site: Site) -> None:
    refused(await upload(site, "a.txt", b""), "empty_file")
    row = await site.letter(
        b"From: a187@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n--b\r\n"
        b"Content-Disposition: attachment; filename=empty.txt\r\n\r\n--b--"
    )
    assert [file["size"] for file in await site.files(row["id"])] == [0]


@case("188-exactly-and-over-the-cap")
async def _(site: Site) -> None:
    most = site.resources.settings.max_file
    assert (await upload(site, "a.bin", b"x" * most)).status_code == 201
    refused(await upload(site, "a.bin", b"x" * (most + 1)), "file_too_large", "too_large")


@case("189-a-type-that-lies")
async def _(site: Site) -> None:
    for kind in (
        "text/html",
        "image/svg+xml",
        "text/javascript",
        "application/xhtml+xml",
        "text/html;x",
        "TEXT/HTML",
        "x",
        "",
    ):
        await is_download(site, "a.txt", b"<script>alert(1)</script>", kind)


@case("190-names-that-servers-obey")
async def _(site: Site) -> None:
    for name in (".htaccess", "web.config", ".user.ini", "index.php", "CON", "..", "a/../../b", "\\\\host\\x"):
        await is_download(site, name, b"x")
        assert not {"/", "\\"} & set(clean_name(name))


@case("191-a-sheet-of-formulas")
async def _(site: Site) -> None:
    await is_download(site, "a.csv", b"=cmd|'/C calc'!A0,@SUM(1),+1,-1", "text/csv")


@case("192-a-document-with-macros")
async def _(site: Site) -> None:
    data = zipped("word/vbaProject.bin", b"x")
    await is_download(site, "a.docm", data, "application/vnd.ms-word.document.macroEnabled.12")


@case("194-entities-in-documents")
async def _(site: Site) -> None:
    """No XML that a stranger wrote is ever parsed."""
    entity = b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'>&e;</svg>"
    await is_download(site, "a.svg", entity, "image/svg+xml")
    await is_download(site, "a.docx", zipped("word/document.xml", entity), "application/zip")


@case("195-a-media-address-that-is-not-the-providers")
async def _(site: Site) -> None:
    driver = channel("sms").driver
    assert isinstance(driver, FetchesMedia)
    async with site.db.begin(site.workspace) as tx:
        row = await queries.get(tx, site.sms)
    account = queries.account(site.resources.vault, site.resources.settings.url, row)
    for url in (
        "http://169.254.169.254/latest", f"http://127.0.0.1:{site.port}/livez", "file:///etc/passwd", "http://x.example/a",
        "https://api.twilio.com.evil.example/x", "https://api.twilio.com@evil.example/x", "", "//x", "https://[::1]/",
    ):  # fmt: skip
        with pytest.raises((Rejected, TryLater)):
            await driver.fetch(url, account)


@case("195-the-message-comes-without-its-media")
async def _(site: Site) -> None:
    row = await site.hear("see", NumMedia="1", MediaUrl0="http://127.0.0.1:1/x", MediaContentType0="image/jpeg")
    assert row["text"] == "see"
    assert [file["state"] for file in await site.files(row["id"])] == ["fetching"]
