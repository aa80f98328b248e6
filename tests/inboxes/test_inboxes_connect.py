"""Connecting inboxes: settings, secrets, health, rotation."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from conftest import until_somebody_waits
from frontdesk import channels
from frontdesk.channels.port import Account, Channel, Item, Outbound, Raw, Sent
from frontdesk.inboxes import actions, events, queries, rules
from frontdesk.inboxes.actions import health
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.errors import Invalid, NotFound
from frontdesk.kit.secrets import KeyProblem, Vault
from frontdesk.kit.transaction import Database, Row

CANARY = "canary-7f3e9a51"
GOOD: Mapping[str, Any] = {"host": "paper.example.org", "password": CANARY}
URL = "https://desk.example.org"

pytestmark = pytest.mark.usefixtures("paper")


async def connect(db: Database, vault: Vault, owner: Actor, **settings: Any) -> Row:
    async with db.begin(owner.workspace_id) as tx:
        return await actions.create(
            tx, vault, channel="paper", name=" Front  office ", settings={**GOOD, **settings}, by=owner
        )


async def change(db: Database, vault: Vault, owner: Actor, row: Row, **changes: Any) -> Row:
    async with db.begin(owner.workspace_id) as tx:
        return await actions.change(tx, vault, row["id"], by=owner, **changes)


async def test_an_inbox_is_connected(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner)
    shown = queries.out(row, URL)
    assert (shown.name, shown.address, shown.enabled) == ("Front office", "box@paper.example.org", True)
    assert shown.settings == {"mode": "works", "host": "paper.example.org", "number": 7, "tls": True}
    assert shown.secrets == {"password": True}
    assert shown.hook_url == f"{URL}/hooks/{row['public_key']}"
    assert shown.health.state == "waiting"
    account = queries.account(vault, URL, row)
    assert account.settings == {**shown.settings, "password": CANARY}
    assert len(account.secret) == 32
    async with db.begin(owner.workspace_id) as tx:
        found = await queries.by_public_key(tx, row["public_key"])
        assert found is not None
        assert found["id"] == row["id"]
        assert await queries.by_public_key(tx, f"{owner.workspace_id}-guess") is None
        assert [one["id"] for one in await queries.listing(tx)] == [row["id"]]


async def test_secrets_are_nowhere_in_clear(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner, certificate=f"{CANARY}-2")
    row = await change(db, vault, owner, row, settings={"password": f"{CANARY}-3"}, name="Other")
    assert CANARY not in msgspec.json.encode(queries.out(row, URL)).decode()
    async with db.begin(owner.workspace_id) as tx:
        tables = await tx.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        names = [table["relname"] for table in tables if table["relname"] != "alembic_version"]
        assert "inboxes" in names
        dump = [str(await tx.fetch(f"select * from {name}")) for name in names]
        assert tx.events == []
    assert "paper.example.org" in "".join(dump)
    assert CANARY not in "".join(dump)
    assert CANARY.encode().hex() not in "".join(dump)


async def test_a_sealed_value_copied_to_another_inbox_does_not_open(db: Database, vault: Vault, owner: Actor) -> None:
    one, two = await connect(db, vault, owner), await connect(db, vault, owner)
    async with db.begin(owner.workspace_id) as tx:
        await tx.execute("update inboxes set credentials = $2 where id = $1", two["id"], one["credentials"])
        copied = await queries.get(tx, two["id"])
    with pytest.raises(KeyProblem):
        queries.account(vault, URL, copied)
    assert queries.account(vault, URL, one).secret != queries.account(vault, URL, two).secret


async def test_a_change_keeps_what_is_not_given(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner, greeting="Hello", domains=["a.example", " b.example "])
    row = await change(db, vault, owner, row, settings={"host": "new.example.org", "greeting": None, "mode": "fails"})
    account = queries.account(vault, URL, row)
    assert account.get("password") == CANARY
    assert account.get("greeting") is None
    assert account.get("domains") == ["a.example", "b.example"]
    assert row["address"] == "box@new.example.org"
    assert row["rev"] == 2


async def test_a_secret_can_be_taken_away_or_replaced(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner, certificate="-----BEGIN\nCERT-----\n")
    row = await change(db, vault, owner, row, settings={"certificate": None, "password": " spaced "})
    assert queries.out(row, URL).secrets == {"password": True}
    assert queries.account(vault, URL, row).get("password") == " spaced "
    with pytest.raises(Invalid) as caught:
        await change(db, vault, owner, row, settings={"password": None})
    assert caught.value.fields == {"password": "Password is needed."}


async def test_a_setting_that_does_not_count_is_left_out(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner, certificate="deep")
    assert queries.account(vault, URL, row).get("depth") == 1
    row = await change(db, vault, owner, row, settings={"tls": False})
    account = queries.account(vault, URL, row)
    assert account.get("certificate") is None
    assert account.get("depth") is None
    assert queries.out(row, URL).secrets == {"password": True}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", None), ("host", ""), ("host", "a\nb"), ("host", 5), ("host", "x" * 3000), ("host", "a\x00b"),
        ("password", 5), ("password", "x" * 30_000), ("password", "a\x00"),
        ("number", "7"), ("number", True), ("number", float("nan")), ("number", 1e300), ("number", 13),
        ("tls", "true"), ("tls", 1), ("mode", "other"), ("mode", ["works"]), ("mode", {}),
        ("domains", "a.example"), ("domains", ["a", 1]), ("domains", ["a\n"]), ("domains", ["a"] * 1001),
        ("greeting", "\x07"), ("form", "text"), ("form", {"x": "y" * 70_000}), ("surprise", 1), ("_secrets", ["x"]),
    ],
)  # fmt: skip
async def test_a_setting_that_will_not_do_is_named(
    db: Database, vault: Vault, owner: Actor, field: str, value: Any
) -> None:
    with pytest.raises(Invalid) as caught:
        await connect(db, vault, owner, **{field: value})
    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize("given", [{"channel": "pigeon"}, {"name": " \n "}, {"name": "x" * 121}, {"name": "\u202e"}])
async def test_an_unknown_channel_or_a_bad_name_is_refused(
    db: Database, vault: Vault, owner: Actor, given: dict[str, str]
) -> None:
    async with db.begin(owner.workspace_id) as tx:
        with pytest.raises(Invalid):
            await actions.create(tx, vault, **{"channel": "paper", "name": "Box", **given}, settings=GOOD, by=owner)


async def test_switching_off_and_on(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner)
    off = await change(db, vault, owner, row, enabled=False, rate_per_minute=30)
    assert (off["enabled"], off["health"], off["rate_per_minute"]) == (False, "off", 30)
    async with db.begin(owner.workspace_id) as tx:
        assert not await actions.note_health(tx, row["id"], "ok")
    async with db.across() as tx:
        assert row["id"] not in [one["id"] for one in await queries.active_across(tx)]
    on = await change(db, vault, owner, row, enabled=True)
    assert (on["enabled"], on["health"], on["rate_per_minute"]) == (True, "waiting", 30)
    async with db.across() as tx:
        assert row["id"] in [one["id"] for one in await queries.active_across(tx)]
    assert (await change(db, vault, owner, row, rate_per_minute=None))["rate_per_minute"] is None


async def test_an_inbox_that_has_lived_does_not_wait_again(db: Database, vault: Vault, owner: Actor) -> None:
    """What worked goes on working until its driver finds out otherwise; what did not has to show that it does."""
    row = await connect(db, vault, owner)
    assert (await change(db, vault, owner, row, settings={}))["health"] == "waiting"
    async with db.begin(owner.workspace_id) as tx:
        await actions.note_life(tx, [row["id"]])
        await tx.execute("update inboxes set last_inbound_at = now() where id = $1", row["id"])
    assert (await change(db, vault, owner, row, settings={}))["health"] == "ok"
    assert (await change(db, vault, owner, row, enabled=False))["health"] == "off"
    assert (await change(db, vault, owner, row, enabled=True))["health"] == "ok"
    async with db.begin(owner.workspace_id) as tx:
        await actions.note_health(tx, row["id"], "attention", "The password is wrong.")
    again = await change(db, vault, owner, row, settings={})
    assert (again["health"], again["health_note"]) == ("waiting", "")


async def test_a_deleted_inbox_is_gone_with_its_credentials(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner)
    async with db.begin(owner.workspace_id) as tx:
        await actions.delete(tx, row["id"], by=owner)
        assert tx.events[-1] == events.InboxDeleted(actor_id=owner.user_id, inbox_id=row["id"])
        assert await tx.fetchval("select credentials from inboxes where id = $1", row["id"]) is None
        assert await queries.by_public_key(tx, row["public_key"]) is None
        assert await queries.listing(tx) == []
        assert (await queries.by_ids(tx, [row["id"]]))[row["id"]]["name"] == "Front office"
        for again in (
            queries.get(tx, row["id"]),
            actions.delete(tx, row["id"], by=owner),
            actions.change(tx, vault, row["id"], by=owner, name="Back"),
        ):
            with pytest.raises(NotFound):
                await again


async def test_health_is_told_only_when_it_is_news(db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(db, vault, owner)
    async with db.begin(owner.workspace_id) as tx:
        news = [
            await actions.note_health(tx, row["id"], state, note)
            for state, note in [
                ("ok", ""),
                ("ok", ""),
                ("attention", "a\x00b"),
                ("attention", "ab"),
                ("attention", "c"),
            ]
        ]
        assert news == [True, False, True, False, True]
        assert tx.events == [events.InboxChanged(inbox_id=row["id"])] * 3
        assert (await queries.get(tx, row["id"]))["health_note"] == "c"


@pytest.mark.parametrize(
    ("mode", "ok", "message"),
    [
        ("works", True, f"Signed in with {len(CANARY)} letters."),
        ("fails", False, "The password is wrong."),
        ("hangs", False, "There was no answer within 0 seconds."),
        ("breaks", False, "It did not work: ZeroDivisionError."),
    ],
)
async def test_trying_an_inbox_out_answers_whatever_happens(
    resources: Resources, owner: Actor, monkeypatch: pytest.MonkeyPatch, mode: str, ok: bool, message: str
) -> None:
    monkeypatch.setattr(health, "TEST_SECONDS", 0.05)
    row = await connect(resources.db, resources.vault, owner, mode=mode)
    tested = await actions.try_out(resources, owner.workspace_id, row["id"])
    assert (tested.ok, tested.message) == (ok, message)
    async with resources.db.begin(owner.workspace_id) as tx:
        row = await queries.get(tx, row["id"])
    assert (row["health"], row["health_note"]) == (("ok", "") if ok else ("attention", message))


async def test_an_inbox_whose_key_is_gone_says_so(resources: Resources, owner: Actor) -> None:
    row = await connect(resources.db, Vault([os.urandom(32)]), owner)
    tested = await actions.try_out(resources, owner.workspace_id, row["id"])
    assert (tested.ok, tested.message) == (False, "The key that sealed this credential is not in the key file.")


async def test_rotation_seals_every_credential_again(
    db: Database, vault: Vault, owner: Actor, other_workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.inboxes.actions.rotation.BATCH", 2)
    rows = [await connect(db, vault, owner, password=f"p{number}") for number in range(5)]
    async with db.begin(other_workspace) as tx:
        rows.append(await actions.create(tx, vault, channel="paper", name="B", settings=GOOD, by=None))
    rotated = vault.rotated()
    assert await actions.rotate(db, rotated) == 6
    assert await actions.rotate(db, rotated) == 0
    async with db.across() as tx:
        fresh = {row["id"]: row for row in await queries.active_across(tx)}
    for row in rows:
        assert rotated.is_current(fresh[row["id"]]["credentials"])
        before, after = queries.account(vault, URL, row), queries.account(rotated, URL, fresh[row["id"]])
        assert before == after


async def test_rotation_leaves_alone_what_changes_meanwhile(live_db: Database, vault: Vault, owner: Actor) -> None:
    row = await connect(live_db, vault, owner)
    rotated = vault.rotated()
    async with live_db.begin(owner.workspace_id) as tx:
        await actions.change(tx, rotated, row["id"], by=owner, settings={"password": "newer"})
        rotating = asyncio.create_task(actions.rotate(live_db, rotated))
        await until_somebody_waits(tx)
    assert await rotating == 0
    async with live_db.begin(owner.workspace_id) as tx:
        assert queries.account(rotated, URL, await queries.get(tx, row["id"])).get("password") == "newer"


async def test_another_workspaces_inbox_does_not_exist(
    db: Database, vault: Vault, owner: Actor, other_workspace: int
) -> None:
    async with db.begin(other_workspace) as tx:
        theirs = await actions.create(tx, vault, channel="paper", name="B", settings=GOOD, by=None)
    async with db.begin(owner.workspace_id) as tx:
        with pytest.raises(NotFound):
            await queries.get(tx, theirs["id"])
        assert await queries.by_public_key(tx, theirs["public_key"]) is None


def test_the_manifest_is_told_without_knowing_the_channel(paper: Channel) -> None:
    shown = msgspec.json.decode(msgspec.json.encode(queries.channel_out(paper)))
    assert shown["icon"] == "/api/v1/channels/paper/icon.svg"
    assert shown["can"]["receipts"] == ["read", "sent"]
    (certificate,) = [setting for setting in shown["settings"] if setting["name"] == "certificate"]
    assert certificate["when"] == ["tls", ["true"]]
    assert b"<svg" in queries.icon("paper")
    for name in ("pigeon", "../paper", "."):
        with pytest.raises(NotFound):
            queries.icon(name)


def test_keys_and_texts_are_made_storable() -> None:
    assert rules.dedupe_key("a\0b") == "ab"
    assert rules.dedupe_key("x" * 500) == "x" * 500
    assert rules.dedupe_key("x" * 501) == rules.dedupe_key("x" * 501) != rules.dedupe_key("x" * 502)
    assert len(rules.dedupe_key("x" * 5000)) < 100
    assert rules.storable_json({"a\0": ["\ud800", {"b": "\0c"}, 1, None]}) == {"a": ["?", {"b": "c"}, 1, None]}


async def test_an_inbox_whose_channel_is_not_installed(resources: Resources, owner: Actor) -> None:
    row = await connect(resources.db, resources.vault, owner, number=3.5, form={"a": [1]})
    async with resources.db.begin(owner.workspace_id) as tx:
        await tx.execute("update inboxes set channel = 'pigeon' where id = $1", row["id"])
    tested = await actions.try_out(resources, owner.workspace_id, row["id"])
    assert (tested.ok, tested.message) == (False, "The channel of this inbox is not installed here.")
    with pytest.raises(Invalid):
        await change(resources.db, resources.vault, owner, row, settings={"host": "x.example"})
    renamed = await change(resources.db, resources.vault, owner, row, name="Loft")
    assert queries.out(renamed, URL).settings["host"] == "paper.example.org"


class Plain:
    """The least that a driver can do."""

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        return []

    async def send(self, message: Outbound, account: Account) -> Sent:
        return Sent(external_id=message.key)


async def test_a_channel_that_does_no_more_than_it_must(resources: Resources, owner: Actor, paper: Channel) -> None:
    (host,) = [setting for setting in paper.settings if setting.name == "host"]
    plain = dataclasses.replace(paper, driver=Plain(), settings=(host,), check=None, own_address=None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(channels, "all_channels", lambda: {"paper": plain})
        async with resources.db.begin(owner.workspace_id) as tx:
            row = await actions.create(
                tx, resources.vault, channel="paper", name="B", settings={"host": "h.example"}, by=owner
            )
        tested = await actions.try_out(resources, owner.workspace_id, row["id"])
    assert (row["credentials"], row["address"]) == (None, None)
    assert queries.account(resources.vault, URL, row).settings == {"host": "h.example"}
    assert tested.ok
    assert "nothing to try out" in tested.message
