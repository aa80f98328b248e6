"""Classes 1-40: what comes over HTTP, to the API as JSON and to the hooks as providers post it."""

from __future__ import annotations

import gzip
from urllib.parse import urlencode

import pytest

from bad_input.cases import Cases
from bad_input.posting import JSON, LABELS, alive, malformed, request, status_of, taken, turned_away
from bad_input.site import FORM, TWILIO, Site, refused
from frontdesk.kit import ids

case = Cases()


@pytest.mark.parametrize("name", case)
async def test_webhooks(site: Site, name: str) -> None:
    await case[name](site)


# --- bodies -------------------------------------------------------------------------------------------------------


@case("001-empty-body")
async def _(site: Site) -> None:
    await malformed(site, b"")


@case("001-empty-signed-delivery-is-set-aside")
async def _(site: Site) -> None:
    before = (await site.fates()).get("set_aside", 0)
    assert await taken(site, b"") == 1
    await site.ingest()
    assert (await site.fates())["set_aside"] == before + 1


@case("002-truncated-json")
async def _(site: Site) -> None:
    await malformed(site, b"{", b'{"name": "x', b'{"name":', b'{"name": "x"', b'{"name": "\\u00')


@case("003-trailing-garbage")
async def _(site: Site) -> None:
    await malformed(site, b'{"name": "x"}x', b'{"name": "x"}{}', b'{"name": "x"}\0')


@case("004-not-an-object")
async def _(site: Site) -> None:
    await malformed(site, b"[]", b'[{"name": "x"}]', b"null", b"1", b'"x"', b"true")


@case("005-duplicate-keys-the-last-counts")
async def _(site: Site) -> None:
    answer = await site.api.post(LABELS, content=b'{"name": "first", "name": "second"}', headers=JSON)
    assert answer.json()["name"] == "second"


@case("006-nan-and-infinity")
async def _(site: Site) -> None:
    await malformed(site, b'{"name": NaN}', b'{"name": Infinity}', b'{"name": "x", "colour": -Infinity}')


@case("007-1e400")
async def _(site: Site) -> None:
    await malformed(site, b'{"name": 1e400}')
    refused(await site.api.post("/api/v1/contacts/1/merge", content=b'{"into": 1e400}', headers=JSON), "invalid")


@case("008-integers-beyond-64-bits")
async def _(site: Site) -> None:
    for number in (b"9223372036854775808", b"-9223372036854775809", b"9" * 5000):
        answer = await site.api.post("/api/v1/contacts/1/merge", content=b'{"into": %b}' % number, headers=JSON)
        refused(answer, "invalid")
    refused(await site.api.get(f"/api/v1/contacts/{2**64}"))


@case("009-ten-thousand-deep")
async def _(site: Site) -> None:
    await malformed(site, b"[" * 10_000, b'{"name":' * 10_000, b"[" * 10_000 + b"]" * 10_000)


@case("010-a-million-keys")
async def _(site: Site) -> None:
    body = b"{" + b",".join(b'"%d":1' % n for n in range(1_000_000)) + b"}"
    await malformed(site, body)
    refused(await site.post_hook(b"&".join([b"a=1"] * 1001), signed=False))


@case("011-a-hundred-megabytes")
async def _(site: Site) -> None:
    head = request(LABELS, "Content-Type: application/json", f"Content-Length: {100 << 20}",
                   f"Authorization: {site.api.headers['authorization']}")  # fmt: skip
    assert status_of(await site.wire(head + b'{"name": "')) == 413
    refused(await site.post_hook(b"x" * (11 << 20), signed=False), "too_large")


@case("012-invalid-utf-8")
async def _(site: Site) -> None:
    await malformed(site, b'{"name": "\xff"}', b'{"\xc3": 1}')


@case("012-invalid-utf-8-in-a-text-is-shown")
async def _(site: Site) -> None:
    fields = site.text("")
    assert await taken(site, urlencode(fields).encode() + b"&Body=caf%E9") == 1
    await site.ingest()
    assert (await site.message(fields["MessageSid"]))["text"] == "caf\ufffd"


@case("013-byte-order-marks-and-utf-16")
async def _(site: Site) -> None:
    await malformed(site, b"\xef\xbb\xbf{}", '{"name": "x"}'.encode("utf-16"), '{"name": "x"}'.encode("utf-32-be"))


@case("014-lone-surrogates")
async def _(site: Site) -> None:
    await malformed(site, b'{"name": "\\ud800"}', b'{"name": "\xed\xa0\x80"}')


@case("015-nul-in-string")
async def _(site: Site) -> None:
    answer = await site.call("POST", "/contacts", {"name": "Jane\0Doe"})
    assert answer.json()["name"] == "Jane Doe"
    assert (await site.hear("a\0b"))["text"] == "ab"
    assert (await site.call("GET", "/contacts?q=%00")).status_code in (200, 400)


@case("016-wrong-content-type")
async def _(site: Site) -> None:
    for kind in ("text/plain", FORM, "multipart/form-data; boundary=x", "application/x-msgpack", "application/jsonx"):
        answer = await site.api.post(LABELS, content=b'{"name": "x"}', headers={"content-type": kind})
        refused(answer, "unsupported_media_type")
    await turned_away(site, b"{}", 403, **{"content-type": "application/json", "x-twilio-signature": "x"})


@case("017-missing-content-type")
async def _(site: Site) -> None:
    refused(await site.api.post(LABELS, content=b'{"name": "x"}'), "unsupported_media_type")
    await turned_away(site, b"Body=x", 403, **{"content-type": ""})


@case("018-repeated-form-keys")
async def _(site: Site) -> None:
    fields = site.text("first")
    assert await taken(site, urlencode(fields).encode() + b"&Body=second") == 1
    await site.ingest()
    assert (await site.message(fields["MessageSid"]))["text"] == "second"


@case("019-nested-form-keys")
async def _(site: Site) -> None:
    fields = site.text("plain")
    await taken(site, urlencode({**fields, "Body[a][b]": "x", "a[b][c]": "1", "[]": "", "__proto__": "x"}).encode())
    await site.ingest()
    assert (await site.message(fields["MessageSid"]))["text"] == "plain"


@case("020-multipart-without-boundary")
async def _(site: Site) -> None:
    await turned_away(site, b"--x\r\n\r\nx\r\n--x--", 403, **{"content-type": "multipart/form-data"})


@case("021-gzip-bomb")
async def _(site: Site) -> None:
    """Nothing is unpacked that nobody promised to unpack: compressed bytes are bytes."""
    bomb = gzip.compress(b"0" * (50 << 20))
    answer = await site.api.post(LABELS, content=bomb, headers={**JSON, "content-encoding": "gzip"})
    refused(answer, "invalid")
    await turned_away(site, bomb, 403, **{"content-encoding": "gzip", "x-twilio-signature": "x"})


# --- the protocol -------------------------------------------------------------------------------------------------


@case("022-wrong-content-length")
async def _(site: Site) -> None:
    path, before = site.hooks[site.sms], await site.fates()
    short = await site.wire(request(path, "Content-Length: 100", body=b"Body=x"), seconds=1, close=True)
    assert status_of(short) in (0, 400)  # the sender left in the middle
    for length in ("-1", "x", "1e3", "0x10", "+5", "5, 6", "99999999999999999999999"):
        assert status_of(await site.wire(request(path, f"Content-Length: {length}", body=b"Body=x"), seconds=2)) in (
            400, 413, 0,
        ), length  # fmt: skip
    twice = request(path, "Content-Length: 6", "Content-Length: 7", body=b"Body=x")
    assert status_of(await site.wire(twice, seconds=2)) == 400
    assert await site.fates() == before
    await alive(site)


@case("023-content-length-and-chunked")
async def _(site: Site) -> None:
    """One request is answered, whatever the two lengths say: what a proxy saw as its body is never a second one."""
    smuggled = request("/livez", method="GET")
    body = b"0\r\n\r\n" + smuggled
    length = f"Content-Length: {len(body)}"
    for more in (
        (length, "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", length),
        (length, "Transfer-Encoding: chunked, identity"),
        (length, "Transfer-Encoding: xchunked"),
        (length, "Transfer-Encoding : chunked"),
        (length, "Transfer-Encoding:\x0bchunked"),
    ):
        answer = await site.wire(request("/api/v1/labels", *more, body=body), seconds=2)
        assert b'"alive"' not in answer, more
        assert answer.count(b"HTTP/1.1 200") == 0, (more, answer)


@case("023-bad-chunks")
async def _(site: Site) -> None:
    for body in (b"x\r\n", b"-1\r\n", b"ffffffffffffffffff\r\nx", b"5\r\nabc", b"5;" + b"x" * 70_000, b"1\nx\n0\n\n"):
        answer = await site.wire(
            request(site.hooks[site.sms], "Transfer-Encoding: chunked", body=body), seconds=1, close=True
        )
        assert status_of(answer) < 500 or status_of(answer) == 503, body
    await alive(site)


@case("023-bare-line-ends-in-headers")
async def _(site: Site) -> None:
    for head in (b"GET /livez HTTP/1.1\nHost: x\n\n", b"GET /livez HTTP/1.1\r\nHost: x\r\rX: y\r\n\r\n",
                 b"GET /livez\r\n\r\n", b"GET  /livez HTTP/1.1\r\n\r\n", b"\0\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n",
                 b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n"):  # fmt: skip
        assert status_of(await site.wire(head, seconds=1)) < 500, head
    await alive(site)


@case("024-a-header-of-64-kb")
async def _(site: Site) -> None:
    answer = await site.wire(request("/livez", "X: " + "x" * 65_536, method="GET"))
    assert status_of(answer) in (200, 400, 431)
    key = await site.call("POST", "/labels", {"name": "k"}, headers={"Idempotency-Key": "k" * 60_000})
    refused(key, "bad_idempotency_key")


@case("025-ten-thousand-headers")
async def _(site: Site) -> None:
    many = [f"X-{n}: y" for n in range(10_000)]
    assert status_of(await site.wire(request("/livez", *many, method="GET"))) in (200, 400, 431)
    await alive(site)


# --- signatures ---------------------------------------------------------------------------------------------------


@case("026-two-signature-headers")
async def _(site: Site) -> None:
    body, before = urlencode(site.text("x")).encode(), await site.fates()
    good = site.signature(body)
    for pair in ((good, good), (good, "x"), ("x", good)):
        lines = (f"X-Twilio-Signature: {one}" for one in pair)
        head = request(site.hooks[site.sms], f"Content-Type: {FORM}", f"Content-Length: {len(body)}", *lines, body=body)
        assert status_of(await site.wire(head)) == 403
    assert await site.fates() == before


@case("027-a-signature-in-other-case")
async def _(site: Site) -> None:
    body = urlencode(site.text("x")).encode()
    good = site.signature(body)
    for other in (good.upper(), good.lower(), good.swapcase(), good.rstrip("="), good + "=", good[::-1]):
        if other.strip() != good:
            await turned_away(site, body, 403, **{"x-twilio-signature": other})


@case("028-a-signature-of-wrong-length")
async def _(site: Site) -> None:
    for other in ("", "x", "=", "A" * 27 + "=", "A" * 5000, "\u00ff", "0" * 40):
        headers = {b"x-twilio-signature": other.encode("latin-1"), b"content-type": FORM.encode()}
        answer = await site.api.post(site.hooks[site.sms], content=b"Body=x", headers=headers)
        refused(answer, "bad_signature")


@case("029-an-empty-secret-signs-nothing")
async def _(site: Site) -> None:
    from frontdesk.vendors import twilio

    with pytest.raises(ValueError, match="empty secret"):
        twilio.sign("https://x.example", [], "")
    assert not twilio.is_signed("https://x.example", {"x-twilio-signature": "x"}, b"", auth_token="")


@case("030-a-replay-is-nothing-new")
async def _(site: Site) -> None:
    body = urlencode(site.text("once")).encode()
    assert [await taken(site, body) for _ in range(3)] == [1, 0, 0]


@case("031-a-time-in-the-future-does-not-count")
async def _(site: Site) -> None:
    row = await site.letter(b"From: t@x.example\r\nDate: Thu, 01 Jan 2099 00:00:00 +0000\r\n\r\nfuture")
    assert row["at"].year == 2026


@case("032-a-challenge-is-not-reflected-as-html")
async def _(site: Site) -> None:
    answer = await site.api.get(f"{site.hooks[site.sms]}?hub.challenge=%3Cscript%3E&challenge=%3Cscript%3E")
    refused(answer)
    assert b"<script>" not in answer.content
    assert answer.headers["x-content-type-options"] == "nosniff"


@case("033-get-instead-of-post")
async def _(site: Site) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
        answer = await site.api.request(method, site.hooks[site.sms])
        assert answer.status_code in (403, 404, 405), (method, answer.status_code)


# --- addresses ----------------------------------------------------------------------------------------------------


@case("034-path-traversal-in-the-key")
async def _(site: Site) -> None:
    for key in (
        "..",
        "../..",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/",
        "1-a/../../x",
        "1-a%00",
        "1-a%0d%0aX:y",
        "\\..\\",
        "~",
    ):
        answer = await site.wire(request(f"/hooks/{key}", "Content-Length: 0", f"Content-Type: {FORM}"), seconds=2)
        assert status_of(answer) in (400, 404), key


@case("035-an-unknown-inbox")
async def _(site: Site) -> None:
    for key in (
        ids.tenant_key(site.workspace),
        ids.tenant_key(987_654),
        "0-a",
        "-1-a",
        "9" * 40 + "-a",
        "x" * 5000,
        "é",
    ):
        refused(await site.api.post(f"/hooks/{key}", content=b"{}"), "unknown_inbox", "not_found")


@case("036-a-disabled-inbox")
async def _(site: Site) -> None:
    made = await site.call("POST", "/inboxes", {"channel": "sms", "name": "Off", "settings": TWILIO})
    path = made.json()["hook_url"].removeprefix(site.resources.settings.url)
    await site.call("PATCH", f"/inboxes/{made.json()['id']}", {"enabled": False})
    refused(await site.api.post(path, content=b"Body=x"), "unknown_inbox")
    assert (await site.call("DELETE", f"/inboxes/{made.json()['id']}")).status_code == 204
    refused(await site.api.post(path, content=b"Body=x"), "unknown_inbox")


@case("037-one-bad-delivery-among-good-ones")
async def _(site: Site) -> None:
    good, before = [site.text(f"good {n}") for n in range(5)], (await site.fates()).get("set_aside", 0)
    for fields in good[:3]:
        await taken(site, urlencode(fields).encode())
    await taken(site, b"Body=nobody+sent+this")
    for fields in good[3:]:
        await taken(site, urlencode(fields).encode())
    await site.ingest()
    assert [(await site.message(one["MessageSid"]))["text"] for one in good] == [f"good {n}" for n in range(5)]
    assert (await site.fates())["set_aside"] == before + 1


@case("038-a-thousand-fields")
async def _(site: Site) -> None:
    fields = site.text("many")
    body = urlencode({**fields, **{f"X{n}": "y" for n in range(990)}}).encode()
    assert await taken(site, body) == 1
    await site.ingest()
    assert (await site.message(fields["MessageSid"]))["text"] == "many"


@case("039-the-same-id-twice-at-once")
async def _(site: Site) -> None:
    first = site.text("first")
    second = {**first, "Body": "second", "ApiVersion": "2010"}
    await taken(site, urlencode(first).encode())
    await taken(site, urlencode(second).encode())
    await site.ingest()
    assert (await site.message(first["MessageSid"]))["text"] == "first"


@case("040-an-event-for-another-number")
async def _(site: Site) -> None:
    """The signature names the inbox, not the fields: what is signed for us is shown to us, with where it was sent."""
    fields = site.text("lost", To="+19995550100", AccountSid="ACother")
    await taken(site, urlencode(fields).encode())
    await site.ingest()
    row = await site.message(fields["MessageSid"])
    assert (row["inbox_id"], row["meta"]["to"]) == (site.sms, "+19995550100")
    other = site.signature(b"Body=x", inbox=site.mail)
    await turned_away(site, b"Body=x", 403, **{"x-twilio-signature": other})
