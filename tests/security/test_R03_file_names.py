"""R03: names of files that break out of a header, a page or a folder, or hide what the file is."""

from __future__ import annotations

import re
import stat
import unicodedata
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from frontdesk.channels.livechat.clean import file_name
from frontdesk.kit.context import Resources
from frontdesk.kit.downloads import MAX_NAME, clean_name, download_headers
from security.payloads import WORDS

NAMES = [
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "C:\\autoexec.bat",
    "a\r\nSet-Cookie: x=1",
    'a"; filename="b.html',
    "a\0.png",
    "‮gpj.exe",
    "a.php\u200b",
    "a.p\u00adhp",
    "....//....//a",
    ".htaccess",
    ".",
    "..",
    "   ",
    "\u2028\u2029",
    "=cmd|'/c calc'!A1.csv",
    "a%00.png",
    "%2e%2e%2fa",
    "ａ/b",
    "a" * 300 + ".png",
    "𐏿" * 200,
    "<img src=x onerror=alert(1)>.png",
    "; rm -rf / #",
    "$(id).png",
    "CON",
    "a\ud800.png",
]


@pytest.mark.parametrize("name", [*NAMES, *WORDS], ids=lambda name: ascii(name)[:40])
def test_a_name_stays_a_name(name: str) -> None:
    clean = clean_name(name)
    assert clean
    assert clean not in (".", "..")
    assert len(clean.encode()) <= MAX_NAME
    assert not re.search(r"[/\\\x00-\x1f\x7f]", clean)
    assert not clean.startswith(".")
    hidden = [one for one in clean if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]
    assert hidden == [], "nothing invisible, and nothing that turns the writing around"
    header = download_headers(name, "text/plain")["Content-Disposition"]
    assert header.isascii()
    assert header.count('"') == 2, "the quoted name cannot be left"
    assert not re.search(r"[\r\n\0]", header)


@pytest.mark.parametrize("name", [*NAMES, *WORDS], ids=lambda name: ascii(name)[:40])
def test_so_does_a_visitors(name: str) -> None:
    clean = file_name(name)
    assert clean
    assert not re.search(r"[/\\\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]", clean)
    assert clean not in (".", "..")


async def test_on_the_disk_nothing_has_a_name_from_outside(
    signed_in: httpx.AsyncClient, resources: Resources, tmp_path: Path
) -> None:
    """Files are their hashes, in folders of our own, readable by us alone and runnable by nobody."""
    for name in NAMES:
        address = f"/api/v1/files?name={quote(name.encode('utf-8', 'replace'))}"
        answer = await signed_in.post(address, content=name.encode("utf-8", "replace"))
        assert answer.status_code in (201, 400), answer.text
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(kept) >= 20
    for path in kept:
        assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}", str(path.relative_to(tmp_path / "files")))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not path.is_symlink()
    assert not list(tmp_path.parent.glob("passwd*"))


async def test_a_name_inside_a_problem_is_data(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.post("/api/v1/files?name=" + quote("<svg onload=alert(1)>" * 30), content=b"x")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
