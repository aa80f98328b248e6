"""Connecting an account, changing what is known of it, and letting it go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from frontdesk import channels
from frontdesk.channels.port import Channel
from frontdesk.inboxes import queries, rules
from frontdesk.inboxes.events import InboxChanged, InboxDeleted
from frontdesk.kit import clock, ids
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound
from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Row, Tx
from frontdesk.people import actions as people


async def create(
    tx: Tx, vault: Vault, *, channel: str, name: str, settings: Mapping[str, Any], by: Actor | None
) -> Row:
    """Connect an account. Raises Invalid with a sentence for each setting that will not do."""
    if channel not in channels.all_channels():
        raise Invalid("There is no such channel.", fields={"channel": "There is no such channel."})
    manifest = channels.channel(channel)
    kept = _checked(manifest, settings, {})
    inbox_id: int = await tx.fetchval(
        """insert into inboxes (workspace_id, channel, name, address, settings, public_key, health_at)
        values ($1, $2, $3, $4, $5, $6, $7) returning id""",
        tx.workspace_id, channel, _named(name), _address(manifest, kept), _stored(kept),
        ids.tenant_key(tx.workspace_id), clock.now(),
    )  # fmt: skip
    await tx.execute(
        "update inboxes set credentials = $3 where workspace_id = $1 and id = $2",
        tx.workspace_id, inbox_id, _sealed(tx, vault, inbox_id, kept),
    )  # fmt: skip
    await _record(tx, "inbox.created", inbox_id, by, {"channel": channel, "settings": sorted(settings)})
    return await queries.get(tx, inbox_id)


async def change(
    tx: Tx,
    vault: Vault,
    inbox_id: int,
    *,
    by: Actor | None,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    enabled: bool | None = None,
    rate_per_minute: int | UnsetType | None = UNSET,
) -> Row:
    """Change what is given. Settings are merged with those that are there, secrets included; a null takes one away."""
    row = await _locked(tx, inbox_id)
    if settings is not None:
        await _change_settings(tx, vault, row, settings)
    on = row["enabled"] if enabled is None else enabled
    switched = on != row["enabled"]
    again = on and (switched or settings is not None)  # what was wrong may be right now
    lived = row["last_inbound_at"] or row["last_outbound_at"]
    works = row["health"] == "ok" or (switched and lived)  # until the driver finds out otherwise
    health = "off" if not on else row["health"] if not again else "ok" if works else "waiting"
    await tx.execute(
        """update inboxes set name = coalesce($3, name), enabled = $4, rate_per_minute = $5, rev = rev + 1,
          health = $6, health_note = $7, health_at = case when $8 then $9 else health_at end
        where workspace_id = $1 and id = $2""",
        tx.workspace_id, inbox_id, None if name is None else _named(name), on,
        row["rate_per_minute"] if rate_per_minute is UNSET else rate_per_minute,
        health, "" if again or not on else row["health_note"],
        again or switched, clock.now(),
    )  # fmt: skip
    given = {"name": name, "enabled": enabled, "settings": sorted(settings) if settings is not None else None}
    detail: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if rate_per_minute is not UNSET:
        detail["rate_per_minute"] = rate_per_minute
    await _record(tx, "inbox.changed", inbox_id, by, detail)
    return await queries.get(tx, inbox_id)


async def delete(tx: Tx, inbox_id: int, *, by: Actor | None) -> None:
    """Disconnect: nothing comes in or goes out any more, the credentials are gone, the messages stay."""
    await _locked(tx, inbox_id)
    await tx.execute(
        """update inboxes set deleted_at = $3, enabled = false, credentials = null, settings = settings - $4::text,
          health = 'off', health_note = '', health_at = $3, rev = rev + 1
        where workspace_id = $1 and id = $2""",
        tx.workspace_id, inbox_id, clock.now(), queries.SEALED,
    )  # fmt: skip
    who, ip = (by.user_id, by.ip) if by else (None, None)
    await people.audit(tx, "inbox.deleted", actor_id=who, subject=f"inbox:{inbox_id}", ip=ip)
    tx.emit(InboxDeleted(actor_id=who, inbox_id=inbox_id))


async def _change_settings(tx: Tx, vault: Vault, row: Row, given: Mapping[str, Any]) -> None:
    if row["channel"] not in channels.all_channels():
        raise Invalid("This inbox's channel is not installed here, so its settings cannot be checked.")
    manifest = channels.channel(row["channel"])
    kept = _checked(manifest, given, {**queries.shown_settings(row), **queries.secrets_of(vault, row)})
    await tx.execute(
        "update inboxes set address = $3, settings = $4, credentials = $5 where workspace_id = $1 and id = $2",
        tx.workspace_id, row["id"], _address(manifest, kept), _stored(kept), _sealed(tx, vault, row["id"], kept),
    )  # fmt: skip


async def _locked(tx: Tx, inbox_id: int) -> Row:
    row = await tx.fetchrow(
        "select * from inboxes where workspace_id = $1 and id = $2 and deleted_at is null for no key update",
        tx.workspace_id, inbox_id,
    )  # fmt: skip
    if row is None:
        raise NotFound("This inbox")
    return row


def _checked(manifest: Channel, given: Mapping[str, Any], kept: Mapping[str, Any]) -> rules.Checked:
    checked = rules.checked(manifest, given, kept)
    if checked.wrong:
        raise Invalid(
            "These settings will not do: " + " ".join(checked.wrong.values())[:500],
            code="bad_settings",
            fields=checked.wrong,
        )
    return checked


def _address(manifest: Channel, kept: rules.Checked) -> str | None:
    return manifest.own_address({**kept.settings, **kept.secrets}) if manifest.own_address else None


def _stored(kept: rules.Checked) -> dict[str, Any]:
    return {**kept.settings, queries.SEALED: sorted(kept.secrets)}


def _sealed(tx: Tx, vault: Vault, inbox_id: int, kept: rules.Checked) -> bytes | None:
    return vault.seal(kept.secrets, "inbox", tx.workspace_id, inbox_id) if kept.secrets else None


def _named(name: str) -> str:
    trimmed = " ".join(name.split())
    if not trimmed or len(trimmed) > 120 or not trimmed.isprintable():
        raise Invalid("An inbox needs a name of at most 120 characters.", fields={"name": "A name is needed."})
    return trimmed


async def _record(tx: Tx, action: str, inbox_id: int, by: Actor | None, detail: Mapping[str, Any]) -> None:
    """``detail`` names settings, never their values: some of them are secrets."""
    who, ip = (by.user_id, by.ip) if by else (None, None)
    await people.audit(tx, action, actor_id=who, subject=f"inbox:{inbox_id}", ip=ip, detail=detail)
    tx.emit(InboxChanged(actor_id=who, inbox_id=inbox_id))
