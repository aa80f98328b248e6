"""The pure parts: opening hours, the form, cleaning, settings, limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request

from frontdesk.channels.livechat import CHANNEL, clean, gate
from frontdesk.channels.livechat.form import Field, read_answers, read_form
from frontdesk.channels.livechat.hours import read_hours
from frontdesk.channels.livechat.limits import (
    MAX_BUCKETS,
    MAX_STREAMS_PER_VISITOR,
    NETWORK_FACTOR,
    RATES,
    Limits,
)
from frontdesk.channels.livechat.settings import as_origin

ATHENS = {
    "timezone": "Europe/Athens",
    "week": {"mon": [["09:00", "13:00"], ["14:00", "17:00"]], "fri": [["22:00", "02:00"]], "sat": [["00:00", "24:00"]]},
    "holidays": ["12-25", "2026-11-30"],
}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T07:00:00Z", True),  # Monday 09:00 in Athens
        ("2026-11-23T06:59:59Z", False),
        ("2026-11-23T11:30:00Z", False),  # lunch
        ("2026-11-23T14:59:00Z", True),
        ("2026-11-23T15:00:00Z", False),
        ("2026-07-06T06:00:00Z", True),  # summer time: an hour earlier
        ("2026-11-27T23:30:00Z", True),  # Saturday 01:30, still Friday's span
        ("2026-11-28T21:59:00Z", True),
        ("2026-11-28T22:00:00Z", False),  # Sunday
        ("2026-11-30T08:00:00Z", False),  # a holiday, once
        ("2026-12-25T20:30:00Z", False),  # a holiday, every year, though a Friday
        ("2026-12-25T23:00:00Z", True),  # Saturday 01:00 of a whole day
    ],
)
def test_opening_hours(moment: str, is_open: bool) -> None:
    assert read_hours(ATHENS).open_at(datetime.fromisoformat(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-22T12:00:00Z", "2026-11-23T07:00:00Z"),
        ("2026-11-23T11:30:00Z", "2026-11-23T12:00:00Z"),
        ("2026-11-28T22:30:00Z", "2026-12-04T20:00:00Z"),  # over the Monday that is a holiday
    ],
)
def test_the_next_opening(moment: str, opening: str) -> None:
    assert read_hours(ATHENS).next_opening(datetime.fromisoformat(moment)) == datetime.fromisoformat(opening)


def test_no_hours_are_always_open() -> None:
    for setting in (None, {}, "", '{"timezone": "UTC"}'):
        hours = read_hours(setting)
        assert hours.open_at(datetime(2026, 1, 1, tzinfo=UTC))
        assert hours.next_opening(datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_week_of_holidays_never_opens() -> None:
    every_day = [f"{datetime(2024, 1, 1) + timedelta(days=day):%m-%d}" for day in range(366)]
    hours = read_hours({"week": {"mon": [["09:00", "17:00"]]}, "holidays": every_day})
    assert hours.next_opening(datetime(2026, 1, 1, tzinfo=UTC)) is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_at_the_next_opening_it_is_open(moment: datetime) -> None:
    hours = read_hours(ATHENS)
    opening = hours.next_opening(moment)
    assert opening is not None
    assert opening > moment
    assert hours.open_at(opening)


GOOD = {"origins": ["https://example.org"]}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, set()),
        ({"origins": []}, {"origins"}),
        ({"origins": ["https://example.org/shop"]}, {"origins"}),
        ({"origins": ["*"]}, {"origins"}),
        ({"origins": "https://a.example, https://b.example"}, set()),
        ({"origins": ["https://a.example; script-src *"]}, {"origins"}),
        ({"origins": ["https://Exämple.org", "http://localhost:3000/"]}, set()),
        ({"colour": "red"}, {"colour"}),
        ({"colour": "#12345g"}, {"colour"}),
        ({"languages": ["en", "tlh"]}, {"languages"}),
        ({"identity_secret": "short"}, {"identity_secret"}),
        ({"identity_required": True}, {"identity_secret"}),
        ({"identity_required": True, "identity_secret": "x" * 32}, set()),
        ({"hours": {"timezone": "Mars/Olympus"}}, {"hours"}),
        ({"hours": {"timezone": "../../etc/passwd"}}, {"hours"}),
        ({"hours": {"week": {"mon": [["9", "17"]]}}}, {"hours"}),
        ({"hours": {"week": {"mon": [["24:00", "24:00"]]}}}, {"hours"}),
        ({"hours": {"weeks": {}}}, {"hours"}),
        ({"hours": "not json"}, {"hours"}),
        ({"hours": {"holidays": ["13-01"]}}, {"hours"}),
        ({"pre_chat": [{"name": "a", "type": "select", "label": "A"}]}, {"pre_chat"}),
        ({"pre_chat": [{"name": "a", "type": "text", "label": {}}]}, {"pre_chat"}),
        ({"pre_chat": [{"name": "A b", "type": "text", "label": "A"}]}, {"pre_chat"}),
        ({"pre_chat": [{"name": "a", "type": "file", "label": "A"}]}, {"pre_chat"}),
        ({"pre_chat": [{"name": "a", "type": "text", "label": "A"}] * 2}, {"pre_chat"}),
        ({"pre_chat": [{"name": f"a{n}", "type": "text", "label": "A"} for n in range(13)]}, {"pre_chat"}),
        ({"pre_chat": '[{"name": "a", "type": "text", "label": "A"}]'}, set()),
        ({"pre_chat": 7}, {"pre_chat"}),
    ],
)
def test_what_can_be_wrong_with_the_settings(change: dict[str, Any], wrong: set[str]) -> None:
    assert CHANNEL.check is not None
    found = CHANNEL.check({**GOOD, **change})
    assert set(found) == wrong
    assert all(sentence.strip() for sentence in found.values())


def test_the_settings_keep_their_names() -> None:
    assert {setting.name for setting in CHANNEL.settings} == {
        "origins", "identity_secret", "identity_required", "pre_chat", "hours", "greeting", "colour", "title",
        "offline", "position", "languages",
    }  # fmt: skip
    assert [setting.name for setting in CHANNEL.settings if setting.secret] == ["identity_secret"]
    assert [setting.name for setting in CHANNEL.settings if setting.required] == ["origins"]


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("https://example.org", "https://example.org"),
        (" HTTPS://Example.ORG:443/ ", "https://example.org"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://example.org:99999", None),
        ("https://example.org/?x", None),
        ("https://user@example.org", None),
        ("ftp://example.org", None),
        ("https://", None),
        ("example.org", None),
        ("https://exa mple.org", None),
        ("https://[broken", None),
        ("null", None),
        ("", None),
    ],
)
def test_origins_are_what_browsers_call_them(value: str, origin: str | None) -> None:
    assert as_origin(value) == origin


@given(st.text())
def test_no_origin_can_carry_more_than_an_origin(value: str) -> None:
    origin = as_origin(value)
    assert origin is None or not set(origin) & set(" ;,'\"\t\r\n*")


@pytest.mark.parametrize(
    ("value", "email"),
    [
        (" Ann@Example.org ", "ann@example.org"),
        ("a+b@sub.example.org", "a+b@sub.example.org"),
        ("ann@localhost", None),
        ("ann@@example.org", None),
        ("ann@example.org\r\nbcc: x@example.org", None),
        ("<ann@example.org>", None),
        ("a" * 250 + "@example.org", None),
        ("", None),
    ],
)
def test_email_addresses(value: str, email: str | None) -> None:
    assert clean.email(value) == email


@pytest.mark.parametrize(
    ("value", "phone"),
    [
        ("+30 210 123-4567", "+302101234567"),
        ("0030 (210) 1234567", "+302101234567"),
        ("2101234567", None),
        ("+30 call me", None),
        ("+３０２１０１２３４５６７", None),
        ("+1" + "2" * 20, None),
    ],
)
def test_phone_numbers(value: str, phone: str | None) -> None:
    assert clean.phone(value) == phone


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://example.org/a?b#c", "https://example.org/a?b#c"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//example.org", None),
        ("https://[x", None),
        (None, None),
        ("https://example.org/" + "x" * 5000, ("https://example.org/" + "x" * 5000)[:2000]),
    ],
)
def test_addresses_of_pages(value: str | None, url: str | None) -> None:
    assert clean.url(value) == url


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("photo.png", "photo.png"),
        ("C:\\fakepath\\photo.png", "photo.png"),
        ("../../.htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        ("gp\u202eexe.png", "gpexe.png"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
    ],
)
def test_file_names(value: str, name: str) -> None:
    assert clean.file_name(value) == name


@given(st.text(st.characters(categories=None)))
def test_nothing_kept_holds_a_control_character(value: str) -> None:
    for kept in (clean.text(value), clean.line(value), clean.file_name(value)):
        assert not any((ord(char) < 32 and char not in "\n\t") or 0xD800 <= ord(char) < 0xE000 for char in kept)
    assert len(clean.file_name(value)) <= clean.MAX_NAME
    kept = clean.text(value)
    assert clean.text(kept) == kept


def test_labels_follow_the_visitors_language() -> None:
    question = Field(name="a", type="text", label={"de": "Frage", "en": "Question"})
    assert [question.label_in(tag) for tag in ("de-AT", "en", "fr", None)] == [
        "Frage",
        "Question",
        "Question",
        "Question",
    ]
    assert Field(name="a", type="text", label={"el": "Α"}).label_in("fr") == "Α"


def test_answers_that_are_too_long_or_missing() -> None:
    fields = read_form(
        [
            {"name": "note", "type": "text", "label": "Note"},
            {"name": "tel", "type": "phone", "label": "Phone"},
            {"name": "news", "type": "consent", "label": "News"},
        ]
    )
    assert read_answers(fields, {"note": "x" * 1001, "tel": "12"}, None).wrong == {"note": "long", "tel": "phone"}
    answers = read_answers(fields, {"tel": "+30 2101234567", "news": False}, None)
    assert (answers.phone, answers.wrong) == ("+302101234567", {})
    assert [answer["name"] for answer in answers.kept] == ["tel"]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_a_bucket_empties_and_fills() -> None:
    clock = Clock()
    limits, rate = Limits(clock=clock), RATES["messages"]
    assert [limits.wait("messages", "ann") for _ in range(rate.burst)] == [0.0] * rate.burst
    seconds = limits.wait("messages", "ann")
    assert seconds == pytest.approx(60 / rate.per_minute)
    clock.at += timedelta(seconds=seconds + 0.01)
    assert limits.wait("messages", "ann") == 0.0
    assert limits.wait("messages", "bob") == 0.0
    clock.at -= timedelta(days=1)  # a clock set back takes nothing away
    assert limits.wait("messages", "bob") == 0.0


def test_a_network_may_do_more_than_a_visitor() -> None:
    limits = Limits(clock=Clock())
    allowed = RATES["seen"].burst * NETWORK_FACTOR
    assert sum(limits.wait("seen", "198.51.100.1", network=True) == 0 for _ in range(allowed + 50)) == allowed


def test_the_memory_of_strangers_is_bounded() -> None:
    limits = Limits(clock=Clock())
    for number in range(MAX_BUCKETS + 100):
        limits.wait("seen", str(number))
    assert len(limits.buckets) == MAX_BUCKETS


def test_open_streams_are_counted() -> None:
    limits = Limits()
    assert all(limits.open_stream("ann", "net") for _ in range(MAX_STREAMS_PER_VISITOR))
    assert not limits.open_stream("ann", "net")
    limits.close_stream("ann", "net")
    assert limits.open_stream("ann", "net")
    for _ in range(MAX_STREAMS_PER_VISITOR):
        limits.close_stream("ann", "net")
    assert limits.streams == {}


def test_all_addresses_of_one_customer_are_one_network() -> None:
    """Who changes the address with every request, as any computer with IPv6 can, gains nothing by it."""

    def asked(host: str) -> Request[Any, Any, Any]:
        return Request({"type": "http", "client": (host, 50_000)})  # type: ignore[typeddict-item]

    assert gate.network(asked("2001:db8:1:2::7")) == gate.network(asked("2001:db8:1:2:3:4:5:6"))
    assert gate.network(asked("2001:db8:1:2::7")) != gate.network(asked("2001:db8:1:3::7"))
