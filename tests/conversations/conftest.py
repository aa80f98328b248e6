"""What these tests share: see ``office``."""

from conversations.office import office, registry, time

__all__ = ["office", "registry", "time"]
