"""How an inbox is doing, as its receiver, its sender and a test on demand find out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import structlog

from frontdesk import channels
from frontdesk.channels.port import Disconnected, Rejected, Tests, TryLater
from frontdesk.inboxes import queries, rules, schemas
from frontdesk.inboxes.events import InboxChanged
from frontdesk.kit import clock
from frontdesk.kit.context import Resources
from frontdesk.kit.hiding import hide
from frontdesk.kit.secrets import KeyProblem
from frontdesk.kit.transaction import Tx

Side = Literal["", "sending", "listening"]
TEST_SECONDS = 20.0
NOTE_MAX = 500  # characters

log = structlog.get_logger()


async def note_health(tx: Tx, inbox_id: int, state: str, note: str = "", *, by: Side = "") -> bool:
    """Remember how an enabled inbox is doing (ok, attention, waiting, off); returns whether that is news.

    An inbox that cannot send until a person has seen to it is not well because it can receive, nor the other way round:
    of that only the same side can say better, or a test and new settings, which are of both (``by`` nobody).
    """
    changed = await tx.execute(
        """update inboxes set health = $3, health_note = $4, health_at = $5, health_by = $6, rev = rev + 1
        where workspace_id = $1 and id = $2 and enabled and deleted_at is null
          and (health, health_note) is distinct from ($3, $4)
          and ($6 in ('', health_by) or $3 = 'off' or health <> 'off' or health_by = '')""",
        tx.workspace_id, inbox_id, state, hide(rules.storable(note))[:NOTE_MAX], clock.now(), by,
    )  # fmt: skip
    if changed:
        tx.emit(InboxChanged(inbox_id=inbox_id))
    return bool(changed)


async def note_life(tx: Tx, inbox_ids: Sequence[int]) -> None:
    """Something came in or went out through these inboxes: those that were still waiting for a first sign work."""
    rows = await tx.fetch(
        """update inboxes set health = 'ok', health_note = '', health_at = $3, rev = rev + 1
        where workspace_id = $1 and id = any($2::bigint[]) and health = 'waiting' and enabled and deleted_at is null
        returning id""",
        tx.workspace_id, list(inbox_ids), clock.now(),
    )  # fmt: skip
    for row in rows:
        tx.emit(InboxChanged(inbox_id=row["id"]))


async def try_out(resources: Resources, workspace_id: int, inbox_id: int) -> schemas.Tested:
    """Have the driver prove that the settings work. Whatever goes wrong is the answer, never an error."""
    async with resources.db.begin(workspace_id) as tx:
        row = await queries.get(tx, inbox_id)
    manifest = channels.all_channels().get(row["channel"])
    if manifest is None:
        return schemas.Tested(ok=False, message="The channel of this inbox is not installed here.")
    if not isinstance(manifest.driver, Tests):
        return schemas.Tested(ok=True, message=f"{manifest.title} has nothing to try out: the settings are complete.")
    try:
        account = queries.account(resources.vault, resources.settings.url, row)
        async with asyncio.timeout(TEST_SECONDS):
            tested = schemas.Tested(ok=True, message=await manifest.driver.test(account))
    except (Disconnected, TryLater, Rejected, KeyProblem) as wrong:
        tested = schemas.Tested(ok=False, message=str(wrong) or "It did not work, and the other side did not say why.")
    except TimeoutError:
        tested = schemas.Tested(ok=False, message=f"There was no answer within {TEST_SECONDS:.0f} seconds.")
    except Exception as wrong:  # a driver's mistake must not look like ours
        log.warning("a test of an inbox failed unexpectedly", inbox_id=inbox_id, error=repr(wrong))
        tested = schemas.Tested(ok=False, message=f"It did not work: {type(wrong).__name__}.")
    tested.message = hide(tested.message)
    async with resources.db.begin(workspace_id) as tx:
        await note_health(tx, inbox_id, "ok" if tested.ok else "attention", "" if tested.ok else tested.message)
    return tested
