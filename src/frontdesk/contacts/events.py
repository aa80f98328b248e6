"""Facts about contacts."""

from __future__ import annotations

from frontdesk.kit.events import Event


class ContactChanged(Event, frozen=True, kw_only=True):
    """A contact was made, or something of it became different: name, note, points, consent, tags."""

    deleted: bool = False


class ContactsMerged(Event, frozen=True, kw_only=True):
    """Two contacts became one: ``contact_id`` is the one that stays."""

    loser_id: int


class SuggestionMade(Event, frozen=True, kw_only=True):
    """``contact_id`` and ``other_id`` may be one person."""

    suggestion_id: int
    other_id: int


class TagChanged(Event, frozen=True, kw_only=True):
    tag_id: int


class TagDeleted(Event, frozen=True, kw_only=True):
    tag_id: int
