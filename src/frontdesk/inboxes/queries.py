"""Reads of inboxes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from frontdesk import channels
from frontdesk.channels.port import Account, Channel
from frontdesk.inboxes import rules, schemas
from frontdesk.kit import paging
from frontdesk.kit.errors import NotFound
from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Row, Tx

SEALED = "_secrets"  # key of the stored settings that lists which secrets are sealed; no channel has such a setting
SHOWN = 64 * 1024  # bytes of one that somebody opened
PREVIEW = 300  # bytes of a delivery that are shown


async def get(tx: Tx, inbox_id: int) -> Row:
    """Raises NotFound, also for one that was deleted."""
    row = await tx.fetchrow(
        "select * from inboxes where workspace_id = $1 and id = $2 and deleted_at is null", tx.workspace_id, inbox_id
    )
    if row is None:
        raise NotFound("This inbox")
    return row


async def listing(tx: Tx) -> list[Row]:
    """The workspace's inboxes, oldest first, without deleted ones."""
    return await tx.fetch(
        "select * from inboxes where workspace_id = $1 and deleted_at is null order by id", tx.workspace_id
    )


async def by_ids(tx: Tx, inbox_ids: Sequence[int]) -> dict[int, Row]:
    """Inboxes by id, deleted ones included: old messages still name them."""
    rows = await tx.fetch(
        "select * from inboxes where workspace_id = $1 and id = any($2::bigint[])", tx.workspace_id, list(inbox_ids)
    )
    return {row["id"]: row for row in rows}


async def by_public_key(tx: Tx, key: str) -> Row | None:
    return await tx.fetchrow(
        "select * from inboxes where workspace_id = $1 and public_key = $2 and deleted_at is null", tx.workspace_id, key
    )


async def active_across(tx: Tx) -> list[Row]:
    """Every enabled inbox of every workspace, for the worker."""
    return await tx.fetch("select * from inboxes where enabled and deleted_at is null order by workspace_id, id")


def hook_url(base_url: str, row: Row) -> str:
    return f"{base_url}/hooks/{row['public_key']}"


def secrets_of(vault: Vault, row: Row) -> dict[str, Any]:
    """The secret settings in clear. Raises KeyProblem when the key is gone or the value is another inbox's."""
    if row["credentials"] is None:
        return {}
    return vault.open_sealed(row["credentials"], "inbox", row["workspace_id"], row["id"])


def account(vault: Vault, base_url: str, row: Row) -> Account:
    """The inbox as its driver sees it, secrets in clear. Raises KeyProblem."""
    return Account(
        workspace_id=row["workspace_id"],
        inbox_id=row["id"],
        name=row["name"],
        settings={**shown_settings(row), **secrets_of(vault, row)},
        hook_url=hook_url(base_url, row),
        checkpoint=row["checkpoint"],
        secret=vault.derive("inbox", row["workspace_id"], row["id"]),
    )


async def known_account(tx: Tx, channel: str) -> Account | None:
    """The workspace's first inbox of a channel, without secrets: enough to read an address as people write it there."""
    row = await tx.fetchrow(
        """select * from inboxes where workspace_id = $1 and channel = $2 and deleted_at is null
        order by enabled desc, id limit 1""",
        tx.workspace_id, channel,
    )  # fmt: skip
    if row is None:
        return None
    return Account(
        workspace_id=tx.workspace_id, inbox_id=row["id"], name=row["name"], settings=shown_settings(row), hook_url=""
    )


def shown_settings(row: Row) -> dict[str, Any]:
    """The settings that are no secrets."""
    return {name: value for name, value in row["settings"].items() if name != SEALED}


def out(row: Row, base_url: str) -> schemas.InboxOut:
    return schemas.InboxOut(
        id=row["id"],
        channel=row["channel"],
        name=row["name"],
        address=row["address"],
        settings=shown_settings(row),
        secrets=dict.fromkeys(row["settings"].get(SEALED, ()), True),
        enabled=row["enabled"],
        hook_url=hook_url(base_url, row),
        public_key=row["public_key"],
        rate_per_minute=row["rate_per_minute"],
        health=schemas.Health(
            state=row["health"],
            note=row["health_note"],
            last_inbound_at=row["last_inbound_at"],
            last_outbound_at=row["last_outbound_at"],
            changed_at=row["health_at"],
        ),
        created_at=row["created_at"],
        rev=row["rev"],
    )


async def set_aside_listing(tx: Tx, cursor: str | None, limit: int | None) -> paging.Page[schemas.SetAside]:
    """Deliveries that nobody could interpret, the newest first."""
    before, size = paging.decode(cursor, int), paging.bounded(limit)
    rows = await tx.fetch(
        """select id, inbox_id, received_at, attempts, error, substring(body from 1 for $4) as preview
        from raw_deliveries where workspace_id = $1 and state = 'set_aside' and ($2::bigint is null or id < $2)
        order by id desc limit $3""",
        tx.workspace_id, before[0] if before else None, size + 1, PREVIEW,
    )  # fmt: skip
    items = [schemas.SetAside(**{**row, "preview": _readable(row["preview"])}) for row in rows[:size]]
    return paging.Page(items=items, next=paging.encode(items[-1].id) if len(rows) > size else None)


GROUPS = """
select i.channel, split_part(coalesce(r.error, ''), ':', 1) as reason, count(*) as count from raw_deliveries r
join inboxes i on i.workspace_id = $1 and i.id = r.inbox_id
where r.workspace_id = $1 and r.state = 'set_aside' group by 1, 2 order by 3 desc, 1, 2 limit 200
"""


async def set_aside_groups(tx: Tx) -> list[schemas.SetAsideGroup]:
    """What is set aside, by channel and kind of error, the most frequent first."""
    return [schemas.SetAsideGroup(**row) for row in await tx.fetch(GROUPS, tx.workspace_id)]


async def set_aside_ids(tx: Tx, channel: str | None, reason: str | None, limit: int) -> list[int]:
    """The oldest deliveries that are set aside, of one channel or of one kind of error where given."""
    rows = await tx.fetch(
        """select r.id from raw_deliveries r join inboxes i on i.workspace_id = $1 and i.id = r.inbox_id
        where r.workspace_id = $1 and r.state = 'set_aside' and ($2::text is null or i.channel = $2)
          and ($3::text is null or split_part(coalesce(r.error, ''), ':', 1) = $3) order by r.id limit $4""",
        tx.workspace_id, channel, reason, limit,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def set_aside_details(tx: Tx, raw_id: int) -> schemas.SetAsideDetails:
    """One delivery as it came, without what would let its reader in somewhere. Raises NotFound."""
    row = await tx.fetchrow(
        """select id, inbox_id, received_at, attempts, error, trace, headers, octet_length(body) as size,
          substring(body from 1 for $3) as body from raw_deliveries
        where workspace_id = $1 and id = $2 and state = 'set_aside'""",
        tx.workspace_id, raw_id, SHOWN,
    )  # fmt: skip
    if row is None:
        raise NotFound("This delivery")
    text = rules.shown_text(row["body"])
    return schemas.SetAsideDetails(
        **{name: row[name] for name in ("id", "inbox_id", "received_at", "attempts", "error", "trace", "size")},
        headers=rules.shown_headers(row["headers"]),
        text=text,
        whole=text is not None and row["size"] <= SHOWN and text.encode() == row["body"],
    )


def _readable(data: bytes) -> str:
    return "".join(
        character if character.isprintable() or character == "\n" else "·"
        for character in data.decode("utf-8", "replace")
    )


def channel_out(channel: Channel) -> schemas.ChannelOut:
    """The manifest, from which every screen about the channel is made."""
    can = channel.can
    return schemas.ChannelOut(
        name=channel.name,
        title=channel.title,
        description=channel.description,
        colour=channel.colour,
        icon=f"/api/v1/channels/{channel.name}/icon.svg",
        can=schemas.Can(
            max_chars=can.max_chars,
            html=can.html,
            subject=can.subject,
            copies=can.copies,
            segments=can.segments,
            attachments=can.attachments,
            attachment_types=list(can.attachment_types),
            max_attachment_bytes=can.max_attachment_bytes,
            max_attachments=can.max_attachments,
            may_start=can.may_start,
            reply_window_seconds=int(can.reply_window.total_seconds()) if can.reply_window else None,
            needs_template_outside_window=can.needs_template_outside_window,
            receipts=sorted(can.receipts),
            typing=can.typing,
            opt_out_keywords=can.opt_out_keywords,
            address_kinds=list(can.address_kinds),
        ),
        settings=[
            schemas.SettingOut(
                name=setting.name,
                label=setting.label,
                kind=setting.kind,
                required=setting.required,
                default=setting.default,
                choices=list(setting.choices),
                help=setting.help,
                when=(setting.when[0], list(setting.when[1])) if setting.when else None,
                advanced=setting.advanced,
            )
            for setting in channel.settings
        ],
    )


def icon(name: str) -> bytes:
    """The channel's SVG. Raises NotFound for a channel that does not exist or has none."""
    known = name in channels.all_channels()
    picture = files(f"{channels.__name__}.{name}") / "icon.svg" if known else None
    if picture is None or not picture.is_file():
        raise NotFound("This channel's icon")
    return picture.read_bytes()
