"""Addresses, ids, dates, charsets and file names, as the world writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from frontdesk.channels.email import CHANNEL
from frontdesk.channels.email.decode import clean, header_text, text_of
from frontdesk.channels.email.headers import canonical, date_of, mailboxes, message_ids, readable
from frontdesk.channels.email.mime import unflowed
from frontdesk.channels.email.parameters import content_type, file_name, parsed
from frontdesk.channels.port import Normalises


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("jane@shop.example", [("", "jane@shop.example")]),
        ('"Doe, Jane" <Jane@Shop.Example>', [("Doe, Jane", "jane@shop.example")]),
        ("=?utf-8?q?J=C3=B6?= <b@x.example>", [("Jö", "b@x.example")]),
        ("jane@x.example (Jane D.)", [("Jane D.", "jane@x.example")]),
        ("Team: a@x.example, B <b@x.example>;", [("", "a@x.example"), ("B", "b@x.example")]),
        ("undisclosed-recipients:;", []),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("<@relay.example:jane@x.example>", [("", "jane@x.example")]),
        ("jane @ x.example", [("", "@")]),
        ("Jane <jane@x.example", [("Jane", "jane@x.example")]),
        ("'jane@x.example' <jane@x.example>", [("jane@x.example", "jane@x.example")]),
        ('"very.(),:;<>[]\\".odd"@x.example', [("", '"very.(),:;<>[]\\".odd"@x.example')]),
        ("Jane (a (nested) comment) <j@x.example>", [("Jane", "j@x.example")]),
        ("j@münchen.example", [("", "j@xn--mnchen-3ya.example")]),
        ("=?utf-8?q?evil=0D=0ABcc:_x?= <a@x.example>", [("evil Bcc: x", "a@x.example")]),
        ("\u202eenaj\u200b <a@x.example>", [("enaj", "a@x.example")]),
        ('"Jane <jane@x.example>', [("Jane", "jane@x.example")]),
        ("Jane (work <jane@x.example>", [("Jane", "")]),
        ("jane@x.example <Jane>", [("", "jane@x.example")]),
        ("a@x.example: b@x.example", [("b@x.example", "a@x.example:")]),
        ("(only a comment)", [("only a comment", "")]),
        ("Jane", [("Jane", "")]),
        ("", []),
        (",,;,", []),
    ],
)
def test_addresses(raw: str, expected: list[tuple[str, str]]) -> None:
    found = [(one.name, one.address) for one in mailboxes([raw])]
    if raw == "jane @ x.example":  # obsolete blanks: an address is found or the words are a name, never an exception
        assert found
    else:
        assert found == expected


def test_no_header_has_more_addresses_than_are_read() -> None:
    many = ", ".join(f"u{n}@x.example" for n in range(600))
    assert [one.address for one in mailboxes([many, "a@x.example"])] == [f"u{n}@x.example" for n in range(500)]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Jane.Doe@Example.COM ", "jane.doe@example.com"),
        ("jane@EXAMPLE.com.", "jane@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ('"jane"@example.com', "jane@example.com"),
        ("δημήτρης@example.com", "δημήτρης@example.com"),
        ("jane@[192.0.2.1]", "jane@[192.0.2.1]"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_one_spelling_of_an_address(typed: str, stored: str) -> None:
    assert canonical(typed) == stored
    driver = CHANNEL.driver
    assert isinstance(driver, Normalises)
    assert driver.normalise(typed, None).value == stored


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "jane",
            "@x.example",
            "jane@",
            "a b@x.example",
            "jane@x..example",
            "jane@-x.example",
            "jane@x_y!.example",
        ),
        *(
            "jane@x.example\r\nBcc: b@x.example",
            "jane\n@x.example",
            "a" * 65 + "@x.example",
            "a@" + "b" * 64 + ".example",
        ),
        *("a@" + "b.example" * 40, "a" * 64 + "@" + "b.example." * 19 + "org", "δ" * 33 + "@x.example", '""@x.example'),
        *("jane@\ud800.example", "a@b@c", "<jane@x.example>"),
    ],
)
def test_no_address(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        canonical(typed)


def test_a_domain_is_shown_as_people_write_it() -> None:
    assert readable("j@xn--bcher-kva.example") == "j@bücher.example"
    assert readable("j@xn--.example") == "j@xn--.example"
    assert readable("j@x.example") == "j@x.example"


def test_ids() -> None:
    assert message_ids(["<a@x>\r\n <b@x> <a@x>"]) == ["<a@x>", "<b@x>"]
    assert message_ids(["a@x b@x"]) == ["<a@x>", "<b@x>"]
    assert message_ids(['Your message of "Mon" <c@x>']) == ["<c@x>"]
    assert message_ids(["", "<>", "< >"]) == []


def test_dates() -> None:
    assert date_of("Mon, 05 Feb 2024 10:00:00 +0100 (CET)") == datetime(2024, 2, 5, 9, tzinfo=UTC)
    assert date_of("5 Feb 2024 10:00:00") == datetime(2024, 2, 5, 10, tzinfo=UTC)
    for wrong in ("", "yesterday", "Mon, 99 Foo 99999 99:99", "Mon, 05 Feb 2024 10:00:00 +9999999", None):
        assert date_of(wrong) is None


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("schön".encode("latin-1"), "iso-8859-1", "schön"),
        ("schön – “gut”".encode("cp1252"), "iso-8859-1", "schön – “gut”"),
        ("zwei schöne Häuser".encode(), "iso-8859-1", "zwei schöne Häuser"),
        ("schön".encode("latin-1"), "utf-8", "schön"),
        ("schön".encode("latin-1"), "x-unknown", "schön"),
        ("schön".encode(), None, "schön"),
        ("日本語のメール".encode("iso-2022-jp"), None, "日本語のメール"),
        ("caf\xe9 ".encode("latin-1") + "日本語".encode("iso-2022-jp"), None, "caf\ufffd 日本語"),
        ("日本語のメール".encode("shift_jis"), "x-sjis", "日本語のメール"),
        ("中文邮件".encode("gb18030"), "gb2312", "中文邮件"),
        ("한국어".encode("cp949"), "ks_c_5601-1987", "한국어"),
        (b"+ADw-b+AD4-", "utf-7", "<b>"),
        (b"a\x00b\r\nc\rd\x1b[31m", "utf-8", "ab\nc\nd[31m"),
        (b"x", "idna", "x"),
        (b"x", "hex", "x"),
        (b"\xff\xfe\xfd", "utf-8", "ÿþý"),
        ("schöne Häuser und Türen".encode() + b"\xc3", "utf-8", "schöne Häuser und Türen\ufffd"),
        (b"\xef\xbb\xbfbom", "utf-8", "bom"),
    ],
)
def test_text_of_any_charset(data: bytes, charset: str | None, text: str) -> None:
    assert text_of(data, charset) == text


def test_a_text_in_an_undeclared_charset_is_guessed() -> None:
    russian = "Здравствуйте, я хотел бы узнать, когда будет доставлен мой заказ. Спасибо за ответ! " * 3
    assert text_of(russian.encode("cp1251"), "x-unknown") == clean(russian)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?utf-8?q?caf=C3=A9?= =?utf-8?q?s?=", "cafés"),
        ("=?utf-8?b?w6k=?= plain =?iso-8859-1?q?=E9?=", "é plain é"),
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("=?utf-8?q?half", "=?utf-8?q?half"),
        ("=?utf-8?b?w6", "=?utf-8?b?w6"),
        ("=?utf-8?b?w6k?=", "é"),
        ("=?utf-8?b?SGVsbG8hx?=", "Hello!"),
        ("=?x-none?q?a?=", "a"),
        ("=?utf-8?q?with spaces in it?=", "with spaces in it"),
        ("a\r\n\tb", "a b"),
        ("na\udcc3\udcafve", "naïve"),
    ],
)
def test_header_text(raw: str, text: str) -> None:
    assert header_text(raw) == text


def test_parameters() -> None:
    main, found = parsed('Attachment; filename*1=b; filename*0*=utf-8\'\'%C3%A9; size=5; Name="a; \\"b\\""')
    assert (main, found["filename"], found["name"], found["size"]) == ("attachment", "éb", 'a; "b"', "5")
    assert content_type("nonsense", "text/plain") == ("text/plain", {})
    assert content_type("text/html; charset")[0] == "text/html"
    assert len(parsed("a" + "".join(f"; p{n}=1" for n in range(900)))[1]) == 200


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.pdf", "a.pdf"),
        ("pho\u202egnp.exe", "phognp.exe"),
        ("a\x00\u200b.png", "a.png"),
        ("...", "attachment-3.pdf"),
        (None, "attachment-3.pdf"),
        ("=?utf-8?q?b=C3=AFld.png?=", "bïld.png"),
        ("é" * 300 + ".pdf", "é" * 98 + ".pdf"),
    ],
)
def test_file_names(raw: str | None, name: str) -> None:
    assert file_name(raw, "application/pdf", 3) == name


def test_flowed_text() -> None:
    assert unflowed("a \nb\n> c \n> d\n-- \nx", delete_space=False) == "a b\n> c d\n-- \nx"
    assert unflowed("日本 \n語", delete_space=True) == "日本語"
