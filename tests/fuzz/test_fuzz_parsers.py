"""The short form of ``make fuzz-parsers``: seeds, what was found before, and a few hundred random changes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz import targets

TARGETS = sorted(targets.TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_parser(name: str) -> None:
    assert targets.replay(name, mutations=200) > 200


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_that_stumbles_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Callable[[bytes], None] = targets.TARGETS[name]

    def stumbles(data: bytes) -> None:
        whole(data)
        raise IndexError("planted")

    monkeypatch.setitem(targets.TARGETS, name, stumbles)
    with pytest.raises(IndexError, match="planted"):
        targets.replay(name, mutations=0)


def test_a_parser_that_takes_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SLOW", 0.0)
    with pytest.raises(AssertionError, match="s"):
        targets.replay("mime", mutations=0)
