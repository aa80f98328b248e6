"""The outbound trip's second half: what is due leaves, in order, and what became of it is written down.

Claim (one transaction: state sending, committed) → the driver, outside any transaction → settle. Only its own inbox
waits for a slow driver (:mod:`.under_way`). A process that dies in between leaves a row in state sending whose lease
runs out; it is then unknown, and is looked up, never resent blindly.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta

import structlog

from frontdesk import channels
from frontdesk.channels import channel
from frontdesk.channels.port import (
    Account,
    Address,
    Attachment,
    Disconnected,
    Failure,
    LooksUp,
    NamesMessages,
    Outbound,
    Rejected,
    ResendsSafely,
    SendsWhereItListens,
    Sent,
    TryLater,
    Unknown,
)
from frontdesk.conversations import rules
from frontdesk.conversations.actions import claims, outbox
from frontdesk.conversations.actions.accept import accepted, is_anothers
from frontdesk.conversations.actions.attempts import note_attempts, note_look_up, result
from frontdesk.conversations.handlers.leases import Leases
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.conversations.queries import sending as ways
from frontdesk.inboxes import actions as inbox_actions
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock, crash, meters, trace
from frontdesk.kit.context import Resources
from frontdesk.kit.files import Missing
from frontdesk.kit.transaction import PASSING, Row, Tx

BATCH = 20  # claimed together; each belongs to another conversation
ELSEWHERE = 1.0  # seconds, give or take a half, for which an inbox is left to the worker that has its connection
SETTLE_AGAIN = (0.05, 0.5, 2.0, 5.0, 5.0)  # seconds; together shorter than what is left of a lease

log = structlog.get_logger()
Ready = tuple[Row, Outbound, Account]


def _lease(resources: Resources) -> timedelta:
    return timedelta(seconds=resources.settings.lease)


async def dispatch(resources: Resources, under_way: UnderWay | None = None) -> int:
    """Take what is due in all workspaces; returns how many rows were taken.

    What was taken goes on in ``under_way`` after this has returned. Without one it is over when this returns.
    """
    own = under_way or UnderWay()
    async with resources.db.across() as tx:
        due = await claims.workspaces_with_due(tx)
    taken, errors = 0, []
    for workspace_id in due:
        for take in (_resolve, _send):
            try:
                taken += await take(resources, workspace_id, own)
            except Exception as error:  # the others must not wait for what is wrong with this one
                errors.append(error)
    if under_way is None:
        await own.settled()
    if errors:
        raise errors[0]
    return taken


async def _send(resources: Resources, workspace_id: int, under_way: UnderWay) -> int:
    leases = Leases(resources.settings.lease)
    async with resources.db.begin(workspace_id, planned=True) as tx:
        rated = await claims.rated_inboxes(tx)
        full = [inbox_id for inbox_id, full in rated.items() if full]
        without = [*under_way.busy(workspace_id), *under_way.left(workspace_id), *full]
        claimed = await claims.claim(tx, BATCH, lease=_lease(resources), without=without, rated=list(rated))
        batch = await ways.batch(tx, claimed)
        ready = [one for row, files in batch if (one := await _prepare(resources, tx, row, files, under_way))]
        await _spread(tx, ready)
        await outbox.begin_sending(tx, [(row, message.external_id) for row, message, _ in ready])
    crash.point("dispatch: claimed")
    begun = [(one[0], _hand_over(resources, one, leases, under_way)) for one in ready]
    if sending := [under_way.start(row, _traced(row, work)) for row, work in begun]:
        under_way.attend(_hold(resources, workspace_id, [row for row, _, _ in ready], leases, sending))
    return len(claimed)


async def _traced(row: Row, work: Awaitable[None]) -> None:
    with trace.within(row["trace"]):
        await work


async def _hold(
    resources: Resources, workspace_id: int, rows: Sequence[Row], leases: Leases, sending: Sequence[asyncio.Task[None]]
) -> None:
    """Renew the leases until all of this is sent. A lease is short, so that after a crash the doubt is noticed soon."""
    while True:
        _, running = await asyncio.wait(sending, timeout=resources.settings.lease / 3)
        if not running:
            return
        since = time.monotonic()
        try:
            async with resources.db.begin(workspace_id) as tx:
                ours = await claims.renew(tx, rows, _lease(resources))
            leases.renewed(since, ours)
        except PASSING as error:
            log.warning("leases could not be renewed", error=repr(error))


async def _prepare(resources: Resources, tx: Tx, row: Row, files: Sequence[Row], under_way: UnderWay) -> Ready | None:
    """Ask once more whether it may go, now and from here; None if it was settled or put back instead."""
    if row["attempts"] > 1 and await outbox.proved(tx, row):
        return None
    try:
        built = _built(resources, row, files, tx.now())
    except Exception as error:  # one message that cannot be built must not stand in the way of all others
        log.error("a message cannot be prepared", outbox=row["outbox_id"], error=repr(error))
        built = rules.Reason("unpreparable", f"This message cannot be prepared for sending: {error}")
    if not isinstance(built, rules.Reason):
        driver = channel(row["channel"]).driver
        if isinstance(driver, SendsWhereItListens) and not driver.sends_here(built[1]):
            under_way.leave(row, ELSEWHERE * (0.5 + random.random()))  # noqa: S311
            await outbox.put_back(tx, row, after=0)
            return None
        return row, *built
    settle = outbox.held if built.hold or row["unknown_since"] else outbox.failed  # who is in doubt has not failed
    await settle(tx, row, built.sentence, code=built.code)
    return None


def _built(
    resources: Resources, row: Row, files: Sequence[Row], now: datetime
) -> rules.Reason | tuple[Outbound, Account]:
    """The message as its driver gets it, or why it may not go now."""
    confirms = bool(row["meta"].get("answers_opt_out"))
    facts = ways.sending(
        row, text=row["text"], now=now, files=ways.file_facts(files), answers_opt_out=confirms
    )  # fmt: skip
    if reason := rules.why_not_send(facts):
        meters.consent_blocks.labels(reason.code).inc()
        return reason
    if row["scheduled"] and row["attempts"] == 1 and now - row["due_at"] > outbox.LATE_AFTER:
        late = "It should have gone out more than an hour ago. Send it now, or cancel it."
        return rules.Reason("late", late, hold=True)
    if any(file["state"] != "ready" for file in files):
        return rules.Reason("file_missing", "A file of this message is not available.")
    account = inboxes.account(resources.vault, resources.settings.url, row_as_inbox(row))
    return _outbound(resources, row, files, account, now), account


def row_as_inbox(row: Row) -> Row:
    """The outbox batch carries the inbox's columns; its id is called ``inbox_id`` there."""
    return {**row, "id": row["inbox_id"], "name": row["inbox_name"]}  # type: ignore[return-value]


def _outbound(resources: Resources, row: Row, files: Sequence[Row], account: Account, now: datetime) -> Outbound:
    """``now`` is the database's. A driver knows only its own machine's clock, so the last attempt is told by that."""
    attempted = clock.now() - (now - row["sending_since"]) if row["sending_since"] else None
    driver = channel(row["channel"]).driver
    token = str(row["conversation_id"])
    named = driver.name(row["key"], account, token=token) if isinstance(driver, NamesMessages) else None
    thread = tuple(row["thread"] or ())
    answered = row["meta"].get("answers")
    if answered in thread:
        thread = (*(external for external in thread if external != answered), answered)
    return Outbound(
        key=row["key"],
        to=Address(kind=row["kind"], value=row["value"], scope=row["scope"], name=row["contact_name"] or ""),
        text=row["text"], html=row["html"], subject=row["subject"],
        cc=tuple(row["meta"].get("cc", ())), bcc=tuple(row["meta"].get("bcc", ())),
        attachments=tuple(_attachment(resources, row["workspace_id"], file) for file in files),
        answers=thread, token=token, sender_name=row["author_name"] or None, automatic=row["automatic"],
        meta=row["meta"] | ({"attempted_at": attempted.isoformat()} if attempted else {}),
        external_id=row["external_id"] or named, attempt=row["attempts"], callback_url=account.hook_url,
    )  # fmt: skip


def _attachment(resources: Resources, workspace_id: int, file: Row) -> Attachment:
    async def read() -> bytes:
        try:
            return await resources.files.get(file["hash"])
        except Missing as error:
            raise Rejected(f"The file {file['name']} is not available.", code="file_missing") from error
        except OSError as error:
            raise TryLater("The place for files cannot be reached.") from error

    return Attachment(
        name=file["name"],
        content_type=file["content_type"],
        size=file["size"],
        read=read,
        content_id=file["content_id"],
        url=resources.file_url(workspace_id, file["hash"], file["name"], file["content_type"], absolute=True),
    )


async def _spread(tx: Tx, ready: list[Ready]) -> None:
    """Keep to each inbox's rate: what is over it goes back, to be claimed again when there is room."""
    rated = sorted({row["inbox_id"] for row, _, _ in ready if row["rate_per_minute"]})
    if rated:  # whoever else takes from them now has counted before we do, or counts what we take
        of_rate = "select from inboxes where workspace_id = $1 and id = any($2) order by id for no key update"
        await tx.execute(of_rate, tx.workspace_id, rated)
    for inbox_id in rated:
        sent = await tx.fetchval(
            "select count(*) from outbox where workspace_id = $1 and inbox_id = $2 and metered and sending_since > $3"
            " and not (id = any($4))",
            tx.workspace_id,
            inbox_id,
            tx.now() - claims.RATE_WINDOW,
            [row["outbox_id"] for row, _, _ in ready],
        )
        mine = [one for one in ready if one[0]["inbox_id"] == inbox_id]
        room = max(0, mine[0][0]["rate_per_minute"] - sent)
        for one in mine[room:]:
            ready.remove(one)
            pause = 60 / one[0]["rate_per_minute"]
            meters.rate_limited.labels("inbox").inc()
            await outbox.put_back(tx, one[0], after=max(1.0, min(pause, 10.0)))


async def _hand_over(resources: Resources, one: Ready, leases: Leases, under_way: UnderWay) -> None:
    """Give one message to its driver and write down what it said."""
    row, message, account = one
    driver, began = channel(row["channel"]).driver, time.perf_counter()
    try:
        crash.point("dispatch: before the provider")
        if leases.over:
            raise TryLater("It could not be handed over in time.", after=0)
        async with leases.running(row):
            outcome: Sent | Exception = await asyncio.wait_for(
                leases.stepping(driver.send(message, account), row), resources.settings.send_timeout
            )
        crash.point("dispatch: after the provider")
    except Failure as error:
        outcome = error
    except TimeoutError:
        outcome = Unknown("The provider did not answer in time.")
    except Exception as error:
        log.error(
            "a driver failed in an unexpected way", channel=row["channel"], error=repr(error), outbox=row["outbox_id"]
        )
        outcome = Unknown(f"Something went wrong while sending: {error}")
    meters.provider_latency.labels(row["channel"]).observe(time.perf_counter() - began)
    meters.send_attempts.labels(row["channel"], result(outcome)).inc()
    if not (isinstance(outcome, Sent) and await under_way.together.written(resources, row, outcome)):
        await _settle(resources, row, outcome)


async def _settle(resources: Resources, row: Row, outcome: Sent | Exception) -> None:
    """Write down what the driver said. What we know must not get lost because the database is away for a moment."""
    for pause in SETTLE_AGAIN:
        try:
            return await _write_down(resources, row, outcome)
        except PASSING as error:
            log.warning("an outcome could not be written down yet", outbox=row["outbox_id"], error=repr(error))
            await asyncio.sleep(pause)
    return await _write_down(resources, row, outcome)


async def _write_down(resources: Resources, row: Row, outcome: Sent | Exception) -> None:
    async with resources.db.begin(row["workspace_id"]) as tx:
        match outcome:
            case Sent():
                await accepted(tx, row, outcome)
            case Rejected():
                await outbox.failed(
                    tx, row, str(outcome), code=outcome.code, opt_out=outcome.opt_out, bad_address=outcome.bad_address
                )
            case TryLater() if not await outbox.proved(tx, row):
                await outbox.try_again(tx, row, str(outcome), after=outcome.after, code=outcome.code)
            case Disconnected():
                if not await outbox.proved(tx, row):
                    await outbox.held(tx, row, str(outcome), code="inbox_disconnected")
                await inbox_actions.note_health(tx, row["inbox_id"], "off", str(outcome), by="sending")
            case Unknown():
                await outbox.unknown(tx, row, str(outcome))
        # Last: they lock the message, and a cancellation locks the outbox first.
        if isinstance(outcome, Failure) and outcome.meta:
            await outbox.remember(tx, row, outcome.meta)
        await note_attempts(tx, [(row, outcome)])


async def _resolve(resources: Resources, workspace_id: int, under_way: UnderWay) -> int:
    """Find out about rows whose sending ended without an answer."""
    here, busy = under_way.rows(workspace_id), under_way.busy(workspace_id)
    async with resources.db.begin(workspace_id) as tx:
        claimed = await claims.claim_expired(tx, BATCH, lease=_lease(resources), without=busy, here=here)
        rows, now = await ways.batch(tx, claimed), tx.now()
    for row, files in rows:
        under_way.start(row, _traced(row, _find_out(resources, row, files, now)))
    return len(claimed)


async def _find_out(resources: Resources, row: Row, files: Sequence[Row], now: datetime) -> None:
    """By the provider's own key, by looking the message up there, or by asking a person."""
    found: Sent | None = None
    asked, made = False, channels.all_channels().get(row["channel"])  # None: it is not installed here any more
    driver: object = made.driver if made else None
    waiting = now - (row["unknown_since"] or now)
    in_vain = "ask" if waiting.total_seconds() > resources.settings.uncertain_after else "wait"
    try:
        if isinstance(driver, ResendsSafely):
            answer = "again"
        elif isinstance(driver, LooksUp):
            asked = True
            account = inboxes.account(resources.vault, resources.settings.url, row_as_inbox(row))
            message = _outbound(resources, row, files, account, now)
            found = await asyncio.wait_for(driver.look_up(message, account), resources.settings.send_timeout)
            answer = "sent" if found else "again"
        else:
            answer = "ask"
    except (Unknown, TryLater, Disconnected, TimeoutError) as error:
        answer = in_vain
        log.info("cannot tell yet whether a message was sent", outbox=row["outbox_id"], error=str(error))
    except Exception as error:
        answer = "ask"
        log.error("a look-up failed in an unexpected way", channel=row["channel"], error=repr(error))
    async with resources.db.begin(row["workspace_id"]) as tx:
        if found and await is_anothers(tx, row, found.external_id):
            found, answer = None, in_vain
        if found:
            await accepted(tx, row, found)
        elif await outbox.proved(tx, row):
            return
        elif answer == "again":
            why = "The first attempt did not reach the provider." if asked else "The first attempt got no answer."
            await outbox.try_again(tx, row, why, after=0, untaken=asked)
        elif answer == "wait":
            await outbox.look_again(tx, row, resources.settings.look_up_every)
        else:
            reason = "The connection broke while this was being sent. Nobody can tell whether it arrived."
            await outbox.uncertain(tx, row, reason)
            meters.uncertain.labels(row["channel"]).inc()
        if asked and answer != "wait":
            await note_look_up(tx, row, {"sent": "found", "again": "not_found"}.get(answer, "no_answer"))
