"""Facts about conversations and messages. Field names are public: they stand in the API description."""

from __future__ import annotations

from frontdesk.kit.events import Event


class ConversationOpened(Event, frozen=True):
    """A conversation began, by a first message or by a user."""


class ConversationChanged(Event, frozen=True):
    """Status, assignee, team, snooze, subject or labels changed."""

    changed: tuple[str, ...] = ()


class MessageReceived(Event, frozen=True):
    """A message from the contact."""

    inbox_id: int | None = None
    automatic: bool = False


class MessageQueued(Event, frozen=True):
    """A message to the contact was accepted by us and waits in the outbox."""

    inbox_id: int | None = None
    scheduled: bool = False


class MessageChanged(Event, frozen=True):
    """A message's text, time, files or conversation changed."""

    changed: tuple[str, ...] = ()


class CommentAdded(Event, frozen=True):
    """A user wrote something that only the team sees."""

    mentions: tuple[int, ...] = ()


class ActivityAdded(Event, frozen=True):
    """A line of history in the thread (assigned, labelled, opted out …)."""

    activity: str = ""


class DeliveryChanged(Event, frozen=True):
    """The fate of an outbound message moved on."""

    state: str = ""
    code: str | None = None
    reason: str | None = None


class ReadStateChanged(Event, frozen=True):
    """One user read, unread or starred a conversation; only that user hears of it."""

    read_count: int = 0
    starred: bool = False


class LabelChanged(Event, frozen=True):
    label_id: int


class LabelDeleted(Event, frozen=True):
    label_id: int
