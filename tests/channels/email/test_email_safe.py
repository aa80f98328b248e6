"""Mails made to exhaust the machine end in a visible message, and the child that died of them is replaced."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import frontdesk
from frontdesk.channels.email import limits, mime, safe
from frontdesk.channels.email.html import sanitise

HTML = b"Content-Type: text/html\r\n\r\n"


@pytest.fixture(autouse=True)
def no_child_left() -> Iterator[None]:
    yield
    safe.close()


def nested(depth: int) -> bytes:
    levels = (b"Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (n, n) for n in range(depth))
    return b"From: a@b.example\r\nSubject: deep\r\n" + b"".join(levels)


@pytest.mark.parametrize(
    ("mail", "problem"),
    [
        (nested(1500), "nested"),
        (nested(25), "nested"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000 + b"--b--", "500 parts"),
        (b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\nx", ""),
        (b"To: " + b", ".join(b"u%d@e.example" % n for n in range(20_000)) + b"\r\n\r\nx", ""),
        (b"To: " + b"(" * 3000 + b")" * 3000 + b" a@b.example\r\n\r\nx", ""),
        (b"To: " + b'"\\' * 15_000 + b"\r\n\r\nx", ""),
        (b"To: " + b"a@b:" * 8_000 + b"\r\n\r\nx", ""),
        (b"Subject: " + b" ".join([b"=?utf-8?q?a?="] * 5000) + b"\r\n\r\nx", ""),
        (b"References: " + b" ".join(b"<%d@x>" % n for n in range(5000)) + b"\r\n\r\nx", ""),
        (b"Content-Type: text/plain" + b"".join(b"; p%d=1" % n for n in range(5000)) + b"\r\n\r\nx", ""),
        (b"Content-Type: message/rfc822\r\n\r\n" * 300 + b"x", ""),
        (HTML + b"<p " + b" ".join(b"a%d=1" % n for n in range(90_000)) + b">x</p>", ""),
        (HTML + b"<div>" * 15_000, ""),
        (HTML + b"<a " * 300_000, ""),
        (HTML + b"<!--" * 200_000, ""),
    ],
)
def test_hostile_mails_are_letters(mail: bytes, problem: str) -> None:
    found = safe.letter(mail)
    assert problem in found.problem
    assert bool(found.problem) == bool(problem)
    if problem:
        assert found.attachments[0].name == "original.eml"
        assert found.attachments[0].data == mail


def test_caps_of_headers() -> None:
    many = safe.letter(b"To: " + b", ".join(b"u%d@e.example" % n for n in range(3000)) + b"\r\n\r\nx")
    assert len(many.to) == limits.MAX_ADDRESSES
    long = safe.letter(b"References: " + b"\r\n ".join(b"<%d@x>" % n for n in range(900)) + b"\r\n\r\nx")
    assert len(long.references) == limits.MAX_REFERENCES
    assert (long.references[0], long.references[-1]) == ("<0@x>", "<899@x>")


def test_a_header_block_beyond_the_cap_is_cut_between_lines() -> None:
    block = b"".join(b"X-%d: y\r\n" % n for n in range(100_000))
    cut = limits.within_caps(b"Subject: s\r\n" + block + b"\r\nbody")
    head, _, body = cut.partition(b"\r\n\r\n")
    assert len(head) <= limits.MAX_HEADER_BLOCK
    assert (head.splitlines()[0], body) == (b"Subject: s", b"body")
    assert all(line.endswith(b": y") for line in head.splitlines()[1:])
    without_lines = limits.within_caps(b"x" * (limits.MAX_HEADER_BLOCK + 5) + b"\r\n\r\nbody")
    assert without_lines == b"x" * limits.MAX_HEADER_BLOCK + b"\r\nbody"


def test_caps_of_parts() -> None:
    """Where the child does not look, too: a mail that breaks its lines with CR alone seems to have no parts."""
    parts = b"Subject: s\rContent-Type: multipart/mixed; boundary=b\r\r" + b"--b\r\rx\r" * 501
    assert limits.is_harmless(parts)
    found = safe.letter(parts)
    assert (found.subject, found.problem) == ("s", "This mail has more than 500 parts.")
    with pytest.raises(mime.TooComplex, match="nested more than 20 deep"):
        mime.read(nested(25))


def test_the_heading_of_a_mail_that_cannot_be_read() -> None:
    endless = b"To: a@b.example\r\nSubject: " + b"\r\n ".join([b"x" * 1000] * 100) + b"\r\nFrom: a@b.example\r\n\r\n"
    found = mime.read_heading(endless)
    assert found.sender is not None
    assert (found.sender.address, [one.address for one in found.to]) == ("a@b.example", ["a@b.example"])
    assert 1000 < len(found.subject) < 2 * limits.MAX_HEADER


def test_whatever_breaks_the_parser_is_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        raise LookupError("a bug of ours")

    monkeypatch.setattr(safe, "read", broken)
    found = safe.letter(b"Subject: s\r\n\r\nx")
    assert (found.subject, found.problem) == ("s", "This mail is malformed (LookupError).")
    assert found.attachments[0].data == b"Subject: s\r\n\r\nx"


@pytest.mark.parametrize(
    "program",
    ["sleep 60", "printf '\\377\\377\\377\\377'; sleep 60", "head -c 1 >&2"],
    ids=["silent", "endless", "ends"],
)
def test_a_child_that_does_not_answer_is_replaced(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe, "CHILD_WALL_SECONDS", 0.5 if program == "sleep 60" else 60)
    child = subprocess.Popen(["/bin/sh", "-c", f"exec 2>/dev/null; {program}"], stdin=-1, stdout=-1, bufsize=0)
    safe._child._process = child
    suspicious = b"\n--x" * 200
    assert safe.letter(suspicious).problem.startswith("This mail takes more than")
    assert child.poll() is not None
    assert safe._child._process is None


def test_a_mail_beyond_50_megabytes_is_not_opened() -> None:
    found = safe.letter(b"Subject: big\r\nFrom: a@b.example\r\n\r\n" + b"x" * limits.MAX_MAIL)
    assert (found.subject, found.problem) == ("big", "This mail is larger than 50 MB.")


def test_fifty_megabytes_of_attachment_fit_the_child() -> None:
    line = b"QUJD" * 19 + b"\r\n"
    mail = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + line * 640_000 + b"--b--"
    )
    found = safe.letter(mail)
    assert (found.text, len(found.attachments[0].data)) == ("hello", 640_000 * 57)


def test_memory_ends_with_the_mail() -> None:
    """One base64 line of 50 MB needs more than the child may have; the next mail finds a new child."""
    huge = b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 12_000_000
    problem = safe.letter(huge).problem  # how it ends depends on the machine; that it ends does not
    assert problem == "" or "memory" in problem or "seconds" in problem
    assert safe.letter(b"\r\n--\r\n" * 100 + b"x").problem == ""


def test_a_child_that_ends_is_not_met_by_the_next_mail() -> None:
    """It says that it has no memory left, and takes its time to go."""
    program = (
        "import sys, time, frontdesk.channels.email.child as c\n"
        "c.answer_to = lambda data: c.Answer(problem='This mail needs too much memory.')\n"
        "c.serve(sys.stdin.buffer, sys.stdout.buffer)\n"
        "time.sleep(60)"
    )
    source = str(Path(frontdesk.__file__).parents[1])
    slow_to_go = subprocess.Popen(
        [sys.executable, "-c", program], stdin=-1, stdout=-1, env={"PYTHONPATH": source}, bufsize=0
    )
    safe._child._process = slow_to_go
    suspicious = b"\n--x" * 200
    assert "memory" in safe.letter(suspicious).problem
    assert slow_to_go.poll() is not None
    assert safe.letter(suspicious).problem == ""


def test_a_killed_child_is_replaced() -> None:
    suspicious = b"Subject: s\r\n\r\n" + b"\n--x" * 200
    assert safe.letter(suspicious).problem == ""
    process = safe._child._process
    assert process is not None
    slow = b"Subject: slow\r\n\r\n" + b"x\r\n" * 8_000_000
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(safe.letter(slow).problem))
    thread.start()
    time.sleep(0.15)
    os.kill(process.pid, signal.SIGKILL)
    thread.join(40)
    assert found == [f"This mail takes more than {limits.CHILD_CPU_SECONDS} seconds to read."]
    assert safe.letter(suspicious).problem == ""
    assert safe._child._process is not process


def test_the_child_dies_of_its_own_cpu_limit() -> None:
    program = (
        "import sys, frontdesk.channels.email.child as c\n"
        "c.CHILD_CPU_SECONDS = 1\n"
        "def forever(data):\n    while True: pass\n"
        "c.read = forever\n"
        "c.serve(sys.stdin.buffer, sys.stdout.buffer)"
    )
    source = str(Path(frontdesk.__file__).parents[1])
    frame = struct.pack(">I", 1) + b"x"
    ended = subprocess.run(
        [sys.executable, "-c", program], input=frame, capture_output=True, timeout=30, env={"PYTHONPATH": source}
    )
    assert ended.returncode == -signal.SIGXCPU
    assert ended.stdout == b""


def test_small_mails_stay_here_and_take_little_time() -> None:
    """The bounds under which mails are read in this process hold for the worst bytes that fit them."""
    worst = [
        HTML + b"<div>" * 18_000,
        HTML + b"<table><tr><td>" * 6_000,
        HTML + b'<a ">' * 18_000,
        HTML + b"<p " + b"a " * 45_000 + b">",
        HTML + b"<i " + b"a " * 490 + b">",
        b"\r\n" + b"On 2024 12:00:\r\n" * 5_500,
        b"\r\n" + b"From: a\r\n\r\n" * 8_000,
        b"\r\n" + (b"=" * 118 + b"x\r\n") * 780,
        b"\r\n" + (b"- -- --- x" * 11 + b"\r\n") * 850,
        b"Content-Type: text/plain; charset=x\r\n\r\n" + b"\xe9\xe8 caf\xe9 " * 9_000,
    ]
    for mail in worst:
        assert limits.is_harmless(mail)
        started = time.process_time()
        mime.read(mail)
        assert time.process_time() - started < 5, "ten times what it takes: only a mistake takes so long"
    assert safe._child._process is None


def test_html_beyond_the_caps_is_text_only() -> None:
    assert sanitise("<p>x</p>" * 20_001) is None
    assert sanitise("x" * (limits.MAX_HTML + 1)) is None
    assert sanitise("<p " + " ".join(f"a{n}=1" for n in range(600)) + ">x") is None
    assert sanitise("<b>" * 501 + "x") is None
