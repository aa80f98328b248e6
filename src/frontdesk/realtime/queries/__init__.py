"""Reads of the event log: what is new in it, and everybody who follows it live."""
