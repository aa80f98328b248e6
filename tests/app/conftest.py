"""Channels that exist only in tests, an office with inboxes on them, and a clock that is moved by hand."""

from conversations.office import office, registry, time

__all__ = ["office", "registry", "time"]
