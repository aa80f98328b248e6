"""STOP, START and HELP: what a contact says about being written to counts at once, before anybody reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from frontdesk.contacts import actions as contacts
from frontdesk.conversations import rules
from frontdesk.conversations.actions.activity import add_activity
from frontdesk.conversations.actions.send import send
from frontdesk.kit import clock
from frontdesk.kit.errors import NotFound, Refused
from frontdesk.kit.transaction import Tx

if TYPE_CHECKING:
    from frontdesk.conversations.actions.receive import Arrival


async def obey_keywords(tx: Tx, messages: Sequence[tuple[Arrival, int, int]]) -> None:
    """Record and confirm once what is nothing but a keyword, of new messages (arrival, conversation id, point id)."""
    for arrival, conversation_id, point_id in messages:
        if not arrival.channel.can.opt_out_keywords or arrival.item.own:
            continue
        text = rules.clean(arrival.item.text)
        kind = rules.keyword(text)
        if kind is None:
            continue
        changed = True
        if kind != "help":
            decide, code = (contacts.opt_out, "opted_out") if kind == "stop" else (contacts.opt_in, "opted_in")
            reason = "They asked for it in their own words."
            changed = await decide(
                tx, point_id, source="keyword", reason=reason, evidence=text[:200], inbox_id=arrival.inbox_id
            )
            if changed:
                await add_activity(tx, conversation_id, code, {"text": text[:64]})
        # "yes" is START only for somebody who had opted out; to everybody else it is a word in a conversation.
        managed = bool(arrival.item.meta.get("opt_out_type"))  # the provider has already confirmed it
        owed = changed and not managed and not await _before_restore(tx, arrival)
        if owed and await _may_answer(tx, point_id, f"keyword:{kind}"):
            try:
                await send(
                    tx, conversation_id, rules.keyword_answer(kind, arrival.inbox_name), inbox_id=arrival.inbox_id,
                    point_id=point_id, author_id=None, automatic=True, answers_opt_out=True,
                )  # fmt: skip
            except (NotFound, Refused):
                continue  # an inbox that cannot send now, or is gone, owes no confirmation later


async def _before_restore(tx: Tx, arrival: Arrival) -> bool:
    """Whether this was written before a backup was restored here: it may have been confirmed then."""
    at = await tx.fetchval("select settings ->> 'restored_at' from workspaces where id = $1", tx.workspace_id)
    return at is not None and arrival.item.sent_at < datetime.fromisoformat(at)


async def _may_answer(tx: Tx, point_id: int, purpose: str) -> bool:
    """Count one automatic message to this address, unless it would be part of a loop."""
    now = clock.now()
    rows = await tx.fetch(
        "select at from auto_replies where workspace_id = $1 and point_id = $2"
        " and at > $3::timestamptz - interval '1 day'",
        tx.workspace_id,
        point_id,
        now,
    )
    if rules.loops([row["at"] for row in rows], now):
        return False
    await tx.execute(
        "insert into auto_replies (workspace_id, point_id, purpose, at) values ($1, $2, $3, $4)",
        tx.workspace_id,
        point_id,
        purpose,
        now,
    )
    return True
