"""Decisions about people: who may do what, which passwords do, how often one may try. Pure: the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

OWN = frozenset(
    {"conversations:read", "conversations:write", "contacts:read", "contacts:write", "labels:write", "tags:write"}
)
USER = OWN | {"inboxes:read", "people:read"}
ALL = USER | {"inboxes:write", "people:write", "workspace:write", "audit:read", "set_aside:write"}
PERMISSIONS: Mapping[str, frozenset[str]] = {"owner": ALL, "admin": ALL, "user": USER}
RANK: Mapping[str, int] = {"user": 0, "admin": 1, "owner": 2}

PASSWORD_MIN = 8  # characters; NIST SP 800-63B §5.1.1.2
PASSWORD_MAX = 1024  # bytes; hashing cost must not be the caller's choice


def permissions(role: str, scopes: Iterable[str] | None = None) -> frozenset[str]:
    """What a role may do; with a token, no more than its scopes."""
    granted = PERMISSIONS[role]
    return granted if scopes is None else granted & frozenset(scopes)


def sees_all(role: str, *, only_assigned: bool) -> bool:
    """Whether somebody sees every conversation: the restriction is for users, never for those who could lift it."""
    return role != "user" or not only_assigned


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes) - ALL)


def may_change_role(actor_role: str, current: str, wanted: str) -> bool:
    """Nobody touches a role above their own, nor gives one."""
    return RANK[actor_role] >= max(RANK[current], RANK[wanted])


def loses_owner(current: str, *, active: bool, wanted: str, stays_active: bool) -> bool:
    """Whether a change takes one owner away from those who can sign in."""
    return current == "owner" and active and not (wanted == "owner" and stays_active)


def is_too_long(password: str) -> bool:
    return len(password.encode(errors="surrogatepass")) > PASSWORD_MAX


def password_problem(password: str) -> str | None:
    """Why a password will not do, as a sentence; None if it will."""
    if is_too_long(password):
        return f"A password has at most {PASSWORD_MAX} bytes."
    if len(password) < PASSWORD_MIN:
        return f"A password has at least {PASSWORD_MIN} characters."
    return None


def email_problem(email: str) -> str | None:
    """A plausible address is all that is asked: only mail that arrives proves one."""
    local, at, domain = email.rpartition("@")
    odd = any(character.isspace() or not character.isprintable() for character in email)
    if not (local and at and domain) or odd or "@" in local or domain.startswith(".") or domain.endswith("."):
        return "This does not look like an e-mail address."
    return None


def name_problem(name: str) -> str | None:
    """A name needs at least one character that is seen."""
    return (
        None if any(character.isprintable() and not character.isspace() for character in name) else "A name is needed."
    )


def timezone_problem(name: str) -> str | None:
    return None if name in _timezones() else f"There is no time zone called {name[:64]!r}. One is Europe/Athens."


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads the whole zone folder: once is enough


@dataclass(frozen=True)
class Bucket:
    """Attempts that are left, and when they were counted. It fills up again evenly over a minute."""

    left: float
    at: datetime


def full(size: int, now: datetime) -> Bucket:
    return Bucket(float(size), now)


def take(bucket: Bucket, now: datetime, *, size: int) -> tuple[Bucket, float]:
    """One attempt from a bucket of ``size`` a minute. Returns the bucket afterwards and 0, or the seconds to wait."""
    passed = max(0.0, (now - bucket.at).total_seconds())
    left = min(float(size), bucket.left + passed * size / 60)
    if left < 1:
        return Bucket(left, now), (1 - left) * 60 / size
    return Bucket(left - 1, now), 0.0


def give_back(bucket: Bucket, *, size: int) -> Bucket:
    """An attempt that turned out to be right does not count."""
    return Bucket(min(float(size), bucket.left + 1), bucket.at)
