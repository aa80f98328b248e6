"""What the driver remembers of its latest sendings, to recognise a message whose sending ended without an answer.

Only memory, on purpose: after a restart less is known, and then look-ups say "unknown" more often, never "not taken".
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from frontdesk.channels.port import Outbound
from frontdesk.channels.sms.segments import smart

SETTLES_AFTER: Final = 40
"""Seconds after which a message that the provider took is on its list, unless the inbox's settings say otherwise.

Less than the lease and the asking together (12 + 40 s): what was never taken is sent again before a person is asked.
"""
ROUNDING: Final = timedelta(seconds=30)
"""The provider's times are in whole seconds, and a little off."""
CLOCKS_DIFFER_BY: Final = timedelta(minutes=15)
"""The provider's clock and ours. A look-alike that is older than the attempt by less than this may be the one."""
LOOKS_BACK: Final = timedelta(days=1)
"""How far a look-up reads when nobody knows when the attempt was."""
_REMEMBERS: Final = 10_000
_TRIAL: Final = "Sent from your Twilio trial account - "


class Attempts:
    """Start times of sendings, first look-ups, and whose a provider id is; the latest 10,000 of each."""

    def __init__(self) -> None:
        self._began: OrderedDict[tuple[int, str], datetime] = OrderedDict()
        self._asked: OrderedDict[tuple[int, str], datetime] = OrderedDict()
        self._owner: OrderedDict[tuple[int, str], str] = OrderedDict()

    def begin(self, inbox_id: int, key: str, *, at: datetime) -> None:
        self._began[inbox_id, key] = at
        self._asked.pop((inbox_id, key), None)
        _trim(self._began)

    def began(self, inbox_id: int, message: Outbound) -> datetime | None:
        """When the last attempt began: from memory, else ``message.meta["attempted_at"]`` (ISO 8601), else None."""
        known = self._began.get((inbox_id, message.key))
        told = message.meta.get("attempted_at")
        return known or (datetime.fromisoformat(told) if isinstance(told, str) else None)

    def asked(self, inbox_id: int, key: str, *, at: datetime) -> datetime:
        """When the message was looked up first; the attempt is certainly older than that."""
        first = self._asked.setdefault((inbox_id, key), at)
        _trim(self._asked)
        return first

    def claim(self, inbox_id: int, external_id: str, key: str) -> None:
        self._owner[inbox_id, external_id] = key
        _trim(self._owner)

    def claimed_by_another(self, inbox_id: int, external_id: str, message: Outbound) -> bool:
        """Does this provider id belong to another message of ours, by memory or by the thread it is sent in?"""
        owner = self._owner.get((inbox_id, external_id))
        return external_id in message.answers or (owner is not None and owner != message.key)

    def clearly_after(self, began: datetime | None, when: datetime | None) -> bool:
        """Was this made after the attempt, unless the clocks differ? Only then can it be taken for ours."""
        return began is not None and (when is None or when >= began - ROUNDING)

    def horizon(self, began: datetime | None, asked: datetime) -> datetime:
        """Messages older than this cannot be the one."""
        return began - CLOCKS_DIFFER_BY if began else asked - LOOKS_BACK


def same_text(theirs: str, ours: str) -> bool:
    """Alike but for what a provider changes: outer blanks, typographic characters, the notice of a trial account."""
    return smart(theirs.removeprefix(_TRIAL)).strip() == smart(ours).strip()


def _trim(memory: OrderedDict[tuple[int, str], Any]) -> None:
    while len(memory) > _REMEMBERS:
        memory.popitem(last=False)
