"""Twilio's signatures against its own library, and the REST client against a loopback server."""

import hashlib
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels.sms.fake_twilio import NUMBER, SID, TOKEN, error, twilio_running
from channels.sms.loopback import Answer, loopback
from frontdesk.vendors.twilio import (
    FORM,
    MAX_FIELDS,
    NoAnswer,
    NotAllowed,
    NotReached,
    Refused,
    Twilio,
    form,
    is_signed,
    sign,
)

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
SHA1 = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
SHA256 = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="
SHARED = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
BODY = urlencode(FIELDS).encode()


def headers(signature, **more):
    return {"content-type": f"{FORM}; charset=UTF-8", "x-twilio-signature": signature} | more


def shared(signature, settings=SHARED):
    return headers(signature) | {"x-twilio-webhooks-signature-settings": settings}


@pytest.mark.parametrize(("algorithm", "signature"), [("HMAC_SHA1", SHA1), ("HMAC_SHA256", SHA256)])
def test_published_vectors(algorithm, signature):
    assert sign(URL, FIELDS, "12345", algorithm=algorithm) == signature
    assert sign(URL, reversed(FIELDS), "12345", algorithm=algorithm) == signature


names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
forms = st.lists(st.tuples(names, names), max_size=8)


@given(forms, st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]))
def test_agrees_with_twilios_library(pairs, algorithm):
    body = urlencode(pairs).encode()
    theirs = RequestValidator("12345")

    class Fields(dict):
        def getlist(self, name):
            return self[name]

    fields = Fields(parse_qs(body.decode(), keep_blank_values=True))
    signature = theirs.compute_signature(URL, fields, algorithm)
    assert sign(URL, form(body), "12345", algorithm=algorithm) == signature
    given_headers = headers(signature) if algorithm == "HMAC_SHA1" else shared(signature)
    assert is_signed(URL, given_headers, body, auth_token="12345", shared_key="12345")


def test_the_right_secret_for_each_algorithm():
    assert is_signed(URL, headers(SHA1), BODY, auth_token="12345", shared_key="other")
    assert is_signed(URL, shared(SHA256), BODY, auth_token="other", shared_key="12345")
    assert not is_signed(URL, shared(SHA256), BODY, auth_token="12345", shared_key="other")
    assert not is_signed(URL, headers(SHA256), BODY, auth_token="12345", shared_key="12345")


@pytest.mark.parametrize(
    "given_headers",
    [
        headers(""),
        headers(SHA1[:-1]),
        headers(SHA1.lower()),
        headers(f"{SHA1}, {SHA1}"),
        headers("ü" * 28),
        {"content-type": FORM},
        shared(SHA256, "key=k,algorithm=HMAC_SHA512"),
        {**headers(SHA1), "content-type": "text/plain"},
    ],
)
def test_refused(given_headers):
    assert not is_signed(URL, given_headers, BODY, auth_token="12345", shared_key="12345")


@pytest.mark.parametrize("token", ["", "54321"])
def test_a_missing_or_other_secret_is_refused(token):
    assert not is_signed(URL, headers(SHA1), BODY, auth_token=token)
    assert not is_signed(URL, shared(SHA256), BODY, auth_token="12345", shared_key=token)


def test_an_empty_secret_signs_nothing():
    with pytest.raises(ValueError, match="empty secret"):
        sign(URL, FIELDS, "")
    with pytest.raises(ValueError, match="unknown signature algorithm"):
        sign(URL, FIELDS, "12345", algorithm="MD5")


@pytest.mark.parametrize("change", [BODY + b"&X=1", BODY.replace(b"1234", b"1235", 1), b""])
def test_an_altered_body_is_refused(change):
    assert not is_signed(URL, headers(SHA1), change, auth_token="12345")


@pytest.mark.parametrize("url", ["https://desk.example.org/h?a=1", "http://desk.example.org/h", "https://[::1]/h"])
def test_the_default_port_may_be_written_or_not(url):
    port = 443 if url.startswith("https") else 80
    scheme, rest = url.split("://")
    host, path = rest.split("/", 1)
    written = f"{scheme}://{host}:{port}/{path}"
    for signed in (url, written):
        signature = sign(signed, FIELDS, "12345")
        for asked in (url, written):
            assert is_signed(asked, headers(signature), BODY, auth_token="12345")
    assert not is_signed(url, headers(sign(url.replace("/h", "/i"), FIELDS, "12345")), BODY, auth_token="12345")


def test_an_address_with_an_impossible_port_is_only_tried_as_it_is():
    assert not is_signed("https://desk.example.org:99999/h", headers(SHA1), BODY, auth_token="12345")


def test_a_json_body_is_covered_by_its_hash():
    body = b'{"a": 1}'
    url = f"https://desk.example.org/h?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator("12345").compute_signature(url, {})
    given_headers = {"content-type": "application/json", "x-twilio-signature": signature}
    assert is_signed(url, given_headers, body, auth_token="12345")
    assert RequestValidator("12345").validate(url, body.decode(), signature)
    assert not is_signed(url, given_headers, body + b" ", auth_token="12345")
    plain = "https://desk.example.org/h"
    unsigned = {**given_headers, "x-twilio-signature": sign(plain, [], "12345")}
    assert not is_signed(plain, unsigned, body, auth_token="12345")
    assert is_signed(plain, unsigned, b"", auth_token="12345")


def test_a_form_keeps_bytes_that_are_not_utf_8_and_has_a_limit():
    assert form(b"Body=%FF+a%00&Empty=&Bare&&") == (("Body", "\udcff a\x00"), ("Empty", ""), ("Bare", ""))
    assert len(form(b"&".join([b"a=1"] * MAX_FIELDS))) == MAX_FIELDS
    too_many = b"&".join([b"a=1"] * (MAX_FIELDS + 1))
    with pytest.raises(ValueError, match="more than"):
        form(too_many)
    assert not is_signed(URL, headers(sign(URL, [("a", "1")], "12345")), too_many, auth_token="12345")


# --- the client ---------------------------------------------------------------------------------------------------


async def test_lists_every_page():
    async with twilio_running() as (fake, origin):
        fake.page = 2
        for text in "abcde":
            fake.message(body=text)
        found = [message["body"] async for message in Twilio(SID, TOKEN, api_base=origin).messages({"PageSize": "2"})]
    assert found == list("edcba")


async def test_creates_and_reads_the_account():
    async with twilio_running() as (fake, origin):
        client = Twilio(SID, TOKEN, api_base=origin + "/")
        made = await client.create_message([("To", "+302101234567"), ("From", NUMBER), ("Body", "Γειά")])
        assert (made["body"], fake.messages[0]["sid"]) == ("Γειά", made["sid"])
        assert (await client.account())["friendly_name"] == "Harbour"


@pytest.mark.parametrize("uri", ["https://evil.example/2010-04-01/x", "//evil.example/x"])
async def test_the_next_page_stays_on_the_host(uri):
    async with loopback(lambda seen: Answer(200, f'{{"messages": [], "next_page_uri": "{uri}"}}'.encode())) as (_, at):
        with pytest.raises(Refused, match="another host"):
            _ = [message async for message in Twilio(SID, TOKEN, api_base=at).messages({})]


async def test_there_is_a_last_page(monkeypatch):
    monkeypatch.setattr("frontdesk.vendors.twilio.MAX_PAGES", 3)
    async with loopback(lambda seen: Answer(200, b'{"messages": [{}], "next_page_uri": "/again"}')) as (_, origin):
        found = [message async for message in Twilio(SID, TOKEN, api_base=origin).messages({})]
    assert len(found) == 3


async def test_an_absolute_next_page_on_the_same_host_is_followed():
    pages = []

    def answer(seen):
        pages.append(seen.target)
        following = f'"{origin}/base/next?Page=1"' if len(pages) == 1 else "null"
        return Answer(200, f'{{"messages": [], "next_page_uri": {following}}}'.encode())

    async with loopback(answer) as (_, origin):
        _ = [message async for message in Twilio(SID, TOKEN, api_base=f"{origin}/base").messages({})]
    assert pages[1] == "/base/next?Page=1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(broken=True), NoAnswer),
        (Answer(200, b"not json"), NoAnswer),
        (Answer(200, b"[]"), NoAnswer),
        (Answer(502, b"<html>"), Refused),
        (error(400, 21211), Refused),
    ],
)
async def test_errors_by_what_is_known(answer, kind):
    async with loopback(lambda seen: answer) as (_, origin):
        with pytest.raises(kind):
            await Twilio(SID, TOKEN, api_base=origin).account()


async def test_a_refusal_carries_code_and_pause():
    async with loopback(lambda seen: error(429, 20429, **{"retry-after": "7"})) as (_, origin):
        with pytest.raises(Refused) as refused:
            await Twilio(SID, TOKEN, api_base=origin).account()
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, 20429, 7.0)


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "nonsense"])
async def test_nothing_there_is_not_reached(base):
    with pytest.raises(NotReached):
        await Twilio(SID, TOKEN, api_base=base).account()


@pytest.mark.parametrize("base", ["http://[bad", "https://192.168.1.7", "http://0x7f.1"])
async def test_an_address_that_may_not_be_reached_is_not_allowed(base):
    with pytest.raises(NotAllowed, match="No connection to Twilio"):
        await Twilio(SID, TOKEN, api_base=base).account()


# --- downloads ----------------------------------------------------------------------------------------------------


async def test_a_download_leaves_the_password_behind():
    image = Answer(200, b"jpeg", {"content-type": "image/jpeg"})
    async with loopback(lambda seen: image) as (network, elsewhere):
        hop = Answer(307, b"", {"location": f"{elsewhere}/file"})
        async with loopback(lambda seen: hop) as (api, origin):
            found = await Twilio(SID, TOKEN, api_base=origin).download(f"{origin}/media", limit=100)
    assert found == (b"jpeg", "image/jpeg")
    assert "authorization" in api.seen[0].headers
    assert "authorization" not in network.seen[0].headers


async def test_a_download_has_a_limit_and_an_end():
    answers = {"/big": Answer(200, b"x" * 101), "/loop": Answer(307, b"", {"location": "/loop"}), "/gone": error(404)}
    async with loopback(lambda seen: answers[seen.target]) as (_, origin):
        client = Twilio(SID, TOKEN, api_base=origin)
        with pytest.raises(Refused, match="larger than 100"):
            await client.download(f"{origin}/big", limit=100)
        with pytest.raises(Refused, match="too often"):
            await client.download(f"{origin}/loop", limit=100)
        with pytest.raises(Refused, match="404"):
            await client.download(f"{origin}/gone", limit=100)


async def test_a_download_takes_a_minute_at_most_and_stays_on_the_web(monkeypatch):
    monkeypatch.setattr("frontdesk.vendors.twilio._DOWNLOAD_SECONDS", 0.1)
    answers = {"/slow": Answer(silent=True), "/odd": Answer(307, b"", {"location": "ftp://files.example/x"})}
    async with loopback(lambda seen: answers[seen.target]) as (_, origin):
        client = Twilio(SID, TOKEN, api_base=origin)
        with pytest.raises(NoAnswer, match="longer than a minute"):
            await client.download(f"{origin}/slow", limit=100)
        with pytest.raises(Refused, match="not public"):
            await client.download(f"{origin}/odd", limit=100)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://127.0.0.1/x",
        "http://api.twilio.com/x",
        "https://api.twilio.com.evil.example/x",
        "https://user@evil.example/x#.twilio.com",
        "https://api.twilio.com:99999/x",
        "file:///etc/passwd",
        "",
    ],
)
async def test_only_twilios_own_addresses_are_fetched(url):
    with pytest.raises(Refused, match="does not belong to Twilio"):
        await Twilio(SID, TOKEN).download(url, limit=100)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://mms.twiliocdn.com/x", True),
        ("http://mms.twiliocdn.com/x", False),
        ("https://127.0.0.1/x", False),
        ("https://169.254.169.254/x", False),
        ("https://[::1]/x", False),
        ("https://localhost/x", False),
        ("https://db.internal/x", False),
        ("file:///etc/passwd", False),
    ],
)
def test_where_a_redirect_may_lead(url, allowed):
    assert Twilio(SID, TOKEN)._may_follow(url) is allowed


def test_other_hosts_of_twilio_are_twilios():
    assert Twilio(SID, TOKEN)._is_ours("https://api.dublin.ie1.twilio.com/x")
