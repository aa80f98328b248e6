"""Signed links and the headers under which a foreign file is harmless."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.kit.downloads import MAX_NAME, Link, clean_name, download_headers, sign, sniff, verify

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
LINK = Link(workspace_id=7, digest="a" * 64, name="Größe.pdf", content_type="application/pdf")

PNG = b"\x89PNG\r\n\x1a\n"
PROOFS = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"GIF89a", "image/gif"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"RIFF\n\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"ID3\x04", "audio/mpeg"),
    (b"\xff\xfb\x90", "audio/mpeg"),
    (b"\xff\xf1\x50", "audio/aac"),
    (b"OggS\x00", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR\n", "audio/amr"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
    (b"\x00\x00\n\x18ftypM4A ", "video/mp4"),
]
ACTIVE = [
    ("text/html", b"<!doctype html>"),
    ("TEXT/HTML; charset=utf-8", b"<script>"),
    ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
    ("application/xhtml+xml", b"<?xml"),
    ("text/xml", b"<?xml"),
    ("application/javascript", b"alert(1)"),
    ("text/javascript", b"alert(1)"),
    ("message/rfc822", b"From: x"),
    ("multipart/related", b"--x"),
    ("application/x-shockwave-flash", b"FWS"),
    ("image/png\r\nX-Evil: 1", b"<html>"),
    ("image/png, text/html", b"<html>"),
    ("*/*", b"<html>"),
    ("", b"<html>"),
]


def test_a_link_grants_what_was_signed_until_it_expires() -> None:
    token = sign(b"secret", LINK, expires=LATER)
    assert verify(b"secret", token, now=NOW) == LINK
    assert verify(b"secret", token, now=LATER) is None
    assert verify(b"other", token, now=NOW) is None
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum(), "fits into a URL as it is"


def test_every_changed_character_breaks_a_link() -> None:
    token = sign(b"secret", LINK, expires=LATER)
    for place, letter in enumerate(token):
        forged = token[:place] + ("A" if letter != "A" else "B") + token[place + 1 :]
        assert verify(b"secret", forged, now=NOW) is None, place
    payload, mac = token.split(".")
    granted = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps([8, *granted[1:]]).encode()).decode().rstrip("=")
    for forged in (
        f"{other}.{mac}",
        payload,
        f"{payload}.",
        f".{mac}",
        "",
        ".",
        "é.é",
        f"{token}=",
        f"{payload}.{mac[:-1]}",
    ):
        assert verify(b"secret", forged, now=NOW) is None, forged


@given(st.text())
def test_any_other_text_is_no_link(text: str) -> None:
    assert verify(b"secret", text, now=NOW) is None


@pytest.mark.parametrize(("head", "expected"), PROOFS)
def test_images_sound_and_film_are_shown_in_place_when_their_bytes_prove_it(head: bytes, expected: str) -> None:
    headers = download_headers("a.bin", "application/octet-stream", head + b"\x00" * 8)
    assert headers["Content-Type"] == expected
    assert headers["Content-Disposition"] == 'inline; filename="a.bin"'
    assert download_headers("a.bin", expected)["Content-Disposition"].startswith("attachment"), "without proof: no"


def test_a_container_is_what_it_was_declared_as_where_it_may_be_both() -> None:
    assert sniff(b"\x00\x00\x00\x18ftypM4A ", "audio/mp4") == "audio/mp4"
    assert sniff(b"OggS\x00", "video/ogg") == "video/ogg"
    assert sniff(PNG, "text/html") == "image/png"
    assert sniff(b"%PDF-1.7", "application/pdf") is None


@pytest.mark.parametrize(("declared", "head"), ACTIVE)
def test_nothing_that_can_run_is_shown_or_named(declared: str, head: bytes) -> None:
    headers = download_headers("page.html", declared, head)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("declared", ["application/pdf", "text/plain", "application/zip", "text/csv; charset=utf-8"])
def test_other_types_are_downloads_under_their_name(declared: str) -> None:
    headers = download_headers("a", declared, b"%PDF-1.7")
    assert headers["Content-Type"] == declared.split(";")[0]
    assert headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.pdf", 'attachment; filename="plain.pdf"'),
        ("Größe €.pdf", "attachment; filename=\"Groe .pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%82%AC.pdf"),
        ('a"b\\c.txt', 'attachment; filename="c.txt"'),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("报告", "attachment; filename=\"file\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A"),
        ("it's (1).txt", 'attachment; filename="it\'s (1).txt"'),
        ("ö'.txt", "attachment; filename=\"o'.txt\"; filename*=UTF-8''%C3%B6%27.txt"),
    ],
)
def test_names_in_headers(name: str, expected: str) -> None:
    assert download_headers(name, "application/pdf")["Content-Disposition"] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\cv.doc", "cv.doc"),
        ("a\r\nSet-Cookie: x=y.txt", "aSet-Cookie: x=y.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("shell.php\u200b", "shell.php"),
        ("\ufeff\u200d", "file"),
        ("...", "file"),
        ("", "file"),
        (" .htaccess ", "htaccess"),
        ("a\x00b.txt", "ab.txt"),
        ("a\ud800.txt", "a.txt"),
        ("two\u2028lines  and   spaces.txt", "twolines and spaces.txt"),
        ("x" * 300 + ".pdf", "x" * (MAX_NAME - 4) + ".pdf"),
        ("ö" * 300 + ".pdf", "ö" * ((MAX_NAME - 4) // 2) + ".pdf"),
        ("a." + "b" * 300, ("a." + "b" * 300)[:MAX_NAME]),
    ],
)
def test_clean_names(name: str, expected: str) -> None:
    assert clean_name(name) == expected


@given(st.text(max_size=400), st.text(max_size=50), st.binary(max_size=20))
def test_headers_are_always_clean_ascii(name: str, declared: str, head: bytes) -> None:
    for value in download_headers(name, declared, head).values():
        assert value.isascii()
        assert value.isprintable()
    cleaned = clean_name(name)
    assert 0 < len(cleaned.encode()) <= MAX_NAME
    assert clean_name(cleaned) == cleaned
