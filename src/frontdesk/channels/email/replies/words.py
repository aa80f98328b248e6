"""The words of ``words.txt``, by section."""

from __future__ import annotations

from importlib.resources import files
from typing import Final


def _sections() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in files(__package__).joinpath("words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            found.setdefault(name, []).extend(entry.strip() for entry in line.split(" | "))
    return found


_ALL = _sections()

WROTE: Final = frozenset(_ALL["wrote"])
WROTE_PHRASES: Final = tuple(_ALL["wrote-phrases"])
OPENERS: Final = frozenset(_ALL["openers"])
MARKERS: Final = tuple(_ALL["markers"])
BEGINS: Final = frozenset(_ALL["begins"])
LABELS: Final = {
    label: kind for kind in ("from", "sent", "to", "cc", "subject", "other") for label in _ALL[f"label-{kind}"]
}
DEVICES: Final = tuple(_ALL["devices"])
SENT_FROM: Final = tuple(_ALL["sent-from"])
CLOSINGS: Final = frozenset(_ALL["closings"])
