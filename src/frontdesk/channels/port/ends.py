"""The two ends of a channel: an address of somebody outside, and our own account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Address:
    """One way to reach somebody: ``("phone", "+302101234567")``, ``("email", "a@example.org")``, ``("visitor", "…")``.

    ``value`` is normalised by the channel (E.164, lower-case mail address …). ``scope`` separates values that are only
    unique within something (a page, a site); it is empty where they are unique in the world.
    """

    kind: str
    value: str
    scope: str = ""
    name: str = ""  # display name that came with it
    verified: bool = False  # the channel proved that the sender owns it


@dataclass(frozen=True, kw_only=True)
class Account:
    """One connected inbox: its settings with secrets in clear, and the addresses under which it can be reached."""

    workspace_id: int
    inbox_id: int
    name: str
    settings: Mapping[str, Any]
    hook_url: str
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    secret: bytes = b""  # a secret of this inbox alone, for tokens that a driver signs (never leaves the server)

    def get(self, key: str, default: Any = None) -> Any:
        return self.settings.get(key, default)
