"""What these tests share: the office, and the clock that stands still."""

from conversations.office import office, registry, time

__all__ = ["office", "registry", "time"]
