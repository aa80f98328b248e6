"""The fate of a message that we sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """How far an outbound message has come.

    Receipts only ever move it forward (:func:`frontdesk.conversations.rules.later`).
    """

    queued = "queued"
    sending = "sending"
    accepted = "accepted"  # the provider took it
    sent = "sent"
    delivered = "delivered"
    read = "read"
    failed = "failed"
    uncertain = "uncertain"  # we do not know whether the provider took it
    held = "held"  # waits for a person or for a condition
    cancelled = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the provider says of a message that we sent. Found by ``external_id``, or by ``key`` (our own key)."""

    state: DeliveryState
    external_id: str | None = None
    key: str | None = None  # Outbound.key, where the provider echoes it
    code: str | None = None  # the provider's code
    reason: str | None = None  # a sentence for people
    at: datetime | None = None
    opt_out: bool = False  # the provider will not deliver because the contact opted out
    bad_address: bool = False  # the address does not exist
