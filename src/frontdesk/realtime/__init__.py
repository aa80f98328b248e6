"""Readers of the event log that keep screens and widgets up to date."""
