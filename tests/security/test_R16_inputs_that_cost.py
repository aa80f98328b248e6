"""R16: small inputs that cost much. Every pattern of the product is found in its modules and tried on strings that are
bad for patterns; three times the length may cost three times the time, never nine times.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

import frontdesk
from frontdesk.channels.email.html import from_text, sanitise
from frontdesk.channels.email.outline import to_text
from frontdesk.channels.livechat import clean
from frontdesk.kit.addresses import Blocked, read_url
from frontdesk.kit.downloads import clean_name

PUMPS = [
    "a", " ", "\n", "\t", "0", "-", "_", ".", ",", ";", ":", "/", "\\", "<", ">", "(", ")", "[", "]", "{", '"', "'",
    "%", "&", "@", "+", "#", "?", "*", "é", "a.", "a@", "a-", "a ", " a", "a=", 'a="b" ', "<a", "<a ", "</", "<!--",
    "=?", "=?a?q?", "?=", "> ", ">\n", "\r\n", "\n\n", "\n ", "http://", "http://a", "www.", "&#", "&amp;", "%20",
    "(a", "a)", "<img ", '<img a="', "data:", "cid:", "x@y.z,", "On a wrote:", "From: a\n", "--", "-- \n", "..",
]  # fmt: skip
LONG = 1_000
FREE = 0.002  # seconds: what costs less is not looked at twice


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled pattern in every module, also in tuples, lists and dicts there."""
    seen: set[tuple[Any, int]] = set()
    for info in pkgutil.walk_packages(frontdesk.__path__, "frontdesk."):
        if ".migrations." in info.name or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            for found in _inside(value):
                if (key := (found.pattern, found.flags)) not in seen:
                    seen.add(key)
                    yield f"{info.name}.{name}", found


def _inside(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | dict) and depth < 3 and len(value) < 500:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one, depth + 1)


def cost(work: Callable[[], object]) -> float:
    """The least of three tries: what else the machine does is not the pattern's fault."""
    least = 1e9
    for _ in range(3):
        begun = time.process_time()
        work()
        least = min(least, time.process_time() - begun)
    return least


def is_steep(work: Callable[[int], object]) -> bool:
    """Whether three times as much costs more than six times the time (linear: 3, quadratic: 9)."""
    begun = time.process_time()
    work(LONG)
    if time.process_time() - begun < FREE:
        return False
    small, large = cost(lambda: work(LONG)), cost(lambda: work(3 * LONG))
    return large > 6 * max(small, 1e-4)


def matched(pattern: re.Pattern[Any], pump: str) -> Callable[[int], object]:
    """As most are used, from the beginning of a text. (A search tries every beginning, so it may cost the square.)"""

    def work(size: int) -> object:
        text: Any = (pump * (size // len(pump) + 1))[:size] + "\x00!"
        return pattern.match(text.encode() if isinstance(pattern.pattern, bytes) else text)

    return work


def test_no_pattern_is_steeper_than_its_input() -> None:
    found = list(patterns())
    assert len(found) >= 60
    steep = [(name, pump) for name, pattern in found for pump in PUMPS if is_steep(matched(pattern, pump))]
    assert steep == []


@pytest.mark.parametrize("pattern", [r"(a+)+\Z", r"(?:a|a)*b", r"\s*\s*\Z", r"\s*_?\s*\w"])
def test_a_steep_pattern_would_be_seen(pattern: str) -> None:
    compiled = re.compile(pattern)
    limited = LONG if pattern not in (r"(a+)+\Z", r"(?:a|a)*b") else 12
    pumps = ["a", " ", "a."]
    works = [matched(compiled, pump) for pump in pumps]
    if limited == LONG:
        assert any(is_steep(work) for work in works)
    else:  # exponential: even this little doubles with every letter
        assert cost(lambda: works[0](18)) > 4 * cost(lambda: works[0](14))


SIZES: dict[str, Callable[[str], object]] = {
    "text to html": from_text,
    "html to text": to_text,
    "html cleaned": sanitise,
    "a visitor's text": clean.text,
    "a visitor's name": clean.line,
    "a visitor's file name": clean.file_name,
    "a visitor's email": clean.email,
    "a visitor's phone": clean.phone,
    "a visitor's page": clean.url,
    "a file's name": clean_name,
}


@pytest.mark.parametrize("what", SIZES)
def test_functions_over_foreign_text_are_no_steeper(what: str) -> None:
    steep = [pump for pump in PUMPS if is_steep(lambda size, pump=pump: SIZES[what](pump * (size // len(pump))))]  # type: ignore[misc]
    assert steep == []


@pytest.mark.parametrize("pump", PUMPS)
def test_neither_is_reading_an_address(pump: str) -> None:
    def work(size: int) -> object:
        try:
            return read_url("http://" + pump * (size // len(pump)))
        except Blocked:
            return None

    assert not is_steep(work)


async def test_large_and_deep_requests_are_refused_at_once(client: httpx.AsyncClient) -> None:
    password = {"email": "ana@example.org", "password": "x" * 10_000_000}
    begun = time.process_time()
    assert (await client.post("/api/v1/session", json=password)).status_code in (400, 401, 413)
    for body in (b"[" * 200_000, b'{"a":' * 100_000, b'{"email":"' + b"a@" * 500_000 + b'"}', b"1" * 1_000_000):
        answer = await client.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413)
    assert time.process_time() - begun < 10
