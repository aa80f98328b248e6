"""Facts about inboxes."""

from __future__ import annotations

from frontdesk.kit.events import Event


class InboxChanged(Event, frozen=True, kw_only=True):
    """An inbox was connected, changed, switched, or its health became another."""

    inbox_id: int


class InboxDeleted(Event, frozen=True, kw_only=True):
    inbox_id: int
