"""Credentials in what others say: a provider that refuses a password may repeat it in its answer.

Every credential that this process opens is remembered (it is in memory anyway), and taken out of every text that is
shown, stored or logged and that somebody else may have written.
"""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

MOST = 4096  # credentials that are remembered; the longest unused are forgotten first
SHORTEST = 6  # characters; shorter ones would take ordinary words out of every text
HIDDEN = "[hidden]"

_known: OrderedDict[str, None] = OrderedDict()
_pattern: re.Pattern[str] | None = None


def remember(values: Iterable[Any]) -> None:
    """Credentials that are to be hidden from now on, texts of at least :data:`SHORTEST` characters among ``values``."""
    global _pattern
    for value in values:
        if isinstance(value, str) and len(value.strip()) >= SHORTEST:
            fresh = value not in _known
            _known[value] = None
            _known.move_to_end(value)
            while len(_known) > MOST:
                _known.popitem(last=False)
            _pattern = None if fresh else _pattern


def hide(text: str) -> str:
    """The text without any credential, in clear, in a URL, in JSON, or in base64 (alone or behind other words)."""
    global _pattern
    if not _known:
        return text
    if _pattern is None:
        forms = {form for value in _known for form in _forms(value)}
        _pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
    return _pattern.sub(HIDDEN, text)


def hidden(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of the log: every text of a line without credentials."""
    return {name: _inside(value) for name, value in event.items()}


def _inside(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {name: _inside(inner) for name, inner in value.items()}
    return [_inside(inner) for inner in value] if isinstance(value, list | tuple) else value


def _forms(value: str) -> Iterable[str]:
    yield from (value, value.strip(), quote(value, safe=""), quote_plus(value), repr(value)[1:-1])
    yield value.replace("\\", "\\\\").replace('"', '\\"')
    data = value.encode(errors="surrogatepass")
    for before in range(3):  # what stands in front (a user's name) shifts base64 by up to two bytes
        text = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        inner = text[(0, 2, 3)[before] :]
        whole = inner if (before + len(data)) % 3 == 0 else inner[:-1]
        if len(whole) >= SHORTEST:
            yield whole
