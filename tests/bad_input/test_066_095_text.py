"""Classes 66-95: what a message says, in both directions, and what it costs as a text."""

from __future__ import annotations

import json
import time

import pytest
import structlog

from bad_input.cases import Cases
from bad_input.site import Site, refused
from conftest import add_user
from frontdesk.channels.email.html import from_text
from frontdesk.channels.sms.segments import measure, split
from frontdesk.conversations import rules
from frontdesk.kit.addresses import Blocked, read_url

case = Cases()


@pytest.mark.parametrize("name", case)
async def test_text(site: Site, name: str) -> None:
    await case[name](site)


async def both_ways(site: Site, text: str) -> None:
    """Heard, written and commented as it is, and shown by the API as it was written."""
    row = await site.hear(text)
    assert row["text"] == text
    conversation = row["conversation_id"]
    for answer in (
        await site.write(conversation, text),
        await site.call("POST", f"/conversations/{conversation}/comments", {"text": text}),
    ):
        assert answer.status_code == 201, answer.text
        assert answer.json()["text"] == text
    shown = (await site.call("GET", f"/conversations/{conversation}/messages")).json()["items"]
    assert [one["text"] for one in shown if not one.get("activity")].count(text) == 3


async def quickly(site: Site, text: str, seconds: float = 5.0) -> None:
    """Comments are as long as people write them: none keeps the process busy."""
    conversation = await site.talk()
    began = time.process_time()
    answer = await site.call("POST", f"/conversations/{conversation}/comments", {"text": text})
    assert answer.status_code in (201, 400), answer.text[:200]
    from_text(text)
    rules.preview(text)
    rules.keyword(text)
    assert time.process_time() - began < seconds


@case("066-empty")
async def _(site: Site) -> None:
    conversation = await site.talk()
    for text in ("", "   ", "\n\n"):
        refused(await site.write(conversation, text))
        refused(await site.call("POST", f"/conversations/{conversation}/comments", {"text": text}))
    assert (await site.hear(""))["text"] == ""


@case("067-a-megabyte")
async def _(site: Site) -> None:
    conversation = await site.talk()
    refused(await site.write(conversation, "x" * 1_000_001), "invalid")
    refused(await site.write(conversation, "x" * 1_000_000), "too_long")
    assert len((await site.hear("x" * 1_000_000))["text"]) == 1_000_000


@case("068-only-combining-marks")
async def _(site: Site) -> None:
    await both_ways(site, "\u0301\u0302\u0303")


@case("069-an-open-isolate")
async def _(site: Site) -> None:
    await both_ways(site, "see \u2067 here \u202e there")


@case("070-invisible-tag-characters")
async def _(site: Site) -> None:
    await both_ways(site, "hello" + "".join(chr(0xE0000 + ord(c)) for c in "hidden"))


@case("071-half-a-pair")
async def _(site: Site) -> None:
    conversation = await site.talk()
    body = b'{"text": "a\\ud83d"}'
    answer = await site.api.post(
        f"/api/v1/conversations/{conversation}/comments", content=body, headers={"content-type": "application/json"}
    )
    refused(answer, "invalid")
    assert "\ufffd" in (await site.hear("a\udc80b"))["text"]


@case("072-nul")
async def _(site: Site) -> None:
    assert (await site.hear("a\0b\0"))["text"] == "ab"
    conversation = await site.talk()
    answer = await site.call("POST", f"/conversations/{conversation}/comments", {"text": "a\0b"})
    assert answer.status_code == 201
    assert answer.json()["text"] == "ab"


@case("073-terminal-sequences-stay-out-of-the-log")
async def _(site: Site) -> None:
    await both_ways(site, "\x1b[31mred\x1b]0;title\x07")
    assert "\x1b" not in _logged("\x1b[31m")


@case("074-lines-cannot-be-forged-in-the-log")
async def _(site: Site) -> None:
    assert (await site.hear('x\n{"event": "forged"}'))["text"] == 'x\n{"event": "forged"}'
    assert "\n" not in _logged('x\n{"event": "forged"}')


def _logged(value: str) -> str:
    """A line of the log with something in it that a stranger wrote, as the process writes it."""
    line: str = structlog.processors.JSONRenderer()(None, "info", {"event": "x", "said": value})
    assert json.loads(line)["said"] == value
    return line


@case("075-markup-bombs")
async def _(site: Site) -> None:
    for text in ("*" * 200_000, "[" * 100_000, "> " * 100_000, "![](" * 50_000, "_a" * 100_000):
        await quickly(site, text)


@case("076-ten-thousand-backticks")
async def _(site: Site) -> None:
    await quickly(site, "`" * 10_000 + "x" + "`" * 9_999)


@case("077-ten-thousand-mentions")
async def _(site: Site) -> None:
    conversation = await site.talk()
    answer = await site.call(
        "POST", f"/conversations/{conversation}/comments", {"text": "hello", "mentions": [site.owner.user_id] * 10_000}
    )
    assert answer.status_code in (201, 400)
    await quickly(site, "@ana " * 10_000)


@case("078-a-mention-of-somebody-else")
async def _(site: Site) -> None:
    """Neither an id that nobody has nor one of another workspace is told anything."""
    async with site.db.across() as tx:
        other = await tx.fetchval("insert into workspaces (name) values ('Hill Garage') returning id")
    stranger = await add_user(site.db, other)
    conversation = await site.talk()
    for user in (stranger.user_id, 987_654_321):
        answer = await site.call(
            "POST", f"/conversations/{conversation}/comments", {"text": "psst", "mentions": [user]}
        )
        assert answer.status_code in (201, 400, 404), answer.text
        if answer.status_code == 201:
            assert answer.json()["mentions"] == []


@case("079-javascript-is-no-link")
async def _(site: Site) -> None:
    for url in ("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "\tjavascript:x"):
        assert "<a" not in from_text(f"see {url} here")
    await both_ways(site, "javascript:alert(1)")


@case("080-an-address-with-credentials")
async def _(site: Site) -> None:
    with pytest.raises(Blocked):
        read_url("https://user:password@shop.example/")
    await both_ways(site, "https://user:password@shop.example/")


@case("081-an-address-of-64-kb")
async def _(site: Site) -> None:
    await quickly(site, "https://shop.example/" + "a" * 65_536)


@case("082-links-are-found-in-linear-time")
async def _(site: Site) -> None:
    for text in (
        "http://" * 30_000,
        "www." * 50_000,
        "a@" * 50_000,
        "http://a" + ".a" * 50_000,
        "(" * 50_000 + "http://a",
    ):
        await quickly(site, text)


@case("083-a-homograph-shows-as-it-is")
async def _(site: Site) -> None:
    with pytest.raises(Blocked):
        read_url("https://аррӏе.example/")
    await both_ways(site, "https://аррӏе.example/")


@case("084-braces-are-text")
async def _(site: Site) -> None:
    await both_ways(site, "{{7*7}} {% raw %} {{contact.name}}")


@case("085-other-templates-are-text")
async def _(site: Site) -> None:
    await both_ways(site, "${7*7} <%= 7*7 %> #{7*7} $(id)")


@case("086-formats-are-text")
async def _(site: Site) -> None:
    await both_ways(site, "%s%n%x %(name)s {0} {name!r} \\1 \\g<0>")


@case("089-a-card-number-is-kept-out-of-the-log")
async def _(site: Site) -> None:
    """Kept as it was written (nothing is taken away behind somebody's back), and never a part of a log line."""
    with structlog.testing.capture_logs() as lines:
        await both_ways(site, "4111 1111 1111 1111")
    assert "4111" not in json.dumps(lines, default=str)


@case("090-a-social-security-number-is-kept-out-of-the-log")
async def _(site: Site) -> None:
    with structlog.testing.capture_logs() as lines:
        await both_ways(site, "078-05-1120")
    assert "078-05" not in json.dumps(lines, default=str)


@case("091-where-a-text-needs-one-part-more")
async def _(site: Site) -> None:
    for text, parts in (("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("ж" * 70, 1), ("ж" * 71, 2)):
        assert measure(text).parts == parts == len(split(text))
        answer = await site.write(await site.talk(), text)
        assert answer.status_code == 201, answer.text


@case("092-characters-that-count-twice")
async def _(site: Site) -> None:
    assert [measure("€" * n).parts for n in (80, 81)] == [1, 2]
    assert all("".join(split(text)) == text for text in ("€" * 77, "a" * 152 + "€" * 9, "^{}\\[~]|€" * 40))


@case("093-more-than-ten-parts")
async def _(site: Site) -> None:
    conversation = await site.talk()
    assert measure("a" * 1600).parts == 11
    assert (await site.write(conversation, "a" * 1600)).status_code == 201
    refused(await site.write(conversation, "a" * 1601), "too_long")


@case("094-stop-inside-a-sentence")
async def _(site: Site) -> None:
    for text in ("Please stop by tomorrow", "don't stop", "STOP me if you can", "the bus stop", "stop\nthe car"):
        row = await site.hear(text)
        assert not await site.value("select opted_out_at from contact_points where id = $1", row["point_id"])


@case("095-stop-in-every-spelling")
async def _(site: Site) -> None:
    for text in (
        "STOP.",
        "stop\n",
        "ＳＴＯＰ",
        "ARRET",
        "Arrêt",
        " Stop! ",
        "\u200bstop",
        "STOP ALL",
        "opt-out",
        "«stop»",
    ):
        row = await site.hear(text)
        assert await site.value("select opted_out_at from contact_points where id = $1", row["point_id"]), text
        refused(await site.write(row["conversation_id"], "anything"), "opted_out")
