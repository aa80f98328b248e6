"""Accounts and the numbers they own, as the control API sets them up."""

from __future__ import annotations

import secrets

from ..world import World, new_sid, now


def open_account(world: World, *, sid: str = "", auth_token: str = "", friendly_name: str = "") -> str:
    """Create an account with an API key, or change its token; returns its sid."""
    sid = sid or new_sid("AC")
    world.store.run(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sid) DO UPDATE"
        " SET auth_token = excluded.auth_token, friendly_name = excluded.friendly_name",
        sid,
        auth_token or secrets.token_hex(16),
        new_sid("SK"),
        secrets.token_urlsafe(24),
        friendly_name or sid,
        now(),
    )
    return sid


def open_number(
    world: World,
    number: str,
    *,
    account: str,
    sms_url: str = "",
    sms_fallback_url: str = "",
    service_sid: str | None = None,
) -> None:
    """Give a number to an account, or change where its texts are announced."""
    world.store.run(
        "INSERT INTO numbers (number, sid, account_sid, sms_url, sms_fallback_url, service_sid, created, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET account_sid = excluded.account_sid,"
        " sms_url = excluded.sms_url, sms_fallback_url = excluded.sms_fallback_url, service_sid = excluded.service_sid,"
        " updated = excluded.updated",
        number,
        new_sid("PN"),
        account,
        sms_url,
        sms_fallback_url,
        service_sid,
        now(),
        now(),
    )
