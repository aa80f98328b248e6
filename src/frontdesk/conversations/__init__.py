"""Conversations, messages, comments, labels, read state, drafts, and the outbox that every message leaves through."""
