"""Classes 131-175: mails as programs, servers and attackers write them, through the parser and into the database."""

from __future__ import annotations

import base64

import pytest

from bad_input.cases import Cases
from bad_input.letters import REPORT, account, contact, mail, parts, quickly, written
from bad_input.site import Site
from frontdesk.channels.email import tokens

case = Cases()


@pytest.mark.parametrize("name", case)
async def test_mail(site: Site, name: str) -> None:
    await case[name](site)


# --- who ----------------------------------------------------------------------------------------------------------


@case("131-no-from")
async def _(site: Site) -> None:
    row = await site.letter(mail("Subject: nobody", sender=""))
    assert (row["text"], await contact(site, row)) == ("Hello there", "unknown@sender.invalid")


@case("132-many-from")
async def _(site: Site) -> None:
    row = await site.letter(mail("From: a132@x.example, b132@x.example", "From: c132@x.example"))
    assert await contact(site, row) == "a132@x.example"


@case("133-group-syntax")
async def _(site: Site) -> None:
    row = await site.letter(mail("From: team: a133@x.example, b@x.example;", "To: undisclosed-recipients:;"))
    assert await contact(site, row) == "a133@x.example"


@case("134-obsolete-local-parts")
async def _(site: Site) -> None:
    for sender in (
        "a..b134@x.example",
        ".a134@x.example",
        '"a b"@x.example',
        "a . b @ x . example",
        "<@r,@s:c134@x.example>",
    ):
        row = await site.letter(mail(f"From: {sender}"))
        assert row["text"] == "Hello there"


@case("135-three-thousand-comments")
async def _(site: Site) -> None:
    row = await quickly(site, mail("From: " + "(" * 3000 + ")" * 3000 + " c135@x.example"))
    assert row["text"] == "Hello there"


@case("136-twenty-thousand-recipients")
async def _(site: Site) -> None:
    row = await quickly(site, mail("To: " + ",\r\n ".join(f"u{n}@x.example" for n in range(20_000))))
    assert len(row["meta"]["to"]) <= 500


# --- which --------------------------------------------------------------------------------------------------------


@case("137-no-message-id")
async def _(site: Site) -> None:
    row = await site.letter(b"From: a137@x.example\r\n\r\nno id")
    assert row["external_id"].startswith("hash:")


@case("138-one-message-id-two-mails")
async def _(site: Site) -> None:
    first = await site.letter(mail("Message-ID: <138@x.example>", body="the first"))
    second = await site.letter(mail("Message-ID: <138@x.example>", body="the second"))
    assert first["external_id"] != second["external_id"]
    assert (first["text"], second["text"]) == ("the first", "the second")


@case("139-a-message-id-of-ours-forged")
async def _(site: Site) -> None:
    ours = tokens.message_id(await account(site), "k139", "support.example")
    row = await site.letter(mail(f"Message-ID: {ours}", sender="evil139@x.example"))
    assert (row["direction"], row["external_id"] != ours) == ("in", True)


@case("140-an-answer-to-what-somebody-else-was-told")
async def _(site: Site) -> None:
    first = await site.letter(mail("Message-ID: <140@x.example>", sender="alice140@x.example"))
    forged = await site.letter(mail("In-Reply-To: <140@x.example>", sender="mallory140@x.example"))
    assert forged["conversation_id"] != first["conversation_id"]


@case("141-five-thousand-references")
async def _(site: Site) -> None:
    row = await quickly(site, mail("References: " + " ".join(f"<{n}@r.example>" for n in range(5000))))
    assert len(row["meta"]["references"]) <= 200


# --- what it says -------------------------------------------------------------------------------------------------


@case("142-broken-encoded-words")
async def _(site: Site) -> None:
    for word in (
        "=?utf-8?b?////?=",
        "=?utf-8?q?=C3?= =?utf-8?q?=A4?=",
        "=?utf-8?",
        "=?x?y?z?=",
        "=?utf-8?q?=?=",
        "=?==?=",
    ):
        row = await site.letter(mail(f"Subject: {word} 142"))
        assert "142" in row["subject"]


@case("143-five-thousand-encoded-words")
async def _(site: Site) -> None:
    row = await quickly(site, mail("Subject: " + " ".join(["=?utf-8?q?a?="] * 5000)))
    assert row["subject"].startswith("aaa")


@case("144-an-unknown-charset")
async def _(site: Site) -> None:
    for charset in ("x-nonsense", "idna", "undefined", "rot13", "zlib", "../utf-8", "utf-8\x00", "a" * 500, ""):
        row = await site.letter(mail(f"Content-Type: text/plain; charset={charset}", body="Grüße"))
        assert "Gr" in row["text"], charset


@case("145-a-charset-that-lies")
async def _(site: Site) -> None:
    row = await site.letter(mail("Content-Type: text/plain; charset=us-ascii", body="Grüße aus Köln"))
    assert row["text"] == "Grüße aus Köln"
    wide = mail("Content-Type: text/plain; charset=utf-16", body="plain ascii all the same")
    assert (await site.letter(wide))["text"]


@case("146-japanese-escapes-left-open")
async def _(site: Site) -> None:
    data = mail("Content-Type: text/plain; charset=iso-2022-jp", body="a \x1b$B%F%9%H \x1b(B b \x1b$B")
    assert (await site.letter(data))["text"].startswith("a テスト")


@case("147-utf-7-brings-no-markup")
async def _(site: Site) -> None:
    data = mail("Content-Type: text/html; charset=utf-7", body="<p>x+ADw-script+AD4-alert(1)+ADw-/script+AD4-</p>")
    row = await site.letter(data)
    assert "<script" not in (row["html"] or "")


@case("148-impossible-dates")
async def _(site: Site) -> None:
    for date in ("", "yesterday", "Thu, 01 Jan 1970 00:00:00 +0000", "Fri, 01 Jan 2099 00:00:00 +0000",
                 "Mon, 99 Foo 99999 99:99:99 +9999", "Mon, 05 Feb 2024 10:00:00 +9959", "0", "9" * 400):  # fmt: skip
        row = await site.letter(mail(f"Date: {date}"))
        assert row["at"].year == 2026, date


@case("149-folding-without-end")
async def _(site: Site) -> None:
    row = await quickly(site, mail("Subject: a" + "\r\n " * 20_000 + "b"))
    assert row["text"] == "Hello there"
    assert (await site.letter(mail("Subject: x\r\n\t\r\n y")))["text"]


@case("150-bare-line-ends")
async def _(site: Site) -> None:
    """What looks like the end of one mail and the start of another inside it is text of this one."""
    smuggled = b"one\n.\nMAIL FROM:<evil@x.example>\r.\r\r\n.\r\nFrom: evil150@x.example\n\ntwo"
    data = b"From: a150@x.example\nSubject: s\rX: y\r\n\r\n" + smuggled
    row = await site.letter(data)
    assert await contact(site, row) == "a150@x.example"
    assert "two" in row["text"]


@case("151-line-breaks-in-a-subject-that-we-answer")
async def _(site: Site) -> None:
    row = await site.letter(mail("Subject: =?utf-8?q?Hi=0D=0ABcc:_evil@x.example?=", sender="a151@x.example"))
    assert "\n" not in row["subject"]
    data, read = await written(site, subject="Re: x\r\nBcc: evil@x.example\r\n\r\nbody", sender_name="Ana\r\nX: y")
    assert (read["Bcc"], read["X"]) == (None, None)
    assert b"\r\nBcc:" not in data


# --- attachments --------------------------------------------------------------------------------------------------


async def file_named(site: Site, *headers: str) -> str:
    """The name under which the file is kept."""
    head = "\r\n".join(headers)
    row = await site.letter(parts("\r\nsee", f"{head}\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8="))
    (file,) = await site.files(row["id"])
    name: str = file["name"]
    assert not {"/", "\\", "\0", "\r", "\n"} & set(name)
    assert 0 < len(name.encode()) <= 255
    return name


@case("152-a-name-in-pieces")
async def _(site: Site) -> None:
    pieces = "attachment; filename*1=\"b.txt\"; filename*0*=utf-8''%C3%A4; filename*99999999999999999999=x"
    assert await file_named(site, f"Content-Disposition: {pieces}") == "äb.txt"


@case("153-a-name-that-climbs")
async def _(site: Site) -> None:
    for name in ("../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "C:\\x.txt", "....//x.txt"):
        assert ".." not in await file_named(site, f'Content-Disposition: attachment; filename="{name}"')


@case("154-a-name-that-deceives")
async def _(site: Site) -> None:
    for name in ("a\u202egpj.exe", "a.p\u200bng", "a\x00.png"):
        coded = base64.b64encode(name.encode()).decode()
        found = await file_named(site, f'Content-Disposition: attachment; filename="=?utf-8?b?{coded}?="')
        assert not {"\u202e", "\u200b", "\0"} & set(found)
    svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
    head = 'Content-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: base64'
    row = await site.letter(parts("\r\nsee", f"{head}\r\n\r\n{svg}"))
    shown = (await site.call("GET", f"/messages/{row['id']}")).json()["files"][0]
    answer = await site.api.get(shown["url"])
    assert answer.headers["content-disposition"].startswith("attachment")


@case("155-a-name-of-a-thousand-bytes")
async def _(site: Site) -> None:
    found = await file_named(site, f'Content-Disposition: attachment; filename="{"ä" * 500}.pdf"')
    assert found.endswith(".pdf")


# --- structure ----------------------------------------------------------------------------------------------------


@case("156-boundaries-that-are-not")
async def _(site: Site) -> None:
    for data in (
        mail("Content-Type: multipart/mixed", body="no boundary at all"),
        parts("\r\none", "\r\ntwo", end=False),
        parts("\r\none", boundary="b") + b"--b\r\n\r\nafter the end\r\n",
        mail('Content-Type: multipart/mixed; boundary="bb"', body="--b\r\n\r\nprefix\r\n--bbb\r\n\r\nlonger\r\n--bb--"),
        mail('Content-Type: multipart/mixed; boundary=""', body="--\r\n\r\nempty\r\n----"),
        mail("Content-Type: multipart/mixed; boundary=b; boundary=c", body="--b\r\n\r\none\r\n--c\r\n\r\ntwo\r\n--b--"),
    ):
        row = await site.letter(data)
        assert row["text"].strip() or await site.files(row["id"])


async def shown_with_original(site: Site, data: bytes, words: str) -> None:
    """Too much to take apart: a message that says so, with the whole mail attached."""
    row = await quickly(site, data)
    assert words in row["text"]
    (file,) = await site.files(row["id"])
    assert (file["name"], file["size"]) == ("original.eml", len(data))


@case("157-fifteen-hundred-levels")
async def _(site: Site) -> None:
    inner = "".join(f"Content-Type: multipart/mixed; boundary=x{n}\r\n\r\n--x{n}\r\n" for n in range(1500))
    await shown_with_original(site, b"From: a157@x.example\r\n" + inner.encode(), "nested")


@case("158-twenty-thousand-parts")
async def _(site: Site) -> None:
    await shown_with_original(site, parts(*["\r\nx"] * 20_000), "500 parts")


@case("159-mails-in-mails-in-mails")
async def _(site: Site) -> None:
    row = await quickly(site, b"From: a159@x.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 300 + b"x")
    assert await site.files(row["id"])


@case("160-a-bounce-of-what-we-never-sent")
async def _(site: Site) -> None:
    """Shown, since nobody knows what it is about; and nobody's address becomes bad by it."""
    row = await site.letter(parts(*REPORT, kind="report; report-type=delivery-status"))
    assert row["automatic"]
    assert not await site.value("select count(*) from contact_points where bad_since is not null")


async def answered_by_nobody(site: Site, *headers: str, sender: str) -> None:
    """An automatic mail: nothing is sent back, and the conversation waits for nobody."""
    before = await site.value("select count(*) from outbox")
    row = await site.letter(mail(*headers, sender=sender, body="STOP"))
    assert row["automatic"]
    assert await site.value("select count(*) from outbox") == before
    waiting = "select waiting_since from conversations where id = $1"
    assert await site.value(waiting, row["conversation_id"]) is None


@case("161-bounces-are-not-answered")
async def _(site: Site) -> None:
    await answered_by_nobody(site, "Return-Path: <>", sender="mailer-daemon@x.example")


@case("162-absence-notes-are-not-answered")
async def _(site: Site) -> None:
    await answered_by_nobody(site, "Auto-Submitted: auto-replied", sender="away162@x.example")
    await answered_by_nobody(site, "X-Auto-Response-Suppress: All", sender="oof162@x.example")
    await answered_by_nobody(site, "Precedence: bulk", sender="bulk162@x.example")


@case("163-base64-in-one-line")
async def _(site: Site) -> None:
    data = mail("Content-Transfer-Encoding: base64", body="QUJD" * 250_000)
    assert len((await quickly(site, data))["text"]) == 750_000


@case("164-encodings-that-are-broken")
async def _(site: Site) -> None:
    for encoding, body in (("base64", "SGVs*bG8"), ("base64", "SGVsbG8=="), ("base64", "S"),
                           ("quoted-printable", "Hello=ZZ="),
                           ("x-uuencode", "begin 644 x\n#zzz"), ("nonsense", "Hello"), ("", "Hello")):  # fmt: skip
        row = await site.letter(mail(f"Content-Transfer-Encoding: {encoding}", body=body))
        assert row["direction"] == "in"


async def kept_whole(site: Site, kind: str, body: str) -> None:
    """A part that is not ours to read is a file to download."""
    row = await site.letter(parts("\r\nsee attached", f"Content-Type: {kind}\r\n\r\n{body}"))
    assert row["text"].strip().startswith("see attached")
    assert [file["content_type"].split(";")[0] for file in await site.files(row["id"])] == [kind.split(";")[0]]


@case("165-tnef")
async def _(site: Site) -> None:
    await kept_whole(site, "application/ms-tnef; name=winmail.dat", "x\x9f>\x22")


@case("166-encrypted-and-signed")
async def _(site: Site) -> None:
    await kept_whole(site, "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "MIAGCSqGSIb3DQEHA6CA")
    await kept_whole(site, "application/pgp-encrypted", "Version: 1")


@case("167-an-invitation")
async def _(site: Site) -> None:
    await kept_whole(site, "text/calendar; method=REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR")


@case("168-a-multipart-of-nothing")
async def _(site: Site) -> None:
    for data in (parts(), mail("Content-Type: multipart/mixed; boundary=b", body=""), parts(kind="alternative")):
        assert (await site.letter(data))["direction"] == "in"


@case("169-a-charset-only-in-the-html")
async def _(site: Site) -> None:
    html = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-7"><p>\udce1\udce2</p>'
    assert "αβ" in (await site.letter(mail("Content-Type: text/html", body=html)))["text"]


# --- who may know, who may join -----------------------------------------------------------------------------------


@case("170-blind-copies-stay-blind")
async def _(site: Site) -> None:
    data, read = await written(site, cc=("b@x.example",), bcc=("secret@x.example",))
    assert (b"secret" in data, read["Bcc"]) == (False, None)


@case("171-a-mailing-list")
async def _(site: Site) -> None:
    headers = ("List-Id: <news.x.example>", "List-Unsubscribe: <mailto:x@x.example>", "Reply-To: list@x.example")
    row = await site.letter(mail(*headers, sender="a171@x.example"))
    assert (row["automatic"], row["meta"]["list_id"]) == (True, "<news.x.example>")
    assert await contact(site, row) == "a171@x.example"


@case("172-somebody-writes-as-us")
async def _(site: Site) -> None:
    """A mail from our own address with a failed check is inbound, and proves nobody's address."""
    headers = ("From: desk@support.example", "Authentication-Results: mx.support.example; dmarc=fail")
    row = await site.letter(mail(*headers))
    assert row["direction"] == "in"
    assert row["author_id"] is None
    assert not await site.value("select verified from contact_points where id = $1", row["point_id"])


@case("173-a-display-name-that-poses-as-us")
async def _(site: Site) -> None:
    row = await site.letter(mail('From: "Ana (Harbour Dental) <desk@support.example>" <evil173@x.example>'))
    assert await contact(site, row) == "evil173@x.example"
    assert row["author_id"] is None


@case("174-a-reply-token-of-somebody-elses-thread")
async def _(site: Site) -> None:
    first = await site.letter(mail(sender="alice174@x.example"))
    token = tokens.make_token(await account(site), first["conversation_id"])
    to = f"To: desk+{token}@support.example"
    stolen = await site.letter(mail(to, sender="mallory174@x.example", body="let me in"))
    own = await site.letter(mail(to, sender="alice174@x.example", body="me again"))
    assert stolen["conversation_id"] != first["conversation_id"] == own["conversation_id"]
