"""Designs that are wrong on purpose. A harness that does not catch them proves nothing.

A mutation happens in the forked process alone: a function or an SQL text is replaced by a copy in which some words are
others. Where the words are not found any more the process ends with a KeyError: a mutant must be what it says it is.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from frontdesk.app import hooks, intake
from frontdesk.conversations import rules
from frontdesk.conversations.actions import claims, join, outbox, write
from frontdesk.conversations.handlers import dispatch, ingest
from frontdesk.kit import transaction
from frontdesk.realtime import routes as stream
from frontdesk.realtime.queries import log

# Their package exports functions under the modules' names.
receive = import_module("frontdesk.conversations.actions.receive")
send = import_module("frontdesk.conversations.actions.send")

Words = tuple[str, str]


@dataclass(frozen=True)
class Mutant:
    """What is wrong with it, how a process becomes it, what its database lacks or has, and what its run does else."""

    says: str
    apply: Callable[[], None]
    database: Sequence[str] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)


def changed(place: Any, name: str, *words: Words) -> None:
    """Replace a function, method or SQL text called ``name`` by a copy with other words."""
    found = getattr(place, name)
    source = found if isinstance(found, str) else textwrap.dedent(inspect.getsource(found))
    for old, new in words:
        if old not in source:
            raise KeyError(f"{name} does not say {old!r} any more")
        source = source.replace(old, new)
    if isinstance(found, str):
        setattr(place, name, source)
        return
    names = found.__globals__
    made: dict[str, Any] = {}
    exec(compile(source, f"<mutant of {name}>", "exec", __future__.annotations.compiler_flag), names, made)
    setattr(place, name, made[name])


def apply(name: str) -> None:
    MUTANTS[name].apply()


# --- in -------------------------------------------------------------------------------------------------------------


def _acknowledges_first() -> None:
    changed(intake.Intake, "store", ("return await one.done", "return len(raws)"))


def _acknowledges_errors() -> None:
    answer = "answer = HookAnswer()"
    changed(
        hooks.Hooks,
        "__call__",
        ("answer = _problem(problem.status, problem.code, problem.detail)", answer),
        (
            'answer = _problem(503, "unavailable", "This could not be stored just now. Nothing was taken; try again.")',
            answer,
        ),
    )


_DONE_FIRST = """    async with resources.db.on(connection, workspace_id) as tx:
        done = "update raw_deliveries set state = 'done' where workspace_id = $1 and id = any($2)"
        await tx.execute(done, workspace_id, [one.row["id"] for one in parsed])
        await tx.execute("delete from ingest_runs where workspace_id = $1", workspace_id)
    async with resources.db.on(connection, workspace_id) as tx:
        await receive("""


def _claims_apart() -> None:
    changed(
        ingest,
        "_store",
        ("    async with resources.db.on(connection, workspace_id) as tx:\n        await receive(", _DONE_FIRST),
    )


_STORE_LOOKS = """do $do$ declare said text := pg_get_functiondef('store_deliveries'::regproc); wrong text; begin
  wrong := replace(said, 'on conflict (workspace_id, inbox_id, dedupe_key) do nothing', 'where not exists (
    select 1 from raw_deliveries x where x.workspace_id = workspace and x.dedupe_key = r.dedupe_key)');
  assert wrong <> said, 'store_deliveries() does not say what is to be changed any more';
  execute wrong;
end $do$"""


def _looks_then_inserts() -> None:
    unique = "on conflict (workspace_id, inbox_id, external_id) where external_id is not null do nothing"
    changed(receive, "_INSERT", (unique, ""))
    unique = "on conflict (workspace_id, contact_id, join_key) where join_key is not null do update"
    changed(join, "_OPEN", (f"{unique} set join_key = c.join_key", ""))
    changed(
        ingest,
        "ingest_workspace",
        (
            "if not await locks.take(connection, _LOCK, workspace_id, hung_after=resources.settings.hung_after):",
            "if False:",
        ),
        ("await locks.free(connection, _LOCK, workspace_id)", "pass"),
    )


def _counts_later() -> None:
    later: list[Any] = []
    vars(receive)["LATER"] = vars(ingest)["LATER"] = later
    vars(ingest)["_count"] = receive._count
    arguments = "[place.conversation_id for place in joined], ids)"
    changed(receive, "receive", (f"await _count(tx, arrivals, {arguments}", f"LATER.append((arrivals, {arguments})"))
    ingest.receive = receive.receive
    last = 'await tx.execute("delete from ingest_runs where workspace_id = $1", workspace_id)'
    apart = (
        f"{last}\n    async with resources.db.on(connection, workspace_id) as tx:\n        while LATER:\n"
        "            await _count(tx, *LATER.pop(0))"
    )
    changed(ingest, "_store", (last, apart))


# --- out ------------------------------------------------------------------------------------------------------------


def _fresh_keys() -> None:
    fresh = 'key=row["key"] if row["attempts"] == 1 else str(__import__("uuid").uuid4())'
    changed(dispatch, "_outbound", ('key=row["key"]', fresh))


def _own_keys() -> None:
    changed(send, "send", ("client_key or ids.key()", "ids.key()"))
    from frontdesk.conversations.routes import messages

    messages.send = send.send


def _cancels_anything() -> None:
    changed(write, "cancel", (" and state in ('queued', 'held') and unknown_since is null", ""))


def _without_fences() -> None:
    changed(outbox, "_SETTLE", ("fence = $3 and state in ('sending', 'unknown')", "$3::bigint is not null"))
    fits = "o.fence = mine.fence and o.state in ('sending', 'unknown')"
    for statement in ("_ACKNOWLEDGE", "_ACKNOWLEDGE_FREE"):
        changed(outbox, statement, (fits, "mine.fence is not null"))
    changed(outbox, "unknown", ("fence = $3 and state in ('sending', 'unknown')", "$3::bigint is not null"))
    late = "if leases.over:"
    changed(dispatch, "_hand_over", (late, "if False:"), ("async with leases.running(row):", "if True:"))


def _without_order() -> None:
    changed(claims, "CLAIM", ("and not exists (", "and true or false and exists ("))


def _receipts_go_back() -> None:
    rules.later = lambda old, new: True


def _sends_before_commit() -> None:
    written = "if not (isinstance(outcome, Sent) and await under_way.together.written(resources, row, outcome)):"
    changed(
        dispatch, "_hand_over", (written, "if True:"), ("await _settle(resources, row, outcome)", "return row, outcome")
    )
    asking = "await asyncio.gather(*(_hand_over(resources, one, leases, under_way) for one in ready))"
    sending = (
        "begun = [(one[0], _hand_over(resources, one, leases, under_way)) for one in ready]\n"
        "    if sending := [under_way.start(row, _traced(row, work)) for row, work in begun]:"
    )
    holding = "    under_way.attend(_hold(resources, workspace_id, [row for row, _, _ in ready], leases, sending))"
    settling = "for row, outcome in said:"
    claimed = 'crash.point("dispatch: claimed")'
    settled = "    await _settle(resources, row, outcome)"
    changed(dispatch, "_send", (sending, settling), (holding, settled), (claimed, f"    said = {asking}"))


def _repeats_unknown() -> None:
    changed(dispatch, "_find_out", ("if isinstance(driver, ResendsSafely):", "if True:"))


def _leases_never_end() -> None:
    changed(claims, "_EXPIRED", ("q.lease_until <= $2", "q.lease_until <= $2::timestamptz - interval '1 day'"))


def _never_asks() -> None:
    changed(dispatch, "_find_out", ('"ask"', '"wait"'))


# --- the log --------------------------------------------------------------------------------------------------------


def _numbers_by_sequence() -> None:
    source = transaction._FLUSH
    counting = source[source.index("counted as (") : source.index("written as (")]
    for old, new in (
        (counting, ""),
        ("counted.seq - $2 + o", "nextval('chaos_numbers') + 0 * $2::bigint"),
        ("from counted, ", "from "),
    ):
        if old not in source:
            raise KeyError(f"the flush of events does not say {old!r} any more")
        source = source.replace(old, new)
    transaction._FLUSH = source
    changed(log, "newest", ("select seq from event_counters", "select max(seq) from events"))


def _forgets_the_missed() -> None:
    changed(stream, "_frames", ("if after is not None:", "if False:"))


# Only a worker that wakes up after its lease shows what a fence is for: most are stopped before they hand over, and
# the kills are far enough apart for several such sleeps.
_OFTEN_ASLEEP = {"stops": ("dispatch: before the provider", 0.5), "pause": (0.3, 1.2)}

MUTANTS: dict[str, Mutant] = {
    "acknowledges_first": Mutant("2xx before the commit", _acknowledges_first),
    "acknowledges_errors": Mutant("2xx although nothing was stored", _acknowledges_errors),
    "claims_apart": Mutant("a delivery is marked done in one transaction and read in another", _claims_apart),
    "looks_then_inserts": Mutant(
        "no unique index and no lock: look first, then insert",
        _looks_then_inserts,
        (
            _STORE_LOOKS,
            "drop index uq_messages_external",
            "drop index uq_conversations_join",
            "alter table raw_deliveries drop constraint uq_raw_deliveries_workspace_id_inbox_id_dedupe_key",
        ),
    ),
    "counts_later": Mutant("counters are written in a transaction of their own", _counts_later),
    "fresh_keys": Mutant("every attempt has a new idempotency key", _fresh_keys),
    "own_keys": Mutant("the client's Idempotency-Key is not the message's key", _own_keys),
    "cancels_anything": Mutant("cancelling is an update without its condition", _cancels_anything),
    "without_fences": Mutant("a lease without a fencing number", _without_fences, plan=_OFTEN_ASLEEP),
    "without_order": Mutant("the claim does not look at the head of the conversation", _without_order),
    "receipts_go_back": Mutant("a late receipt moves the state back", _receipts_go_back),
    "sends_before_commit": Mutant("the provider is called before the claim is committed", _sends_before_commit),
    "repeats_unknown": Mutant("an unknown sending is sent again", _repeats_unknown),
    "leases_never_end": Mutant("nobody takes over what a dead process had claimed", _leases_never_end),
    "never_asks": Mutant("a doubt that cannot be resolved is never shown", _never_asks),
    "numbers_by_sequence": Mutant(
        "events are numbered by a sequence: a reader passes numbers that are still open",
        _numbers_by_sequence,
        ("create sequence chaos_numbers", "grant usage, select on sequence chaos_numbers to public"),
    ),
    "forgets_the_missed": Mutant("a stream that comes back begins with what is new", _forgets_the_missed),
}
