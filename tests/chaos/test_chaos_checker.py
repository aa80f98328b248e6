"""Each check finds what it is for, and nothing in a history that is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from chaos.checker import CHECKS, Case, enough
from chaos.hooks import Text
from chaos.load import Sending
from chaos.provider import Accepted, Truth
from chaos.record import Record, Row
from chaos.screens import Screen

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def row(text: str, state: str = "accepted", delivery: str = "delivered", **other: object) -> Row:
    facts = {"id": 9, "conversation": 1, "key": text, "text": text, "reason": None, "began": NOW, "doubted": None}
    return Row(**{**facts, "state": state, "delivery": delivery, **other})  # type: ignore[arg-type]


def accepted(text: str) -> Accepted:
    return Accepted(f"SM{text}", text, "+1", text, "twilio", 1.0)


def sending(text: str, began: float, *, scheduled: bool = False, cancel: str = "") -> Sending:
    return Sending(text, 1, text, scheduled, "acknowledged", 9, began, began + 1, cancel)  # type: ignore[arg-type]


def right() -> Case:
    """Two messages in, two answers out, one taken back."""
    record = Record(
        received={"+1": ["a", "b"]},
        sent=[row("one"), row("two"), row("three", "cancelled", "cancelled")],
        conversations={"+1": [1]},
        points=Counter({"+1": 1}),
        notified=Counter({1: 1, 2: 1}),
        inbound={"a": 1, "b": 2},
        numbers=[1, 2, 3],
        counter=3,
        counted=[{"id": 1, "inbound_count": 2, "message_count": 4, "received": 2, "certain": 4, "cancelled": 1}],
        set_aside=0,
    )
    return Case(
        texts=[Text("a", "+1", "", "sms", 1, 2), Text("b", "+1", "", "sms", 3, 4)],
        sendings=[sending("one", 1), sending("two", 5), sending("three", 9, scheduled=True, cancel="cancelled")],
        truth=Truth(accepted=[accepted("one"), accepted("two")]),
        told={"one": {"queued", "sent", "delivered"}, "two": {"delivered"}},
        record=record,
    )


def recorded(**changes: object) -> Case:
    case = right()
    return replace(case, record=replace(case.record, **changes))


def sent(*texts: str) -> Case:
    return replace(right(), truth=Truth(accepted=[accepted(text) for text in texts]))


def counted(**numbers: int) -> Case:
    return recorded(counted=[{**right().record.counted[0], **numbers}])


LATE = {"doubted": NOW + timedelta(seconds=61), "reason": "Nobody knows."}
WRONG = [
    ("lost_inbound", recorded(inbound={"a": 1})),
    ("lost_inbound", recorded(set_aside=1)),
    ("duplicate_message", recorded(received={"+1": ["a", "b", "b"]})),
    ("duplicate_conversation", recorded(conversations={"+1": [1, 2]})),
    ("duplicate_conversation", recorded(points=Counter({"+1": 2}))),
    ("notification", recorded(notified=Counter({1: 2, 2: 1}))),
    ("notification", recorded(notified=Counter({2: 1}))),
    ("order_in", recorded(received={"+1": ["b", "a"]})),
    ("counters", counted(inbound_count=1)),
    ("counters", counted(message_count=3)),
    ("counters", counted(message_count=6)),
    ("duplicate_send", sent("one", "two", "two")),
    ("lost_send", sent("one")),
    ("lost_send", recorded(sent=[row("one"), row("three", "cancelled", "cancelled")])),
    ("lost_send", recorded(sent=[*right().record.sent, row("two")])),
    ("lost_send", recorded(sent=[row("one", "failed", reason="no"), row("two"), right().record.sent[2]])),
    ("cancelled_and_sent", sent("one", "two", "three")),
    ("cancel_answer", recorded(sent=[row("one"), row("two"), row("three")])),
    ("order_out", sent("two", "one")),
    ("receipt_state", recorded(sent=[row("one", delivery="sent"), row("two"), right().record.sent[2]])),
    ("unfinished", recorded(sent=[row("one", "sending"), row("two"), right().record.sent[2]])),
    ("unfinished", recorded(sent=[row("one", "failed"), row("two"), right().record.sent[2]])),
    ("uncertain_late", recorded(sent=[row("one", "uncertain", "uncertain", **LATE)])),
    ("event_gap", recorded(numbers=[1, 3], counter=3)),
    ("event_gap", recorded(numbers=[1, 2], counter=3)),
]


def test_a_history_that_is_right_passes() -> None:
    case = right()
    assert {check.__name__: check(case) for check in CHECKS} == {check.__name__: [] for check in CHECKS}


@pytest.mark.parametrize(("name", "case"), WRONG, ids=[f"{name}-{i}" for i, (name, _) in enumerate(WRONG)])
def test_each_check_finds_its_own(name: str, case: Case) -> None:
    [check] = [check for check in CHECKS if check.__name__ == name]
    assert check(case)


def test_every_check_is_tried() -> None:
    assert {name for name, _ in WRONG} == {check.__name__ for check in CHECKS}


def test_a_screen_notices_what_it_was_not_told() -> None:
    screen = Screen("screen 1")
    screen.apply(1, "MessageReceived", b'{"message": {"id": 7, "rev": 2, "text": "new"}}')
    screen.apply(2, "MessageReceived", b'{"message": {"id": 7, "rev": 1, "text": "old"}}')
    assert screen.messages[7]["text"] == "new"
    assert screen.gaps == []
    screen.apply(4, "MessageReceived", b"{}")
    screen.apply(4, "MessageReceived", b"{}")
    screen.apply(5, "resync", b"{}")
    assert len(screen.gaps) == 3


def test_a_run_in_which_hardly_anything_happened_proves_nothing() -> None:
    """Two messages in, two out, one taken back and four receipts are enough for one kill, not for three."""
    assert enough(right(), 1) == []
    assert enough(right(), 3) == ["3 kills met 2 texts; 4 would be enough", "3 kills met 2 accepted; 3 would be enough"]
