"""The truth against the record. Each check returns what is wrong, a line each; its name is the column of the tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from chaos.hooks import Text
from chaos.load import Sending
from chaos.provider import Truth
from chaos.record import ENDED, Record
from chaos.settings import ENOUGH, UNCERTAIN_WITHIN


@dataclass(frozen=True)
class Case:
    """Everything that was observed from outside, and what Frontdesk remembers."""

    texts: Sequence[Text]
    sendings: Sequence[Sending]
    truth: Truth
    told: dict[str, set[str]]
    record: Record


Check = Callable[[Case], list[str]]


# --- in -------------------------------------------------------------------------------------------------------------


def lost_inbound(case: Case) -> list[str]:
    """An acknowledged message is a message, and nothing was set aside."""
    there = set(case.record.inbound)
    lost = [text.sid for text in case.texts if text.acknowledged and text.sid not in there]
    return [f"{sid} was acknowledged and is not there" for sid in lost] + [
        f"{case.record.set_aside} deliveries were set aside"
    ] * bool(case.record.set_aside)


def duplicate_message(case: Case) -> list[str]:
    seen = Counter(sid for thread in case.record.received.values() for sid in thread)
    return [f"{sid} is there {count} times" for sid, count in seen.items() if count > 1]


def duplicate_conversation(case: Case) -> list[str]:
    """One open conversation for each contact, and one contact for each address."""
    several = [f"{who} has conversations {ids}" for who, ids in case.record.conversations.items() if len(ids) > 1]
    return several + [f"{who} is {count} contact points" for who, count in case.record.points.items() if count > 1]


def notification(case: Case) -> list[str]:
    """Exactly one event announces a message."""
    return [
        f"message {message} was announced {case.record.notified[message]} times"
        for message in case.record.inbound.values()
        if case.record.notified[message] != 1
    ]


def order_in(case: Case) -> list[str]:
    """What we acknowledged before the next was first delivered stands before it in the thread."""
    place = {sid: number for thread in case.record.received.values() for number, sid in enumerate(thread)}
    by_sender: dict[str, list[Text]] = defaultdict(list)
    for text in case.texts:
        if text.acknowledged and text.sid in place:
            by_sender[text.sender].append(text)
    return [
        f"{first.sid} was acknowledged before {second.sid} came, and stands after it"
        for texts in by_sender.values()
        for first, second in combinations(sorted(texts, key=lambda text: text.began), 2)
        if first.acknowledged and first.acknowledged < second.began and place[first.sid] > place[second.sid]
    ]


def counters(case: Case) -> list[str]:
    """What a conversation counts is what there is. (A cancelled message counts if an attempt to send it had begun.)"""
    return [
        f"conversation {row['id']} counts {row['inbound_count']}/{row['message_count']}, there are"
        f" {row['received']}/{row['certain']} and {row['cancelled']} cancelled"
        for row in case.record.counted
        if row["inbound_count"] != row["received"]
        or not row["certain"] <= row["message_count"] <= row["certain"] + row["cancelled"]
    ]


# --- out ------------------------------------------------------------------------------------------------------------


def duplicate_send(case: Case) -> list[str]:
    """By what the customer reads: every answer has words of its own."""
    read = Counter(one.text for one in case.truth.accepted)
    return [f"“{text}” went out {count} times" for text, count in read.items() if count > 1]


def lost_send(case: Case) -> list[str]:
    """What the API took is in the outbox once, and what is called accepted or failed is what the provider saw."""
    known = Counter(row.text for row in case.record.sent)
    found = [
        f"“{one.text}” was acknowledged and is in the outbox {known[one.text]} times"
        for one in case.sendings
        if one.fate == "acknowledged" and known[one.text] != 1
    ]
    reached = case.truth.words()
    for row in case.record.sent:
        if row.state == "accepted" and row.text not in reached:
            found.append(f"“{row.text}” is called accepted; the provider never had it")
        if row.state == "failed" and row.text in reached:
            found.append(f"“{row.text}” is called failed; the provider has it")
    return found


def cancelled_and_sent(case: Case) -> list[str]:
    """Cancelled or sent, never both."""
    reached = case.truth.words()
    return [
        f"“{row.text}” is cancelled, and was sent"
        for row in case.record.sent
        if row.state == "cancelled" and row.text in reached
    ]


def cancel_answer(case: Case) -> list[str]:
    """What the user was told when taking a message back is what happened."""
    states = {row.text: row.state for row in case.record.sent}
    said = {one.text: one.cancel for one in case.sendings if one.cancel in ("cancelled", "too late")}
    return [
        f"“{text}”: the user was told “{word}”, it is {states.get(text)}"
        for text, word in said.items()
        if (word == "cancelled") != (states.get(text) == "cancelled")
    ]


def order_out(case: Case) -> list[str]:
    """In each conversation the provider saw messages in the order in which they were acknowledged to the user."""
    place: dict[str, int] = {}
    for number, one in enumerate(case.truth.accepted):
        place.setdefault(one.text, number)
    by_conversation: dict[int, list[Sending]] = defaultdict(list)
    for sending in case.sendings:
        if sending.fate == "acknowledged" and not sending.scheduled and sending.text in place:
            by_conversation[sending.conversation].append(sending)
    return [
        f"“{first.text}” was written before “{second.text}” and went out after it"
        for sendings in by_conversation.values()
        for first, second in combinations(sorted(sendings, key=lambda one: one.began), 2)
        if first.acknowledged < second.began and place[first.text] > place[second.text]
    ]


def receipt_state(case: Case) -> list[str]:
    """A message is at least as far as the provider told us and we acknowledged."""
    far = {"delivered": {"delivered"}, "sent": {"sent", "delivered"}}
    rows = {row.text: row for row in case.record.sent}
    found = []
    for text, told in case.told.items():
        furthest = "delivered" if "delivered" in told else "sent" if "sent" in told else ""
        row = rows.get(text)
        if furthest and row and row.delivery not in far[furthest]:
            found.append(f"“{text}”: the provider said {furthest}, it is {row.delivery}")
    return found


def unfinished(case: Case) -> list[str]:
    """Every row ends accepted, failed with a reason, held, uncertain or cancelled."""
    open_ = [f"{row.key} is still {row.state}" for row in case.record.sent if row.state not in ENDED]
    return open_ + [
        f"{row.key} is {row.state} without a reason"
        for row in case.record.sent
        if row.state in ("failed", "held", "uncertain") and not row.reason
    ]


def uncertain_late(case: Case) -> list[str]:
    return [
        f"{key}: {seconds:.0f} s until a person knew" for key, seconds in doubts(case) if seconds > UNCERTAIN_WITHIN
    ]


def doubts(case: Case) -> list[tuple[str, float]]:
    """For each message that was shown as uncertain: how long after its attempt began."""
    return [
        (row.key, (row.doubted - row.began).total_seconds()) for row in case.record.sent if row.doubted and row.began
    ]


def enough(case: Case, kills: int) -> list[str]:
    """A product that hardly works between two kills would pass everything else."""
    states = Counter(row.state for row in case.record.sent)
    happened = {
        "texts": len(case.record.inbound), "accepted": states["accepted"], "cancelled": states["cancelled"],
        "receipts": sum(len(told) for told in case.told.values()),
    }  # fmt: skip
    return [
        f"{kills} kills met {happened[what]} {what}; {kills * share:.0f} would be enough"
        for what, share in ENOUGH.items()
        if happened[what] < int(kills * share)
    ]


# --- the log --------------------------------------------------------------------------------------------------------


def event_gap(case: Case) -> list[str]:
    """Numbers without a hole, up to the counter (where there is one)."""
    numbers = case.record.numbers
    expected = list(range(1, len(numbers) + 1))
    if numbers == expected and case.record.counter in (0, len(numbers)):
        return []
    missing = sorted(set(range(1, (numbers or [0])[-1] + 1)) - set(numbers))
    return [f"the log has {len(numbers)} events, the counter says {case.record.counter}, missing are {missing[:10]}"]


ANY_TIME: tuple[Check, ...] = (
    duplicate_message, duplicate_conversation, notification, order_in, counters, duplicate_send, cancelled_and_sent,
    order_out, event_gap,
)  # fmt: skip
"""What must hold at every moment, whatever is under way: the record is of one moment, and the truth is not older."""

CHECKS: tuple[Check, ...] = (
    *ANY_TIME, lost_inbound, lost_send, cancel_answer, receipt_state, unfinished, uncertain_late,
)  # fmt: skip
