"""Twilio's REST API (2010-04-01) and the signatures of its webhooks, and nothing of what a message means.

Errors, by what is known about the request::

    TwilioError
    ├── NotAllowed   the address leads where Frontdesk does not connect to; nothing was sent
    ├── NotReached   it certainly did not arrive (no connection, no free socket)
    ├── NoAnswer     it may have arrived (time-out or broken connection after writing, unreadable answer)
    └── Refused      Twilio said no: ``status``, Twilio's own ``code``, ``retry_after`` in seconds

Sources: Twilio's OpenAPI description ``twilio_api_v2010.json``; ``request_validator`` of its Python library 9.13.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, unquote_to_bytes, urlsplit, urlunsplit

import httpx

from frontdesk.kit import fetch

API: Final = "https://api.twilio.com"
SIGNATURE: Final = "x-twilio-signature"
SIGNATURE_SETTINGS: Final = "x-twilio-webhooks-signature-settings"
FORM: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 1000
MAX_REDIRECTS: Final = 3
MAX_PAGES: Final = 200

TIMEOUT_SECONDS: Final = 15  # for an answer
_DOWNLOAD_SECONDS: Final = 60
_HASHES: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_FIELD: Final = re.compile("([^=&]*)=?([^&]*)&?")
_PORTS: Final = {"https": 443, "http": 80}


class TwilioError(Exception):
    """Something went wrong; ``str(error)`` says what, for a log or a person who runs the system."""


class NotAllowed(TwilioError):
    """The address is closed to us; the sentence says what the operator can do. Nothing was sent."""


class NotReached(TwilioError):
    """The request certainly did not arrive."""


class NoAnswer(TwilioError):
    """The request may have arrived."""


class Refused(TwilioError):
    """Twilio answered with an error."""

    def __init__(self, message: str, *, status: int, code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


# --- webhook signatures -------------------------------------------------------------------------------------------


def sign(url: str, fields: Iterable[tuple[str, str]], secret: str, *, algorithm: str = "HMAC_SHA1") -> str:
    """The signature Twilio would send for a webhook to ``url`` with these form fields (see :func:`form`).

    Base64 of the HMAC over the URL followed by every field, sorted by name, name and value joined without separators;
    of a repeated name each different value counts once. Raises ValueError for an empty secret, which HMAC would take,
    and for an unknown algorithm.
    """
    return _sign(url, _joined(fields), secret, algorithm)


def _joined(fields: Iterable[tuple[str, str]]) -> bytes:
    return "".join(chain.from_iterable(sorted(set(fields)))).encode("utf-8", "surrogateescape")


def _sign(url: str, joined: bytes, secret: str, algorithm: str) -> str:
    if not secret:
        raise ValueError("an empty secret signs nothing")
    name = _HASHES.get(algorithm.upper())
    if name is None:
        raise ValueError(f"unknown signature algorithm {algorithm!r}")
    return binascii.b2a_base64(hmac.digest(secret.encode(), url.encode() + joined, name), newline=False).decode()


def is_signed(url: str, headers: Mapping[str, str], body: bytes, *, auth_token: str, shared_key: str = "") -> bool:
    """Did Twilio send this? ``url`` is the public address with its query, header names are lower-case.

    Without the settings header the account's auth token signs with SHA-1; with it a shared key signs with SHA-256.
    The answer to a missing or empty secret is no. Twilio itself is not consistent about the default port, so both
    spellings pass. A body that is not a form is only covered through ``bodySHA256`` in the query, so it must be there.
    """
    algorithm = _algorithm(headers.get(SIGNATURE_SETTINGS, ""))
    secret = shared_key if algorithm == "HMAC_SHA256" else auth_token
    given = headers.get(SIGNATURE, "").encode()
    if not secret or not given or algorithm not in ("HMAC_SHA1", "HMAC_SHA256"):
        return False
    joined = b""
    if headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        try:
            joined = _joined(form(body))
        except ValueError:
            return False
    elif body and not _body_matches(url, body):
        return False
    return any(
        hmac.compare_digest(_sign(spelling, joined, secret, algorithm).encode(), given) for spelling in _spellings(url)
    )


@lru_cache(maxsize=64)  # it is read to see who signed it, and again to see what it says
def form(body: bytes) -> tuple[tuple[str, str], ...]:
    """The fields of a form body, blank ones included. Raises ValueError for more than 1,000 fields.

    Bytes are what was signed, and need not be UTF-8: those that are not come as lone surrogates (PEP 383).
    """
    if body.count(b"&") >= MAX_FIELDS:
        raise ValueError(f"the form has more than {MAX_FIELDS} fields")
    fields = _FIELD.findall(body.decode("utf-8", "surrogateescape").replace("+", " "))
    return tuple(
        [
            (name, value) if "%" not in name and "%" not in value else (_unquoted(name), _unquoted(value))
            for name, value in fields
            if name or value
        ]
    )


def _unquoted(text: str) -> str:
    if text.startswith("%2B") and "%" not in text[3:]:  # a phone number: two in each delivery
        return f"+{text[3:]}"
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _algorithm(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _body_matches(url: str, body: bytes) -> bool:
    given = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), given.lower().encode())


@lru_cache(maxsize=1024)
def _spellings(url: str) -> tuple[str, ...]:
    """The address with and without its port, as Twilio may have signed it."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return (url,)
    host = parts.netloc.removesuffix(f":{port}") if port else parts.netloc
    return (
        urlunsplit(parts._replace(netloc=host)),
        urlunsplit(parts._replace(netloc=f"{host}:{port or _PORTS.get(parts.scheme, 443)}")),
    )


# --- the REST API -------------------------------------------------------------------------------------------------


class Twilio:
    """One account. ``api_base`` is the origin of the API, for regions and simulators; ``timeout`` is in seconds."""

    def __init__(
        self, account_sid: str, auth_token: str, *, api_base: str = API, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._timeout = httpx.Timeout(timeout, connect=min(5, timeout), pool=5)
        self._base = (api_base or API).rstrip("/")
        self._account = f"/2010-04-01/Accounts/{account_sid}"
        self._auth = httpx.BasicAuth(account_sid, auth_token)

    async def account(self) -> dict[str, Any]:
        """The account itself: ``friendly_name``, ``status`` …"""
        return await self._call("GET", f"{self._account}.json")

    async def create_message(self, fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """POST a message; fields may repeat (``MediaUrl``). Returns the message resource."""
        grouped: dict[str, list[str]] = {}
        for name, value in fields:
            grouped.setdefault(name, []).append(value)
        return await self._call("POST", f"{self._account}/Messages.json", data=grouped)

    async def messages(self, filters: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Message resources, newest first, over as many pages as there are (at most 200)."""
        async for message in self._pages(f"{self._account}/Messages.json", filters, "messages"):
            yield message

    async def media(self, message_sid: str) -> list[dict[str, Any]]:
        """The media resources of one message, each with the ``url`` of its bytes."""
        found = []
        async for item in self._pages(f"{self._account}/Messages/{message_sid}/Media.json", {}, "media_list"):
            found.append({**item, "url": self._base + str(item.get("uri", "")).removesuffix(".json")})
        return found

    async def download(self, url: str, *, limit: int) -> tuple[bytes, str]:
        """The bytes (at most ``limit``) and the content type of a media address from a webhook.

        The address must be Twilio's own. Twilio redirects to its content network: the password is not sent there, and
        neither plain HTTP nor a private address is followed. Takes at most 60 seconds.
        """
        if not self._is_ours(url):
            raise Refused("The media address does not belong to Twilio.", status=0)
        try:
            most = limit + fetch.ANSWER  # it says itself that a file is too large, before the client does
            async with asyncio.timeout(_DOWNLOAD_SECONDS), _client(self._timeout, most) as client:
                for _ in range(MAX_REDIRECTS + 1):
                    auth = self._auth if self._is_ours(url) else None
                    async with client.stream("GET", url, auth=auth) as answer:
                        if answer.next_request is None:
                            return await _read(answer, limit), answer.headers.get("content-type", "")
                        url = str(answer.next_request.url)
                    if not self._may_follow(url):
                        raise Refused("Twilio redirected to an address that is not public.", status=0)
        except TimeoutError:
            raise NoAnswer("The download took longer than a minute.") from None
        except NotAllowed as error:
            if self._is_ours(url):
                raise
            raise Refused("Twilio redirected to an address that is not public.", status=0) from error
        raise Refused("Twilio redirected too often.", status=0)

    async def _pages(self, path: str, filters: Mapping[str, str], key: str) -> AsyncIterator[dict[str, Any]]:
        page = await self._call("GET", path, params=dict(filters))
        for _ in range(MAX_PAGES):
            for item in page.get(key) or []:
                yield item
            following = page.get("next_page_uri")
            if not following:
                return
            page = await self._call("GET", self._on_this_host(following))

    async def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        async with _client(self._timeout) as client:
            answer = await client.request(method, self._base + path, auth=self._auth, **content)
        try:
            body = answer.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            body = None
        if not answer.is_success:
            raise _refusal(answer, body)
        if not isinstance(body, dict):
            raise NoAnswer("Twilio's answer was not readable.")
        return body

    def _on_this_host(self, uri: str) -> str:
        """The path of the next page; it comes from an answer, so it must not lead the password elsewhere."""
        there, here = urlsplit(uri), urlsplit(self._base)
        if (there.scheme or there.netloc) and _origin(there) != _origin(here):
            raise Refused("The next page is on another host.", status=0)
        path = there.path.removeprefix(here.path) if there.netloc else there.path
        return urlunsplit(("", "", "/" + path.lstrip("/"), there.query, ""))

    def _is_ours(self, url: str) -> bool:
        try:
            parts, base = urlsplit(url), urlsplit(self._base)
            if _origin(parts) == _origin(base):
                return True
        except ValueError:  # not an address at all
            return False
        hosted = (base.hostname or "").endswith(".twilio.com")
        return hosted and parts.scheme == "https" and (parts.hostname or "").endswith(".twilio.com")

    def _may_follow(self, url: str) -> bool:
        parts, base = urlsplit(url), urlsplit(self._base)
        if not _is_public(base.hostname or ""):
            return parts.scheme in ("http", "https")  # a simulator on this machine redirects to this machine
        return parts.scheme == "https" and _is_public(parts.hostname or "")


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


def _refusal(answer: httpx.Response, body: object) -> Refused:
    details = body if isinstance(body, dict) else {}
    code, wait = details.get("code"), answer.headers.get("retry-after", "")
    return Refused(
        str(details.get("message") or f"Twilio answered {answer.status_code}."),
        status=answer.status_code,
        code=code if isinstance(code, int) else None,
        retry_after=float(wait) if wait.isdigit() else None,
    )


async def _read(answer: httpx.Response, limit: int) -> bytes:
    if not answer.is_success:
        raise Refused(f"Twilio answered {answer.status_code}.", status=answer.status_code)
    data = bytearray()
    async for chunk in answer.aiter_bytes():
        data += chunk
        if len(data) > limit:
            raise Refused(f"The file is larger than {limit} bytes.", status=413)
    return bytes(data)


@asynccontextmanager
async def _client(timeout: httpx.Timeout, max_bytes: int = fetch.ANSWER) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose errors are ours. It lives for one exchange: nothing stays open or tied to an event loop."""
    try:
        async with fetch.client(timeout=timeout, max_bytes=max_bytes) as client:
            yield client
    except fetch.Blocked as error:
        raise NotAllowed(f"No connection to Twilio. {error}") from error
    except (fetch.Unreachable, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise NotReached(f"Twilio cannot be reached: {error or type(error).__name__}") from error
    except httpx.RequestError as error:
        raise NoAnswer(f"Twilio did not answer: {error or type(error).__name__}") from error
