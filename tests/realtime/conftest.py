"""What these tests share: see ``site``."""

from realtime.site import registry, site, time

__all__ = ["registry", "site", "time"]
