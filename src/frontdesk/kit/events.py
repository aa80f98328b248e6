"""Facts. Each room's ``events.py`` declares them; only ``actions`` emit them; the event log keeps them for ever.

The class name is the public kind. What a fact is about stands in named fields, so that readers can route it without
looking inside; everything else is ``facts``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One fact in the past tense. Subclasses add fields; they travel as ``facts`` in the log."""

    about: ClassVar[tuple[str, ...]] = ("actor_id", "user_id", "conversation_id", "message_id", "contact_id")

    actor_id: int | None = None  # the user who did it; None: the system or the contact
    user_id: int | None = None  # only this user may hear of it
    conversation_id: int | None = None
    message_id: int | None = None
    contact_id: int | None = None

    @property
    def kind(self) -> str:
        return type(self).__name__

    def facts(self) -> dict[str, Any]:
        """Everything that is not a routing field, as JSON-able values."""
        built = msgspec.to_builtins(self)
        return {name: value for name, value in built.items() if name not in self.about}
