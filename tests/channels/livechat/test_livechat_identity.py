"""Who a visitor is: the business's signature decides, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine

from channels.livechat.livechat_desk import IDENTITY_SECRET, SECRET, SqliteDesk, an_account
from channels.livechat.visitor import BASE, Visitor, identity
from frontdesk.channels.livechat.tokens import (
    FILE_LIFE,
    VISIT_LIFE,
    BadIdentity,
    BadToken,
    FileTicket,
    Identity,
    Visit,
    inbox_of,
    read,
    read_identity,
    sign,
)
from frontdesk.kit.clock import now

OTHER_SECRET = "another secret of forty characters!!!!!!"


async def test_a_signed_visitor_is_the_same_person_on_every_device(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    phone, laptop = Visitor(http), Visitor(http)
    token = identity(name=" Ann  Lee ", email="Ann@Example.org", phone="+30 210 123 4567")
    assert (await phone.begin(identity=token)).json()["identified"]
    await phone.say("from the phone")
    await laptop.begin()
    assert (await laptop.post("identify", {"identity": token})).status_code == 200
    assert [item["text"] for item in await laptop.thread()] == ["from the phone"]
    (written,) = desk.written()
    assert (written["kind"], written["value"]) == ("external", "user-7")
    assert written["meta"]["name"] == "Ann Lee"
    assert written["meta"]["also"] == [
        {"kind": "email", "value": "ann@example.org", "verified": True},
        {"kind": "phone", "value": "+302101234567", "verified": True},
        {"kind": "visitor", "value": written["meta"]["visitor"], "verified": False},
    ]


async def test_typing_anothers_email_shows_nothing_of_theirs(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    ann, mallory = Visitor(http), Visitor(http)
    await ann.begin(identity=identity(email="ann@example.org"))
    await ann.say("my address is …")
    await mallory.begin()
    await mallory.say("hello", email="ann@example.org")
    assert [item["text"] for item in await mallory.thread()] == ["hello"]
    assert desk.written()[1]["meta"]["also"] == [{"kind": "email", "value": "ann@example.org", "verified": False}]


async def test_who_kept_the_token_from_before_reads_nothing_after(http: httpx.AsyncClient) -> None:
    """Somebody opens the chat on a shared computer and copies its token; then another person signs in there."""
    visitor, eavesdropper = Visitor(http), Visitor(http)
    await visitor.begin()
    eavesdropper.token = visitor.token
    await visitor.post("identify", {"identity": identity()})
    await visitor.say("private")
    assert await eavesdropper.thread() == []


async def test_an_identity_ends_when_it_says_so(http: httpx.AsyncClient) -> None:
    visitor = Visitor(http)
    with time_machine.travel(now(), tick=False) as time:
        await visitor.begin(identity=identity(exp=int(now().timestamp()) + 600))
        await visitor.say("signed in")
        time.shift(601)
        refused = await visitor.http.get("/widget/v1/thread", headers=visitor.headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "identity_expired")
        again = (await visitor.begin()).json()
        assert not again["identified"]
        assert again["thread"]["items"] == []


async def test_another_person_at_the_same_browser_is_another_visitor(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    visitor = Visitor(http)
    await visitor.begin(identity=identity(sub="ann"))
    await visitor.say("I am Ann")
    await visitor.begin(identity=identity(sub="bob"))
    await visitor.say("I am Bob")
    ann, bob = desk.written()
    assert (ann["value"], bob["value"]) == ("ann", "bob")
    assert ann["meta"]["visitor"] != bob["meta"]["visitor"]


def in_seconds(seconds: float) -> float:
    return int(now().timestamp()) + seconds


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(lambda: identity(OTHER_SECRET), id="another secret"),
        pytest.param(lambda: identity(exp=None), id="no exp"),
        pytest.param(lambda: identity(exp=in_seconds(-120)), id="expired"),
        pytest.param(lambda: identity(exp=in_seconds(25 * 3600)), id="too far ahead"),
        pytest.param(lambda: identity(exp="tomorrow"), id="exp is a text"),
        pytest.param(lambda: identity(exp=True), id="exp is true"),
        pytest.param(lambda: identity(exp=1e300), id="exp is absurd"),
        pytest.param(lambda: identity(exp=float("nan")), id="exp is not a number"),
        pytest.param(lambda: identity(exp=float("inf")), id="exp is never"),
        pytest.param(lambda: identity(nbf=in_seconds(600)), id="not yet"),
        pytest.param(lambda: identity(sub=None), id="no sub"),
        pytest.param(lambda: identity(sub=""), id="empty sub"),
        pytest.param(lambda: identity(sub=7), id="sub is a number"),
        pytest.param(lambda: identity(sub="a\0b"), id="NUL in sub"),
        pytest.param(lambda: identity(sub="x" * 256), id="long sub"),
        pytest.param(lambda: identity(email=["a@example.org"]), id="email is a list"),
        pytest.param(lambda: identity(header={"alg": "HS512"}), id="another algorithm"),
        pytest.param(lambda: identity(header={"alg": "HS256", "crit": ["x"], "x": 1}), id="unknown critical header"),
        pytest.param(lambda: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyLTciLCJleHAiOjk5OTk5OTk5OTl9.", id="alg none"),
        pytest.param(lambda: identity().rpartition(".")[0] + ".", id="signature cut off"),
        pytest.param(lambda: "a.b.c", id="not a token"),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "é" * 100, id="not ASCII"),
    ],
)
async def test_what_the_business_did_not_sign_is_refused(http: httpx.AsyncClient, token: Any) -> None:
    forged = token()
    visitor = Visitor(http)
    await visitor.begin()
    answer = await visitor.post("identify", {"identity": forged})
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_invalid")
    assert await visitor.thread() == []


async def test_an_inbox_without_a_secret_believes_nobody(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(BASE, identity_secret="")
    answer = await Visitor(http).begin(identity=identity(IDENTITY_SECRET))
    assert (answer.status_code, answer.json()["code"]) == (401, "identity_invalid")


async def test_an_inbox_can_insist(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    anonymous = Visitor(http)
    await anonymous.begin()
    desk.the_account = an_account(BASE, identity_required=True)
    assert (await Visitor(http).begin()).json()["code"] == "identity_required"
    for call in (anonymous.say(), anonymous.post("typing", {"on": True}), anonymous.upload(b"x", "x.txt")):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (401, "identity_required")
    assert (await anonymous.post("identify", {"identity": identity()})).status_code == 200
    assert (await anonymous.say()).status_code == 200


async def test_signed_in_visitors_are_not_asked_who_they_are(http: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.the_account = an_account(BASE, pre_chat=[{"name": "name", "type": "name", "label": "Name", "required": True}])
    visitor = Visitor(http)
    assert (await visitor.begin(identity=identity())).json()["asked"]
    assert (await visitor.say()).status_code == 200


# --- tokens of our own ---


def a_visit(**more: Any) -> Visit:
    return Visit(visitor="v", inbox="site-1", issued=int(now().timestamp()), **more)


def test_a_token_comes_back_as_it_went() -> None:
    visit = a_visit(asked=True, identity=Identity(sub="user-7", until=1, email="ann@example.org"))
    text = sign(visit, SECRET)
    assert read(text, Visit, SECRET, at=now()) == visit
    assert inbox_of(text) == "site-1"


def test_a_token_lives_a_year_and_a_file_a_week() -> None:
    text = sign(a_visit(), SECRET)
    read(text, Visit, SECRET, at=now() + VISIT_LIFE - timedelta(hours=1))
    with pytest.raises(BadToken, match="too old"):
        read(text, Visit, SECRET, at=now() + VISIT_LIFE + timedelta(hours=1))
    ticket = FileTicket(visitor="v", hash="h", name="n", type="t", size=1, issued=int(now().timestamp()))
    with pytest.raises(BadToken, match="too old"):
        read(sign(ticket, SECRET), FileTicket, SECRET, at=now() + FILE_LIFE + timedelta(hours=1))


def test_another_inboxs_secret_signs_nothing_here() -> None:
    with pytest.raises(BadToken, match="not signed"):
        read(sign(a_visit(), b"another secret"), Visit, SECRET, at=now())


def test_an_inbox_without_a_secret_cannot_sign() -> None:
    with pytest.raises(ValueError, match="cannot sign"):
        sign(a_visit(), b"")


@pytest.mark.parametrize("text", ["", ".", "a.b", "%%%.%%%", "é.é", "x" * 9_000])
def test_what_is_no_token(text: str) -> None:
    for look in (lambda: read(text, Visit, SECRET, at=now()), lambda: inbox_of(text)):
        with pytest.raises(BadToken):
            look()


def test_a_token_has_one_spelling() -> None:
    text = sign(a_visit(), SECRET)
    for other in (text + "=", text.replace(".", "=."), text + "\n", " " + text):
        with pytest.raises(BadToken):
            read(other, Visit, SECRET, at=now())


def test_an_identity_without_end_is_none() -> None:
    with pytest.raises(BadIdentity, match="8 KB"):
        read_identity("x" * 9_000, IDENTITY_SECRET, at=now())
