"""Finds the channel folders. Nothing here names a channel."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from frontdesk.channels.port import Channel
from frontdesk.kit.errors import Refused


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel folder beside this file, by name, in alphabetical order. ``port`` is what they all speak to."""
    folders = sorted(module.name for module in iter_modules(__path__) if module.ispkg and module.name != "port")
    return {name: import_module(f"{__name__}.{name}").CHANNEL for name in folders}


def channel(name: str) -> Channel:
    """The channel called ``name``. Raises Refused for one that is not installed, as when its version was taken back."""
    found = all_channels().get(name)
    if found is None:
        raise Refused(f"The channel “{name}” of this inbox is not installed here.", code="no_channel")
    return found
