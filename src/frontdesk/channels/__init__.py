"""Finds the channel folders. Nothing here names a channel."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from frontdesk.channels.port import Channel


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel folder beside this file, by name, in alphabetical order. ``port`` is what they all speak to."""
    folders = sorted(module.name for module in iter_modules(__path__) if module.ispkg and module.name != "port")
    return {name: import_module(f"{__name__}.{name}").CHANNEL for name in folders}


def channel(name: str) -> Channel:
    """The channel called ``name``; raises KeyError for one that does not exist."""
    return all_channels()[name]
