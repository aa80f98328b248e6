"""R02: a file that is a page: SVG with scripts, HTML as a picture, polyglots (classes 176–195), as they are served.

Every file of a stranger or a colleague leaves through ``/files/…`` with the headers of ``kit.downloads``; a mail's
source is a download. What opens in a browser by itself must be unable to run anything.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from frontdesk.kit.downloads import download_headers

PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"GIF89a"
SCRIPT = b"<script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
XXE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&e;</svg>'
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SAFE_IN_PLACE = re.compile(r"image/(png|jpeg|gif|webp)|(audio|video)/[a-z0-9-]+")

# (class, name, declared type, bytes). 181, 185 and 188 are about storing: names in archives, EXIF, size limits
FILES: list[tuple[int, str, str, bytes]] = [
    (176, "a.svg", "image/svg+xml", SVG),
    (176, "a.png", "image/svg+xml", SVG),
    (176, "a.svg", "image/png", SVG),
    (176, "a.svgz", "image/svg+xml-compressed", b"\x1f\x8b" + SVG),
    (177, "a.png", "image/png", b"<html>" + SCRIPT),
    (177, "a.html", "text/html", b"<html>" + SCRIPT),
    (177, "a.xhtml", "application/xhtml+xml", b'<html xmlns="http://www.w3.org/1999/xhtml">' + SCRIPT),
    (177, "a.htm", "TEXT/HTML; charset=utf-7", b"+ADw-script+AD4-alert(1)"),
    (177, "a.txt", "text/html", b"\xef\xbb\xbf<html>" + SCRIPT),
    (177, "a.xml", "text/xml", b'<?xml-stylesheet href="//e.example"?><x/>'),
    (177, "a.xsl", "application/xslt+xml", SVG),
    (177, "a.mht", "multipart/related", b"MIME-Version: 1.0"),
    (177, "a.eml", "message/rfc822", b"Content-Type: text/html\n\n" + SCRIPT),
    (178, "a.gif", "image/gif", GIF + b"/*" + b"\0" * 20 + b"*/=1;alert(1)//" + SCRIPT),
    (178, "a.js", "text/javascript", b"alert(1)"),
    (178, "a.js", "application/x-javascript", GIF + b"=1;alert(1)"),
    (178, "a.mjs", "text/ecmascript", b"alert(1)"),
    (178, "a.jpg", "image/jpeg", JPEG + SCRIPT),
    (178, "a.css", "text/css", b"@import url(//e.example)"),
    (179, "a.pdf", "application/pdf", b"%PDF-1.7 /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
    (180, "a.zip", "application/zip", b"PK\x03\x04" + b"\0" * 50),
    (182, "a.tar", "application/x-tar", b"a" + b"\0" * 155 + b"2/etc/passwd"),
    (183, "a.png", "image/png", PNG + b"\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x06"),
    (184, "a.heic", "image/heic", b"\0\0\0\x18ftypheic" + b"\xff" * 40),
    (186, "a.m3u8", "application/x-mpegurl", b"#EXTM3U\nhttp://127.0.0.1/"),
    (187, "a.bin", "application/octet-stream", b"\0"),
    (189, "a.exe", "image/png", b"MZ\x90\0"),
    (189, "a.swf", "application/x-shockwave-flash", b"FWS\x09"),
    (190, ".htaccess", "text/plain", b"AddType text/html .png"),
    (190, "web.config", "application/xml", b"<configuration/>"),
    (191, "a.csv", "text/csv", b"=cmd|'/c calc'!A1"),
    (192, "a.docm", "application/vnd.ms-word.document.macroEnabled.12", b"PK\x03\x04word/vbaProject.bin"),
    (193, "a.com", "application/x-msdownload", EICAR),
    (194, "a.svg", "image/svg+xml", XXE),
    (195, "a.jpg", "image/jpeg", b"<!doctype html><title>404</title>"),
]


def wrong(name: str, kind: str, served: httpx.Response) -> list[str]:
    """What of this answer could run something."""
    shown, headers = served.headers["content-type"].partition(";")[0], served.headers
    found = [] if headers["x-content-type-options"] == "nosniff" else ["browsers may guess"]
    policy = "sandbox; default-src 'none'; frame-ancestors 'none'"
    found += [] if headers["content-security-policy"] == policy else ["no sandbox"]
    found += [] if headers["referrer-policy"] == "no-referrer" else ["tells its address"]
    if headers["content-disposition"].startswith("inline"):
        found += [] if SAFE_IN_PLACE.fullmatch(shown) else [f"shown in place as {shown}"]
    else:
        found += [] if headers["content-disposition"].startswith("attachment") else ["no download"]
        found += [f"is {shown}" for bad in ("html", "xml", "svg", "script", "multipart", "message") if bad in shown]
    return [f"{name} as {kind}: {one}" for one in found]


async def test_nothing_in_a_file_can_run(signed_in: httpx.AsyncClient) -> None:
    assert {number for number, *_ in FILES} >= {*range(176, 196)} - {181, 185, 188}
    found = []
    for _, name, kind, data in FILES:
        address = f"/api/v1/files?name={quote(name)}"
        made = await signed_in.post(address, content=data, headers={"Content-Type": kind})
        assert made.status_code == 201, made.text
        served = await signed_in.get(made.json()["url"], headers={"Cookie": ""})
        assert served.content == data, "kept as it is: nothing unpacks, decodes or repairs it"
        found += wrong(name, kind, served)
    assert found == []


def test_the_test_sees_what_could_run() -> None:
    page = {"content-type": "text/html", "content-disposition": "inline", "x-content-type-options": ""}
    page |= {"content-security-policy": "", "referrer-policy": ""}
    assert len(wrong("a", "text/html", httpx.Response(200, headers=page))) == 4


@pytest.mark.parametrize(
    ("head", "declared"),
    [
        (PNG, "text/html"),
        (JPEG, "image/svg+xml"),
        (b"RIFF\0\0\0\0WEBP", "application/xhtml+xml"),
        (b"OggS\0", "text/html"),
        (b"\0\0\0\x18ftypisom", "image/svg+xml"),
        (b"ID3", "text/javascript"),
        (b"\x1aE\xdf\xa3", "video/webm\r\nContent-Type: text/html"),
    ],
)
def test_the_declared_type_never_beats_the_bytes(head: bytes, declared: str) -> None:
    headers = download_headers("a", declared, head)
    assert headers["Content-Type"].partition("/")[0] in ("image", "audio", "video")
    assert "svg" not in headers["Content-Type"]
    assert "\r" not in "".join(headers.values())


async def test_every_door_for_a_strangers_bytes_is_known(signed_in: httpx.AsyncClient) -> None:
    """A new route that answers with anything but JSON has to be looked at, and then named here."""
    described: dict[str, Any] = (await signed_in.get("/api/v1/openapi.json")).json()
    raw = {
        operation["operationId"]
        for path in described["paths"].values()
        for operation in path.values()
        for status, answer in operation.get("responses", {}).items()
        if status.startswith("2") and set(answer.get("content", {})) - {"application/json"}
    }
    assert raw <= {"getMessageHtml", "getMessageSource", "getChannelIcon", "streamEvents", "getFile"}


async def test_an_icon_of_a_channel_runs_nothing_by_itself(signed_in: httpx.AsyncClient) -> None:
    for channel in (await signed_in.get("/api/v1/channels")).json():
        answer = await signed_in.get(channel["icon"])
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert b"<script" not in answer.content
