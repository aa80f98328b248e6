"""Rows as the REST API shows them: every property of Twilio's OpenAPI description, none besides."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from sqlite3 import Row
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .errors import FAILURES

API = "2010-04-01"


def rfc2822(moment: float | None) -> str | None:
    return None if moment is None else format_datetime(datetime.fromtimestamp(int(moment), UTC))


def message_uri(account_sid: str, sid: str) -> str:
    return f"/{API}/Accounts/{account_sid}/Messages/{sid}"


def message(row: Row) -> dict[str, Any]:
    uri = message_uri(row["account_sid"], row["sid"])
    unsent = row["service_sid"] and row["status"] in ("accepted", "scheduled")  # no sender was chosen yet
    return {
        "account_sid": row["account_sid"],
        "api_version": API,
        "body": row["body"],
        "date_created": rfc2822(row["created"]),
        "date_sent": rfc2822(row["sent"]),
        "date_updated": rfc2822(row["updated"]),
        "direction": row["direction"],
        "error_code": row["error_code"],
        "error_message": FAILURES.get(row["error_code"]) if row["error_code"] else None,
        "from": row["sender"],
        "messaging_service_sid": row["service_sid"],
        "num_media": str(row["media"]),
        "num_segments": "0" if unsent else str(row["segments"]),
        "price": row["price"],
        "price_unit": "USD",
        "sid": row["sid"],
        "status": row["status"],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": row["recipient"],
        "uri": f"{uri}.json",
    }


def media(row: Row, account_sid: str) -> dict[str, Any]:
    return {
        "account_sid": account_sid,
        "content_type": row["content_type"],
        "date_created": rfc2822(row["created"]),
        "date_updated": rfc2822(row["created"]),
        "parent_sid": row["text_sid"],
        "sid": row["sid"],
        "uri": f"{message_uri(account_sid, row['text_sid'])}/Media/{row['sid']}.json",
    }


def account(row: Row) -> dict[str, Any]:
    uri = f"/{API}/Accounts/{row['sid']}"
    return {
        "auth_token": row["auth_token"],
        "date_created": rfc2822(row["created"]),
        "date_updated": rfc2822(row["created"]),
        "friendly_name": row["friendly_name"],
        "owner_account_sid": row["sid"],
        "sid": row["sid"],
        "status": "active",
        "subresource_uris": {
            "incoming_phone_numbers": f"{uri}/IncomingPhoneNumbers.json",
            "messages": f"{uri}/Messages.json",
        },
        "type": "Full",
        "uri": f"{uri}.json",
    }


def phone_number(row: Row) -> dict[str, Any]:
    uri = f"/{API}/Accounts/{row['account_sid']}/IncomingPhoneNumbers/{row['sid']}.json"
    return {
        "account_sid": row["account_sid"],
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"fax": False, "mms": True, "sms": True, "voice": False},
        "date_created": rfc2822(row["created"]),
        "date_updated": rfc2822(row["updated"]),
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": row["friendly_name"] or row["number"],
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": row["number"],
        "sid": row["sid"],
        "sms_application_sid": None,
        "sms_fallback_method": "POST",
        "sms_fallback_url": row["sms_fallback_url"],
        "sms_method": "POST",
        "sms_url": row["sms_url"],
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "type": "local",
        "uri": uri,
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": None,
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": None,
    }


class Cut(NamedTuple):
    """Where a page lies: ``older`` and ``newer`` are page tokens of its neighbours, None where there is none."""

    number: int
    size: int
    older: str | None
    newer: str | None


def page(path: str, key: str, rows: list[Any], *, filters: list[tuple[str, str]], cut: Cut) -> dict[str, Any]:
    """One page of a list (twilio.com/docs/usage/twilios-response#pagination)."""

    def uri(number: int, token: str | None = None) -> str:
        query = [*filters, ("PageSize", str(cut.size)), ("Page", str(number))]
        return f"{path}?{urlencode([*query, ('PageToken', token)] if token else query)}"

    start = cut.number * cut.size
    return {
        "end": start + max(len(rows) - 1, 0),
        "first_page_uri": uri(0),
        "next_page_uri": uri(cut.number + 1, cut.older) if cut.older else None,
        "page": cut.number,
        "page_size": cut.size,
        key: rows,
        "previous_page_uri": uri(cut.number - 1, cut.newer) if cut.newer else None,
        "start": start,
        "uri": uri(cut.number),
    }
