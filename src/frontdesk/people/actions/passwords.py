"""Hashing and checking passwords without letting anybody spend our processor, or guess.

Argon2id takes a tenth of a second and 64 MiB on purpose: two at a time, a short queue, and then an honest 503.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash

from frontdesk.kit import clock
from frontdesk.kit.errors import Invalid, TooMany, Unavailable
from frontdesk.people import rules

Result = TypeVar("Result")

QUEUE = 32  # hashes that run or wait: about two seconds' worth
PER_ACCOUNT, PER_IP = 5, 20  # attempts a minute

_ARGON = PasswordHash.recommended()
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_waiting = 0

# Nobody's hash, with the parameters of everybody's: an unknown user takes as long as a wrong password.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$eP2wMCI+HgYTGyoHSoa/gQ$ubpx1doYwBzyHcATarBCacUvjHNZ8hnA6aTYOQn+UvY"


async def hashed(password: str) -> str:
    """The hash to store; raises Invalid for a password that will not do. Not to be called inside a transaction."""
    if problem := rules.password_problem(password):
        raise Invalid(problem, fields={"password": problem})
    return await _in_turn(lambda: _ARGON.hash(password))


async def verified(password: str, stored: str | None) -> bool:
    """Whether a password is the right one; takes the same time where there is none.

    One that is longer than any password can be is wrong without being hashed, whoever it is tried for.
    """
    if rules.is_too_long(password):
        return False
    matches = await _in_turn(lambda: _ARGON.verify(password, stored or NOBODY))
    return matches and stored is not None


async def _in_turn(work: Callable[[], Result]) -> Result:
    global _waiting
    if _waiting >= QUEUE:
        raise Unavailable("Too many people are signing in at this moment. Try again in a few seconds.", code="busy")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
    finally:
        _waiting -= 1


class Attempts:
    """How often each account and each address tried of late. Kept in memory: a restart forgives, and that is fine."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._buckets: OrderedDict[tuple[str, str], rules.Bucket] = OrderedDict()

    def count(self, kind: str, who: str, size: int) -> None:
        """Take one attempt; raises TooMany with the seconds to wait when none is left."""
        now = clock.now()
        known = self._buckets.pop((kind, who)) if (kind, who) in self._buckets else rules.full(size, now)
        bucket, wait = rules.take(known, now, size=size)
        self._buckets[kind, who] = bucket
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if wait:
            raise TooMany(
                "Too many attempts to sign in. Wait a little and try again.",
                code="too_many_attempts",
                retry_after=math.ceil(wait),
            )

    def forgive(self, kind: str, who: str, size: int) -> None:
        """The attempt was right."""
        if bucket := self._buckets.get((kind, who)):
            self._buckets[kind, who] = rules.give_back(bucket, size=size)

    def clear(self) -> None:
        self._buckets.clear()


ATTEMPTS = Attempts()
