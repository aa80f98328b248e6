"""Pure decisions: may it go, how far has it come, what did they ask for, what is shown."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.port import Capabilities, DeliveryState
from frontdesk.conversations import rules

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CAN = Capabilities(
    address_kinds=("phone",), max_chars=10, attachment_types=("image/*", "text/plain"), max_attachments=2,
    max_attachment_bytes=1024 * 1024, reply_window=timedelta(hours=24),
)  # fmt: skip
PHOTO = ("a.jpg", "image/jpeg", 1000)


def sending(can: Capabilities = CAN, **changed: Any) -> rules.Sending:
    about: dict[str, Any] = {
        "inbox_name": "Front desk", "inbox_enabled": True, "inbox_needs_person": False, "has_address": True,
        "address_kind": "phone", "last_inbound_at": NOW, "text": "Hello", "now": NOW,
    }  # fmt: skip
    return rules.Sending(can=can, **{**about, **changed})


def able(**changed: Any) -> Capabilities:
    return Capabilities(**{**{name: getattr(CAN, name) for name in CAN.__dataclass_fields__}, **changed})


REASONS: list[tuple[str, rules.Sending]] = [
    ("inbox_off", sending(inbox_enabled=False)),
    ("inbox_disconnected", sending(inbox_needs_person=True)),
    ("no_address", sending(has_address=False)),
    ("no_address", sending(address_kind="email")),
    ("opted_out", sending(opted_out=True)),
    ("bad_address", sending(bad_address=True)),
    ("may_not_start", sending(able(may_start=False), last_inbound_at=None)),
    ("window_closed", sending(last_inbound_at=None)),
    ("window_closed", sending(last_inbound_at=NOW - timedelta(hours=24, seconds=1))),
    ("empty", sending(text=" \n\t\u2003")),
    ("too_long", sending(text="12345678901")),
    ("no_attachments", sending(able(attachments=False), attachments=[PHOTO])),
    ("too_many_attachments", sending(attachments=[PHOTO] * 3)),
    ("attachment_type", sending(attachments=[("a.pdf", "application/pdf", 10)])),
    ("attachment_type", sending(attachments=[("a.html", "text/html", 10)])),
    ("attachment_size", sending(attachments=[("a.jpg", "image/jpeg", 1024 * 1024 + 1)])),
    ("no_copies", sending(copies=1)),
]


@pytest.mark.parametrize(("code", "about"), REASONS)
def test_each_reason_is_given_with_a_sentence(code: str, about: rules.Sending) -> None:
    reason = rules.why_not_send(about)
    assert reason is not None
    assert reason.code == code
    assert reason.sentence.endswith(".")
    assert reason.hold is code.startswith("inbox_")


@pytest.mark.parametrize(
    "about",
    [
        sending(),
        sending(text="1234567890"),
        sending(last_inbound_at=NOW - timedelta(hours=24)),
        sending(able(reply_window=None), last_inbound_at=None),
        sending(able(may_start=False)),
        sending(opted_out=True, answers_opt_out=True),
        sending(text="", attachments=[PHOTO, PHOTO]),
        sending(attachments=[("a.txt", "text/plain", 1024 * 1024)]),
        sending(able(attachment_types=("*/*",)), attachments=[("a.bin", "x/y", 1)]),
        sending(able(copies=True), copies=3),
    ],
)
def test_what_is_in_order_may_go(about: rules.Sending) -> None:
    assert rules.why_not_send(about) is None


def test_the_sentence_about_a_closed_window_advises_a_template_where_there_are_some() -> None:
    closed = sending(able(needs_template_outside_window=True), last_inbound_at=None)
    assert "template" in str(rules.why_not_send(closed))
    assert "template" not in str(rules.why_not_send(sending(last_inbound_at=None)))


# --- receipts -----------------------------------------------------------------------------------------------------

RECEIPTS = [
    DeliveryState.queued, DeliveryState.sending, DeliveryState.accepted, DeliveryState.sent, DeliveryState.delivered,
    DeliveryState.read, DeliveryState.failed, DeliveryState.uncertain, DeliveryState.held, DeliveryState.cancelled,
]  # fmt: skip


def folded(start: DeliveryState, receipts: list[DeliveryState]) -> DeliveryState:
    state = start
    for receipt in receipts:
        state = receipt if rules.later(state, receipt) else state
    return state


@given(st.sampled_from(RECEIPTS), st.lists(st.sampled_from(RECEIPTS), max_size=7), st.randoms())
def test_receipts_in_any_order_and_number_end_in_the_same_state(
    start: DeliveryState, receipts: list[DeliveryState], random: Any
) -> None:
    again = [*receipts, *random.choices(receipts, k=5)] if receipts else []
    random.shuffle(again)
    assert folded(start, again) == folded(start, receipts)


def test_every_permutation_of_six_receipts_ends_in_the_same_state() -> None:
    six = [DeliveryState(name) for name in ("sending", "accepted", "sent", "delivered", "failed", "uncertain")]
    assert {folded(DeliveryState.queued, list(order)) for order in itertools.permutations(six)} == {
        DeliveryState.delivered
    }


@given(st.sampled_from(RECEIPTS), st.sampled_from(RECEIPTS))
def test_nothing_ever_goes_back(old: DeliveryState, new: DeliveryState) -> None:
    assert not rules.later(old, old)
    assert not (rules.later(old, new) and rules.later(new, old))


def test_proof_of_delivery_outweighs_a_failure_and_nothing_outweighs_a_cancelling() -> None:
    assert rules.later(DeliveryState.failed, DeliveryState.read)
    assert not rules.later(DeliveryState.failed, DeliveryState.sent)
    assert not rules.later(DeliveryState.delivered, DeliveryState.failed)
    assert not any(rules.later(DeliveryState.cancelled, new) for new in RECEIPTS)


# --- keywords -----------------------------------------------------------------------------------------------------

STOPS = [
    "STOP", "stop", "Stop.", "STOP!", "stop\n", "  stop  ", "“stop”", "*STOP*", "ＳＴＯＰ", "ｓｔｏｐ．",
    "stop\u200b", "STOP\x00",
    "s t o p", "STOP\r\n\r\n", "STOP" + " " * 90, "\ufeffSTOP", "STOPALL", "Stop all", "STOP-ALL", "Unsubscribe",
    "UNSUBSCRIBE.",
    "unsub scribe", "cancel", "Cancel!", "END", "end.", "quit", "QUIT", "Revoke", "OptOut", "opt-out", "opt out",
    "OPT OUT.",
    "remove", "ARRET", "Arrêt", "arre\u0302t", "TD", "(stop)", "Stop 🛑", "🛑 stop",
]  # fmt: skip
STARTS = ["START", "start.", "Unstop", "UNSTOP!", "yes", "Yes!", "ＳＴＡＲＴ"]
HELPS = ["HELP", "help?", "Info", "AIDE"]
WORDS = [
    "Stop texting me", "Please stop", "stop it", "don't stop", "STOP THE COUNT", "we stop at 5", "the end", "e n d",
    "T D",
    "cancel my appointment", "unsubscribe me please", "quitting", "stopp", "nonstop", "yes please", "y",
    "start at nine?",
    "help me", "information", "", " ", "👍", "...", "stop\nstop", "S" * 65, "STOP" + "!" * 10 + "now",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS)
def test_a_message_that_is_nothing_but_stop_stops(text: str) -> None:
    assert rules.keyword(text) == "stop"


@pytest.mark.parametrize("text", STARTS)
def test_start(text: str) -> None:
    assert rules.keyword(text) == "start"


@pytest.mark.parametrize("text", HELPS)
def test_help(text: str) -> None:
    assert rules.keyword(text) == "help"


@pytest.mark.parametrize("text", WORDS)
def test_a_keyword_within_a_sentence_is_a_word(text: str) -> None:
    assert rules.keyword(text) is None


@given(st.text())
def test_no_text_breaks_the_keywords_the_preview_or_the_cleaning(text: str) -> None:
    rules.keyword(text)
    assert len(rules.preview(text)) <= 140
    assert "\n" not in rules.preview(text)
    cleaned = rules.clean(text)
    assert "\x00" not in cleaned
    assert "\r" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert rules.clean(cleaned) == cleaned


@pytest.mark.parametrize("kind", ["stop", "start", "help"])
def test_every_confirmation_names_the_business_and_how_to_stop_or_start(kind: Any) -> None:
    answer = rules.keyword_answer(kind, "Harbour Dental")
    assert answer.startswith("Harbour Dental")
    assert ("START" if kind == "stop" else "STOP") in answer


# --- what is shown, when, and again ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "files", "shown"),
    [
        ("one\n\n two\tthree ", [], "one two three"),
        ("", [], ""),
        ("  ", ["a.jpg"], "a.jpg"),
        ("", ["a.jpg", "b.jpg"], "2 files"),
        ("text", ["a.jpg"], "text"),
        ("x" * 140, [], "x" * 140),
        ("x" * 141, [], "x" * 139 + "…"),
    ],
)
def test_a_preview_is_one_short_line(text: str, files: list[str], shown: str) -> None:
    assert rules.preview(text, files) == shown


def test_cleaning_leaves_one_kind_of_line_end_and_nothing_that_cannot_be_stored() -> None:
    assert rules.clean("a\r\nb\rc\nd\x00e\ud83df") == "a\nb\nc\nde?f"
    assert rules.clean("\ud83d\ude00") in ("😀", "??")
    assert rules.clean("Καλημέρα 😀") == "Καλημέρα 😀"


@pytest.mark.parametrize(
    ("sent", "stands"),
    [
        (NOW - timedelta(hours=3), NOW - timedelta(hours=3)),
        (NOW - timedelta(hours=24), NOW - timedelta(hours=24)),
        (NOW - timedelta(hours=25), NOW),
        (NOW, NOW),
        (NOW + timedelta(seconds=1), NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW),
        (datetime(2099, 1, 1, tzinfo=UTC), NOW),
    ],
)
def test_a_plainly_wrong_clock_does_not_count(sent: datetime, stands: datetime) -> None:
    assert rules.moment_of(sent, NOW) == stands


def test_what_lay_in_an_old_mailbox_is_as_old_as_it_says() -> None:
    assert rules.moment_of(NOW - timedelta(days=300), NOW, backfilled=True) == NOW - timedelta(days=300)
    assert rules.moment_of(NOW + timedelta(days=1), NOW, backfilled=True) == NOW


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_retries_wait_from_a_second_to_ten_minutes_and_spread(attempt: int, chance: float) -> None:
    delay = rules.retry_delay(attempt, chance)
    longest = min(600.0, 2.0 * 2 ** min(attempt - 1, 12))
    assert longest / 2 <= delay <= longest
    assert rules.retry_delay(attempt + 1, chance) >= delay


def test_a_fourth_automatic_message_within_an_hour_would_be_a_loop() -> None:
    def ago(*minutes: float) -> list[datetime]:
        return [NOW - timedelta(minutes=m) for m in minutes]

    assert not rules.loops(ago(1, 2), NOW)
    assert rules.loops(ago(1, 2, 60), NOW)
    assert not rules.loops(ago(1, 2, 60.1), NOW)
    assert not rules.loops(ago(*range(61, 61 + 19 * 60, 60)), NOW)
    assert rules.loops(ago(*(70 + 60 * i for i in range(20))), NOW)


def test_reopening_takes_days_from_the_closing() -> None:
    assert rules.reopens(NOW - timedelta(days=14), NOW, 14)
    assert not rules.reopens(NOW - timedelta(days=14, seconds=1), NOW, 14)
    assert not rules.reopens(NOW, NOW, 0)
    assert not rules.reopens(None, NOW, 14)
    assert (rules.join_key("contact", 7), rules.join_key("contact_inbox", 7)) == (0, 7)
