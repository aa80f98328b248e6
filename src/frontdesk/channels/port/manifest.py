"""A channel, complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.channels.port.capabilities import Capabilities, Setting
from frontdesk.channels.port.drivers import Driver


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The manifest: what ``GET /api/v1/channels`` shows."""

    name: str
    title: str
    description: str
    can: Capabilities
    driver: Driver
    settings: tuple[Setting, ...] = ()
    colour: str = "#64748b"
    check: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    """Extra validation of the settings: returns {setting: sentence} for what is wrong."""
    own_address: Callable[[Mapping[str, Any]], str | None] | None = None
    """The address that contacts write to, from the settings (shown as "from", used to recognise loops)."""
