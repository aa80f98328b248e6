"""Classes 41-65: who somebody is. Numbers and addresses that are odd, names that lie, contacts that are merged."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bad_input.cases import Cases
from bad_input.site import Site, refused

case = Cases()


@pytest.mark.parametrize("name", case)
async def test_contacts(site: Site, name: str) -> None:
    await case[name](site)


async def create(site: Site, name: str = "Jane", *points: tuple[str, str]) -> httpx.Response:
    typed = [{"kind": kind, "value": value} for kind, value in points]
    return await site.call("POST", "/contacts", {"name": name, "points": typed})


async def named(site: Site, name: str) -> str:
    """The name under which somebody is kept."""
    answer = await create(site, name)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["name"])


async def typed(site: Site, value: str, kind: str = "phone") -> str:
    """The one spelling of an address that somebody typed."""
    answer = await create(site, "Jane", (kind, value))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["points"][0]["value"])


async def sender(site: Site, number: str) -> tuple[str, str]:
    """(kind, value) of the address under which a text from this number is kept."""
    row = await site.hear("hello", number)
    point = (await site.fetch("select kind, value from contact_points where id = $1", row["point_id"]))[0]
    return point["kind"], point["value"]


# --- numbers ------------------------------------------------------------------------------------------------------


@case("041-a-number-without-plus")
async def _(site: Site) -> None:
    assert await sender(site, "302101234501") == ("phone", "+302101234501")
    assert await sender(site, "2101234501") == ("phone", "+302101234501")


@case("042-a-short-code")
async def _(site: Site) -> None:
    assert await sender(site, "12345") == ("phone", "12345")
    assert await typed(site, "54321") == "54321"


@case("043-a-name-as-sender")
async def _(site: Site) -> None:
    assert await sender(site, "ACME Bank") == ("phone", "ACME Bank")


@case("044-more-than-fifteen-digits")
async def _(site: Site) -> None:
    kind, value = await sender(site, "+" + "9" * 40)
    assert (kind, len(value) <= 64) == ("phone", True)
    refused(await create(site, "Jane", ("phone", "+30" + "1" * 20)), "bad_address")


@case("045-full-width-digits")
async def _(site: Site) -> None:
    assert await typed(site, "＋３０２１０１２３４５０５") == "+302101234505"
    assert await typed(site, "٠٠٣٠٢١٠١٢٣٤٥١٥") == "+302101234515"


@case("046-letters-and-extensions")
async def _(site: Site) -> None:
    for value in ("+30 210 123 4506 ext. 12", "1-800-FLOWERS", "+30 210 1234506;ext=7", "tel:+302101234506;x=y"):
        refused(await create(site, "Jane", ("phone", value)), "bad_address")


@case("047-the-national-form-is-the-inboxes-country")
async def _(site: Site) -> None:
    assert await typed(site, "210 123 4507") == "+302101234507"
    assert await typed(site, "0030 210 123 4517") == "+302101234517"


@case("048-a-number-of-somebody-else-now")
async def _(site: Site) -> None:
    """The point moves to whom it is given; what was said before stays where it was said."""
    first = await create(site, "Old owner", ("phone", "+302101234508"))
    point = first.json()["points"][0]["id"]
    assert (await site.call("DELETE", f"/contacts/{first.json()['id']}/points/{point}")).status_code == 204
    second = await create(site, "New owner", ("phone", "+302101234508"))
    assert second.status_code == 201
    row = await site.hear("it is me", "+302101234508")
    owner = await site.value("select contact_id from conversations where id = $1", row["conversation_id"])
    assert owner == second.json()["id"]


# --- mail addresses -----------------------------------------------------------------------------------------------


@case("049-a-quoted-local-part")
async def _(site: Site) -> None:
    row = await site.letter(b'From: "jane doe"@x.example\r\nMessage-ID: <49@x.example>\r\n\r\nhello')
    point = (await site.fetch("select value from contact_points where id = $1", row["point_id"]))[0]
    assert point["value"].endswith("@x.example")
    assert (await create(site, "Jane", ("email", '"a b"@x.example'))).status_code in (201, 400)


@case("050-a-homograph-is-another-address")
async def _(site: Site) -> None:
    assert await typed(site, "a@münchen.example", "email") == "a@xn--mnchen-3ya.example"
    cyrillic = await typed(site, "a@аррӏе.example", "email")
    assert cyrillic.startswith("a@xn--")
    assert await typed(site, "a@apple.example", "email") != cyrillic


@case("051-plus-tags-and-dots-are-kept")
async def _(site: Site) -> None:
    values = [await typed(site, one, "email") for one in ("j.d+x@z.example", "jd@z.example", "j.d@z.example")]
    assert values == ["j.d+x@z.example", "jd@z.example", "j.d@z.example"]


@case("052-too-long-an-address")
async def _(site: Site) -> None:
    for value in ("a" * 65 + "@x.example", "a@" + "b" * 64 + ".example", "a@" + "b.c" * 100 + ".example"):
        refused(await create(site, "Jane", ("email", value)), "bad_address")
    refused(await create(site, "Jane", ("email", "a" * 5000 + "@x.example")), "invalid")


@case("053-the-same-address-in-other-letters")
async def _(site: Site) -> None:
    assert (await create(site, "Jane", ("email", "Mixed@Case.Example"))).status_code == 201
    refused(await create(site, "Jane", ("email", "mIXED@cASE.eXAMPLE")))


@case("054-line-breaks-in-an-address")
async def _(site: Site) -> None:
    for value in ("a@x.example\r\nBcc: b@x.example", "a\n@x.example", "a@x.example\0", "a@x\r.example"):
        refused(await create(site, "Jane", ("email", value)), "bad_address", "invalid")


# --- names --------------------------------------------------------------------------------------------------------


@case("055-a-name-with-html")
async def _(site: Site) -> None:
    """Kept as it is: it is text, and every screen shows it as text."""
    assert await named(site, "<script>alert(1)</script>") == "<script>alert(1)</script>"


@case("056-a-name-of-a-megabyte")
async def _(site: Site) -> None:
    refused(await create(site, "x" * 1_000_000), "invalid")
    mail = b"From: " + b"x" * 1_000_000 + b" <long@x.example>\r\nMessage-ID: <56@x.example>\r\n\r\nhello"
    row = await site.letter(mail)
    assert len(row["author_name"]) <= 200


@case("057-a-name-that-turns-the-direction")
async def _(site: Site) -> None:
    assert await named(site, "Jane \u202egpj.exe\u202c\u2066x") == "Jane gpj.exex"


@case("058-zalgo")
async def _(site: Site) -> None:
    found = await named(site, "J" + "\u0335\u0321\u0334" * 60 + "ane")
    assert len(found) <= 200
    assert found.startswith("J")


@case("059-a-family-stays-one")
async def _(site: Site) -> None:
    assert await named(site, "Jane 👩‍👩‍👧‍👦") == "Jane 👩‍👩‍👧‍👦"


@case("060-a-name-that-nobody-sees")
async def _(site: Site) -> None:
    """Shown under the address instead, and never as nothing."""
    for number, name in enumerate(("", "   ", "\u200b\u200b", "\u2060\ufeff", "\u00a0", "\u202e")):
        answer = await create(site, name, ("phone", f"+3021012346{number:02}"))
        assert answer.status_code == 201, answer.text
        assert answer.json()["name"].startswith("+30 21")


@case("061-a-name-that-is-a-formula")
async def _(site: Site) -> None:
    """Kept as it is: nothing here writes spreadsheets yet."""
    assert await named(site, "=cmd|'/C calc'!A0") == "=cmd|'/C calc'!A0"


# --- whose it is --------------------------------------------------------------------------------------------------


@case("062-two-claim-one-address")
async def _(site: Site) -> None:
    answers = await asyncio.gather(*(create(site, f"Claims {n}", ("phone", "+302101234562")) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    count = await site.value("select count(*) from contact_points where value = '+302101234562'")
    assert count == 1


@case("063-a-merge-that-goes-round")
async def _(site: Site) -> None:
    one, other = [(await create(site, f"Round {n}")).json()["id"] for n in range(2)]
    refused(await site.call("POST", f"/contacts/{one}/merge", {"into": one}))
    assert (await site.call("POST", f"/contacts/{one}/merge", {"into": other})).status_code == 200
    refused(await site.call("POST", f"/contacts/{other}/merge", {"into": one}))
    assert (await site.call("GET", f"/contacts/{other}")).status_code == 200


@case("064-a-merge-while-somebody-writes")
async def _(site: Site) -> None:
    numbers = [site.phone() for _ in range(2)]
    rows = [await site.hear("first", number) for number in numbers]
    contacts = [
        await site.value("select contact_id from conversations where id = $1", row["conversation_id"]) for row in rows
    ]
    writing = [site.hear(f"during {n}", numbers[n % 2]) for n in range(2)]
    merging = site.call("POST", f"/contacts/{contacts[0]}/merge", {"into": contacts[1]})
    first, answer = await asyncio.gather(writing[0], merging)
    second = await writing[1]
    assert answer.status_code == 200, answer.text
    for row in (first, second):
        owner = await site.value("select contact_id from conversations where id = $1", row["conversation_id"])
        assert owner == contacts[1]
