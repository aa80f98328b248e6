"""Kills Frontdesk while it works, and compares what the providers saw with what it remembers: docs/reliability.md."""
