"""``python -m fuzz.mails``: broken mails through the mail channel, and many of them through the database.

Every mail is read by the channel's own driver (small flat mails in this process, the others in the child with its caps
on time and memory). Every n-th, and every one that could not be read as a mail, is also stored and ingested; it
must then be a message, or stand among the deliveries that were set aside. Ends with status 1 when one is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frontdesk.channels import channel
from frontdesk.channels.email import limits
from frontdesk.channels.email.fingerprint import dedupe_key
from frontdesk.channels.port import Account, Inbound, Raw, Receipt
from frontdesk.conversations.handlers.ingest import ingest
from frontdesk.inboxes import actions as inboxes
from frontdesk.inboxes import queries
from frontdesk.kit.context import Actor, Resources
from fuzz import ground, mutating

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "address": "desk@support.example", "imap_host": "imap.support.example", "smtp_host": "smtp.support.example",
    "username": "desk", "password": "not a real one",
}  # fmt: skip
TOGETHER = 200  # mails that are stored and ingested at once
LARGE = 1024 * 1024

_FATE = """
select r.state, r.error, exists (select 1 from messages m where m.workspace_id = r.workspace_id and m.raw_id = r.id) as
  shown, exists (select 1 from messages m where m.workspace_id = r.workspace_id and m.inbox_id = r.inbox_id
  and m.meta ->> 'fingerprint' = $3) as copied
from raw_deliveries r where r.workspace_id = $1 and r.inbox_id = $2 and r.dedupe_key = $4
"""


@dataclass
class Figures:
    """What became of the mails. ``seconds`` are those that each of at most a megabyte took to be read."""

    mails: int = 0
    in_child: int = 0
    unread: int = 0  # shown as a sentence with the original attached
    raised: int = 0  # would be set aside
    receipts: int = 0
    stored: int = 0
    shown: int = 0
    copies: int = 0
    set_aside: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)  # seconds, number of the mail

    def quantile(self, part: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0

    def __str__(self) -> str:
        return (
            f"{self.mails} mails, {self.in_child} of them read in the child, {self.unread} shown with the original"
            f" attached, {self.raised} for which the driver raised, {self.receipts} receipts\n"
            f"{self.stored} stored and ingested: {self.shown} messages, {self.copies} copies of such,"
            f" {self.set_aside} set aside\n"
            f"reading (up to 1 MB): median {self.quantile(0.5):.1f} ms, 99 % {self.quantile(0.99):.1f} ms,"
            f" most {self.slowest[0] * 1000:.0f} ms (mail {self.slowest[1]})\n"
            f"lost: {len(self.lost)}" + "".join(f"\n  {one}" for one in self.lost[:20])
        )


def collected() -> list[bytes]:
    """The channel's recorded deliveries, the corpus here, and what FRONTDESK_JUDGES names (or stands beside us)."""
    found = []
    for path in sorted((ROOT / "src/frontdesk/channels/email/samples").glob("*.json")):
        raw = json.loads(path.read_text(encoding="utf-8"))["raw"]
        found.append(base64.b64decode(raw["body_base64"]) if "body_base64" in raw else raw["body"].encode())
    found += [path.read_bytes() for path in sorted((ROOT / "fuzz/corpus/mime").glob("*"))]
    judges = Path(os.environ.get("FRONTDESK_JUDGES", ROOT / ".." / "shared" / "data")) / "mail"
    found += [path.read_bytes() for path in sorted(judges.rglob("*.eml"))]
    return [mail for mail in found if len(mail) < 200_000]


class Office:
    """The inbox that the mails come to."""

    def __init__(self, resources: Resources, owner: Actor, inbox_id: int, account: Account) -> None:
        self.resources, self.owner, self.inbox_id, self.account = resources, owner, inbox_id, account
        self.driver = channel("email").driver


async def open_office(resources: Resources, owner: Actor) -> Office:
    inbox_id = await ground.inbox(resources, owner, "email", "Support", **SETTINGS)
    async with resources.db.begin(owner.workspace_id) as tx:
        row = await queries.get(tx, inbox_id)
    return Office(resources, owner, inbox_id, queries.account(resources.vault, resources.settings.url, row))


def read(office: Office, data: bytes, figures: Figures) -> bool:
    """Let the driver read it; returns whether it could not be read as a mail."""
    figures.mails += 1
    figures.in_child += not limits.is_harmless(data)
    began = time.perf_counter()
    try:
        items = office.driver.parse(_raw(data), office.account)
    except Exception as error:
        figures.raised += 1
        print(f"mail {figures.mails} raised {error!r}", file=sys.stderr)
        return True
    took = time.perf_counter() - began
    if len(data) <= LARGE:
        figures.seconds.append(took)
    figures.slowest = max(figures.slowest, (took, figures.mails))
    if not items:
        figures.lost.append(f"mail {figures.mails} means nothing")
    figures.receipts += any(isinstance(item, Receipt) for item in items)
    unread = any(isinstance(item, Inbound) and item.meta.get("problem") for item in items)
    figures.unread += unread
    return unread


def _raw(data: bytes) -> Raw:
    return Raw(dedupe_key=dedupe_key(data), body=data, meta={"received_at": "2026-11-22T09:00:00+00:00"})


async def take_in(office: Office, mails: Sequence[tuple[int, bytes]], figures: Figures) -> None:
    """Store and ingest them, then look for each."""
    raws = {dedupe_key(data): (number, _raw(data)) for number, data in mails}
    workspace_id = office.owner.workspace_id
    async with office.resources.db.begin(workspace_id) as tx:
        await inboxes.store(tx, office.inbox_id, [raw for _, raw in raws.values()])
    await ingest(office.resources)
    async with office.resources.db.begin(workspace_id) as tx:
        for key, (number, _) in raws.items():
            print_of = key.rpartition(":")[2]
            fate = await tx.fetchrow(_FATE, workspace_id, office.inbox_id, print_of, inbox_key(key))
            figures.stored += 1
            if fate is None:
                figures.lost.append(f"mail {number} was not stored")
            elif fate["shown"]:
                figures.shown += 1
            elif fate["state"] == "set_aside":
                figures.set_aside += 1
                print(f"mail {number} was set aside: {fate['error']}", file=sys.stderr)
            elif fate["copied"]:
                figures.copies += 1
            else:
                figures.lost.append(f"mail {number} is {fate['state']} and nowhere to be seen")


def inbox_key(key: str) -> str:
    from frontdesk.inboxes.rules import dedupe_key as storable

    return storable(key)


async def run(office: Office, *, count: int, seed: int, every: int, say: bool = False) -> Figures:
    """Break ``count`` mails and send them through."""
    chance, figures, mails = random.Random(seed), Figures(), collected()
    waiting: list[tuple[int, bytes]] = []
    for number in range(1, count + 1):
        data = mutating.broken(chance, mails)
        if await asyncio.to_thread(read, office, data, figures) or number % every == 0:
            waiting.append((number, data))
        if len(waiting) >= TOGETHER:
            await take_in(office, waiting, figures)
            waiting = []
        if say and number % 10_000 == 0:
            print(f"{number} …", file=sys.stderr, flush=True)
    await take_in(office, waiting, figures)
    return figures


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.mails", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=20, help="how often one goes through the database")
    given = parser.parse_args()
    began = time.monotonic()
    async with ground.folder() as place, ground.opened(place) as (resources, _):
        office = await open_office(resources, await ground.workspace(resources))
        figures = await run(office, count=given.count, seed=given.seed, every=given.every, say=True)
    print(f"{figures}\nseed {given.seed}, {time.monotonic() - began:.0f} s")
    return 1 if figures.lost or figures.raised else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
