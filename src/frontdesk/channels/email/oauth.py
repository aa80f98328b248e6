"""Access tokens for Google and Microsoft mailboxes: a refresh token in, a bearer token for IMAP and SMTP out (RFC
6749 §6)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from frontdesk.channels.port import Disconnected, TryLater

# Token endpoints and scopes as of November 2026: developers.google.com/gmail/imap/xoauth2-protocol and
# learn.microsoft.com/exchange/client-developer/legacy-protocols (Authenticate an IMAP, POP or SMTP connection).
PROVIDERS: Final = {
    "google": ("https://oauth2.googleapis.com/token", ""),
    "microsoft": (
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
    ),
}
_EARLY = 120.0  # seconds before its end at which a token is renewed
_cache: dict[str, tuple[str, float]] = {}


def oauth_settings(settings: Mapping[str, Any]) -> dict[str, str] | None:
    """The ``oauth`` setting (an object, or JSON text as the form sends it), or None if the inbox uses a password."""
    value = settings.get("oauth")
    if not value:
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Disconnected("The OAuth settings are not valid JSON.") from None
    if not isinstance(value, Mapping):
        raise Disconnected("The OAuth settings are not an object.")
    found = {str(name): str(content) for name, content in value.items() if content}
    missing = [name for name in ("client_id", "refresh_token") if name not in found]
    if missing or (found.get("provider") not in PROVIDERS and "token_url" not in found):
        raise Disconnected("The OAuth settings need provider, client_id, client_secret and refresh_token.")
    return found


async def access_token(settings: Mapping[str, str], *, fresh: bool = False) -> str:
    """A bearer token that is good for at least two minutes. Raises Disconnected when access was withdrawn
    (``invalid_grant``: a person has to connect the mailbox again), TryLater when the provider cannot answer now."""
    parts = (settings.get("token_url", settings.get("provider", "")), settings["client_id"], settings["refresh_token"])
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    known = _cache.get(key)
    if known and not fresh and known[1] > time.monotonic():
        return known[0]
    token, seconds = await _refreshed(settings)
    _cache[key] = (token, time.monotonic() + max(0.0, seconds - _EARLY))
    return token


async def _refreshed(settings: Mapping[str, str]) -> tuple[str, float]:
    # Not at the top: the child that reads mails imports this package and shall stay small.
    from frontdesk.kit.addresses import Blocked, FetchError
    from frontdesk.kit.fetch import fetch

    url, scope = PROVIDERS.get(settings.get("provider", ""), ("", ""))
    form = {
        "grant_type": "refresh_token",
        "client_id": settings["client_id"],
        "refresh_token": settings["refresh_token"],
        "client_secret": settings.get("client_secret", ""),
        "scope": settings.get("scope", scope),
    }
    try:
        answer = await fetch(
            settings.get("token_url", url),
            method="POST",
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            body=urlencode({name: value for name, value in form.items() if value}).encode(),
            max_bytes=256 * 1024,
            timeout=20,
        )
    except Blocked as error:
        raise Disconnected(f"The sign-in server may not be connected to: {error}") from error
    except FetchError as error:
        raise TryLater(f"The sign-in server does not answer: {error}", after=60) from error
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    if answer.status == 200 and body.get("access_token"):
        return str(body["access_token"]), float(body.get("expires_in") or 3600)
    code = str(body.get("error") or answer.status)
    if answer.status >= 500 or answer.status == 429:
        raise TryLater(f"The sign-in server cannot answer now ({code}).", after=60, code=code)
    if code == "invalid_grant":
        raise Disconnected("Access to this mailbox was withdrawn or has expired. Connect it again.")
    raise Disconnected(f"The sign-in server refuses this mailbox ({code}). Check the OAuth settings.")
