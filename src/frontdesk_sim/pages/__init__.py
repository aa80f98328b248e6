"""Pages for playing the customer: rendered here, one small script, nothing from elsewhere."""

from .routes import ROUTES

__all__ = ["ROUTES"]
