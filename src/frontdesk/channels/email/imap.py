"""Receiving mail from a mailbox: everything that arrives, once, in order, for ever.

What was taken is remembered as a checkpoint that is committed together with the mails themselves: per folder the
UIDVALIDITY, the highest uid taken, and the last uids one by one, because some servers show a lower uid after a
higher one. When a server numbers its mailbox anew (UIDVALIDITY changes, RFC 3501 §2.3.1.1) the mails of the last
days are looked at again; their keys do not depend on numbers, so that none is stored twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from frontdesk.channels.email import mailbox
from frontdesk.channels.email.fingerprint import dedupe_key
from frontdesk.channels.email.wire import Imap, Refused, Text, mailbox_name
from frontdesk.channels.port import Account, Disconnected, Raw, Sink, TryLater
from frontdesk.kit import clock

WINDOW: Final = 200  # uids below the highest one that are compared one by one
IDLE_SECONDS: Final = 3 * 60.0  # then IDLE is renewed: a connection that died without a word is noticed no sooner
POLL_SECONDS: Final = 60.0  # without IDLE; and how often the Sent folder is looked at
BATCH: Final = 50
BATCH_BYTES: Final = 16 * 1024 * 1024
BACK_OFF: Final = (1.0, 300.0)  # seconds, doubled from the first to the second
STEADY: Final = 60.0  # seconds after which a connection counts as one that worked
OVERLAP: Final = timedelta(days=2)  # looked at again after the server numbered anew


async def listen(account: Account, sink: Sink) -> None:
    """Take mails until cancelled. Lost connections are opened again; raises Disconnected when only a person can
    help."""
    wait = BACK_OFF[0]
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await _connection(account, sink)
        except Disconnected as problem:
            await sink.unhealthy(str(problem), needs_person=True)
            raise
        except (TryLater, Refused, OSError, TimeoutError) as problem:
            await sink.unhealthy(_said(problem))
        if asyncio.get_running_loop().time() - began > STEADY:  # it worked for a while: this is a new problem
            wait = BACK_OFF[0]
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311  jitter, not a secret
        wait = min(wait * 2, BACK_OFF[1])


def _said(problem: Exception) -> str:
    """For people: what the system says of a connection is in its own words, and of silence it says nothing."""
    if isinstance(problem, TimeoutError):
        return "The mail server does not answer."
    if isinstance(problem, OSError) and problem.errno is not None:
        return f"The connection to the mail server was lost ({problem.strerror})."
    return str(problem)


async def _connection(account: Account, sink: Sink) -> None:
    """One connection until it ends."""
    async with mailbox.opened(account) as imap:
        inbox = mailbox_name(str(account.get("folder") or "INBOX"))
        sent = await _sent(imap, account)
        receiving = _Receiving(account, sink, await sink.checkpoint())
        while True:
            if sent is not None:
                await receiving.take(imap, sent, sent=True)
            await receiving.take(imap, inbox)
            await sink.healthy(f"{account.get('username') or account.get('address')}: connected")
            await _wait(imap, account, sync_sent=sent is not None)


async def _sent(imap: Imap, account: Account) -> Text | None:
    if not account.get("sync_sent", False):
        return None
    return await mailbox.sent_folder(imap, str(account.get("sent_folder") or ""))


async def _wait(imap: Imap, account: Account, *, sync_sent: bool) -> None:
    """Until the server speaks or it is time to look."""
    poll = float(account.get("poll_seconds") or POLL_SECONDS)
    if "IDLE" in imap.capabilities:
        await imap.idle(min(poll, IDLE_SECONDS) if sync_sent else IDLE_SECONDS)
    else:
        await asyncio.sleep(poll)
        await imap.command("NOOP")


class _Receiving:
    """Brings folders up to date, batch by batch."""

    def __init__(self, account: Account, sink: Sink, checkpoint: Mapping[str, Any]) -> None:
        self.account, self.sink = account, sink
        self.folders: dict[str, dict[str, Any]] = {
            str(name): dict(state) for name, state in dict(checkpoint.get("folders") or {}).items()
        }

    async def take(self, imap: Imap, folder: Text, *, sent: bool = False) -> None:
        """Store every mail of the folder that was not taken before; looks again until nothing came meanwhile."""
        while True:
            selected = await mailbox.examine(imap, folder)
            uids, state = await self._new(imap, folder.value, selected)
            self.folders[folder.value] = state
            if not uids:
                await self._remember(state)
            while uids:
                batch = await self._batch(imap, uids)
                uids = uids[len(batch) :]
                await self._store(imap, folder.value, batch, sent=sent)
            if imap.exists <= selected.exists:
                return

    async def _new(self, imap: Imap, folder: str, selected: mailbox.Selected) -> tuple[list[int], dict[str, Any]]:
        known = self.folders.get(folder)
        if known is not None and known.get("uidvalidity") == selected.uidvalidity:
            highest, floor, recent = int(known["uid"]), int(known.get("floor", 1)), set(known.get("recent", ()))
            lowest = max(floor, highest + 1 - WINDOW)
            found = await mailbox.search(imap, "UID", f"{lowest}:*")
            # "n:*" always names the last mail, even below n (RFC 3501 §6.4.8).
            return [uid for uid in found if uid >= lowest and uid not in recent], dict(known)
        since = self._first_day(known)
        found = await mailbox.search(imap, "SINCE", since) if since else []
        everything = await mailbox.search(imap, "UID", "1:*")
        floor = found[0] if found else (everything[-1] + 1 if everything else 1)
        state = {"uidvalidity": selected.uidvalidity, "uid": floor - 1, "floor": floor, "recent": []}
        if found and known is None:  # what lay there before: its times are old, and right
            state["backfill"] = found[-1]
        return found, state

    def _first_day(self, known: Mapping[str, Any] | None) -> str | None:
        """The day from which an unknown mailbox is read: some days back; after new numbering, from when we last
        looked."""
        days = max(0, int(self.account.get("backfill_days", 7)))
        first = clock.now() - timedelta(days=days)
        if known is not None:
            with suppress(ValueError):
                first = min(first, datetime.fromisoformat(str(known.get("at"))) - OVERLAP)
        elif not days:
            return None
        # The protocol knows English names of months only, whatever the locale.
        month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[first.month - 1]
        return f"{first.day}-{month}-{first.year}"

    async def _batch(self, imap: Imap, uids: list[int]) -> dict[int, int | None]:
        """The next uids with their sizes, None for those that vanished; small enough to hold in memory."""
        known = await mailbox.sizes(imap, uids[:BATCH])
        batch: dict[int, int | None] = {}
        total = 0
        for uid in uids[:BATCH]:
            size = known.get(uid)
            total += size or 0
            if batch and total > BATCH_BYTES:
                break
            batch[uid] = size
        return batch

    async def _store(self, imap: Imap, folder: str, batch: Mapping[int, int | None], *, sent: bool) -> None:
        there = {uid: size for uid, size in batch.items() if size is not None}
        fetched = await mailbox.fetch(imap, there) if there else []
        state = self.folders[folder]
        old = int(state.get("backfill", 0))
        raws = [_raw(one, folder, int(state["uidvalidity"]), sent=sent, old=one.uid <= old) for one in fetched]
        state["uid"] = max(int(state["uid"]), *batch)
        state["recent"] = sorted({*state.get("recent", ()), *batch})[-WINDOW:]
        await self._remember(state, raws)

    async def _remember(self, state: dict[str, Any], raws: list[Raw] | None = None) -> None:
        """Mails and checkpoint in one commit. With nothing new only a checkpoint older than an hour is written."""
        moment = clock.now()
        if not raws and state.get("at"):
            with suppress(ValueError):
                if moment - datetime.fromisoformat(str(state["at"])) < timedelta(hours=1):
                    return
        state["at"] = moment.isoformat()
        await self.sink.store(raws or [], checkpoint={"folders": self.folders})


def _raw(one: mailbox.Fetched, folder: str, uidvalidity: int, *, sent: bool, old: bool) -> Raw:
    meta: dict[str, Any] = {"mailbox": folder, "uidvalidity": uidvalidity, "uid": one.uid}
    if one.received_at is not None:
        meta["received_at"] = one.received_at.isoformat()
    if sent:
        meta["sent"] = True
    if old:
        meta["backfilled"] = True
    if not one.whole:
        meta["left_out"] = one.size
    return Raw(dedupe_key=dedupe_key(one.data), body=one.data, meta=meta)
