"""What every test of the email channel has."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest


@pytest.fixture(autouse=True)
def loopback_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of these tests stand where connections are refused otherwise."""
    monkeypatch.setattr("frontdesk.kit.fetch._opened", (IPv4Network("127.0.0.0/8"),))
