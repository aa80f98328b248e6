"""Facts about people."""

from __future__ import annotations

from frontdesk.kit.events import Event


class UserChanged(Event, frozen=True, kw_only=True):
    """A user was made, changed, or deactivated. (``user_id`` would mean that only they may hear of it.)"""

    subject_id: int


class TeamChanged(Event, frozen=True, kw_only=True):
    team_id: int


class TeamDeleted(Event, frozen=True, kw_only=True):
    team_id: int


class WorkspaceChanged(Event, frozen=True, kw_only=True):
    """The workspace's name, time zone or settings changed."""
