"""Frontdesk: every text, email, call and chat of a business in one inbox."""

__version__ = "0.1.0"
