"""Channels that exist only in tests, and a clock that is moved by hand."""

from conversations.office import registry, time

__all__ = ["registry", "time"]
