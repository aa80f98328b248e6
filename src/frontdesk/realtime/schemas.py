"""What the event stream carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from frontdesk.contacts.schemas import ContactOut, Tag
from frontdesk.conversations.schemas import Conversation, Label, Message
from frontdesk.inboxes.schemas import InboxOut
from frontdesk.people.schemas import Team, User


class EventFrame(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event. ``seq`` grows by one with each in a workspace; ``facts`` are the event's own fields.

    Entities are snapshots as of delivery, which may be newer than the event. Each has a ``rev`` that only grows: a
    client ignores one that is older than what it has, and so ends where a fresh load would.
    """

    seq: int
    kind: str
    at: datetime
    actor_id: int | None = None
    conversation_id: int | None = None
    message_id: int | None = None
    contact_id: int | None = None
    facts: dict[str, Any] = {}
    conversation: Conversation | None = None
    message: Message | None = None
    contact: ContactOut | None = None
    inbox: InboxOut | None = None
    label: Label | None = None
    tag: Tag | None = None
    user: User | None = None
    team: Team | None = None
