"""Who is writing: the visitor's session token, an uploaded file's ticket, and the identity that the business signed.

Tokens are ``<payload>.<mac>`` in URL-safe base64: JSON that names its kind, and its HMAC-SHA256 under the inbox's own
secret. They hold no secret and need no table; changing the inbox's secret ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from frontdesk.channels.livechat import clean

VISIT_LIFE = timedelta(days=365)  # rolling: every new session issues a fresh token
FILE_LIFE = timedelta(days=7)  # how long an unsent message may keep its uploads
IDENTITY_LIFE = timedelta(hours=24)  # the furthest ``exp`` that is accepted
LEEWAY = 60  # seconds that the business's clock may be off
MAX_TOKEN = 8_192
MAX_SUBJECT = 255


class BadToken(Exception):
    """Not ours, changed, or too old."""


class BadIdentity(Exception):
    """The identity is not acceptable; ``str(error)`` says why, for the developer of the site."""


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom the business says this is. ``until`` is the second since 1970 at which it has to say so again."""

    sub: str
    until: int
    name: str = ""
    email: str | None = None
    phone: str | None = None


class Visit(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="visit"):
    """One browser at one inbox. ``asked`` is set once the questions before the chat have been answered."""

    visitor: str
    inbox: str
    issued: int
    asked: bool = False
    identity: Identity | None = None


class FileTicket(msgspec.Struct, frozen=True, tag_field="kind", tag="file"):
    """Proof that this visitor uploaded these bytes; a message can only name files by ticket, never by bare hash."""

    visitor: str
    hash: str
    name: str
    type: str
    size: int
    issued: int


T = TypeVar("T", Visit, FileTicket)


def new_visitor() -> str:
    return secrets.token_urlsafe(16)


def sign(token: Visit | FileTicket, secret: bytes) -> str:
    payload = msgspec.json.encode(token)
    return f"{_b64(payload)}.{_b64(_mac(payload, secret))}"


def read(text: str, kind: type[T], secret: bytes, *, at: datetime) -> T:
    """The token behind ``text`` if this inbox signed it as this kind and it is not too old; raises BadToken."""
    payload, _, mac = text.partition(".")
    try:
        body, given = _unb64(payload), _unb64(mac)
    except ValueError as error:
        raise BadToken("not a token") from error
    if len(text) > MAX_TOKEN or not hmac.compare_digest(given, _mac(body, secret)):
        raise BadToken("not signed by this inbox")
    try:
        token = msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise BadToken("another kind of token") from error
    life = VISIT_LIFE if kind is Visit else FILE_LIFE
    if at.timestamp() - token.issued > life.total_seconds():
        raise BadToken("too old")
    return token


def inbox_of(text: str) -> str:
    """The inbox that a visit token claims to be for, read before its signature can be checked; raises BadToken."""
    if len(text) > MAX_TOKEN:
        raise BadToken("too long")
    try:
        claimed = msgspec.json.decode(_unb64(text.partition(".")[0]), type=Visit)
    except (ValueError, RecursionError) as error:
        raise BadToken("not a token") from error
    return claimed.inbox


def read_identity(token: str, secret: str, *, at: datetime) -> Identity:
    """The claims of a JWT (RFC 7519) signed with HS256, nothing else, with ``sub`` and an ``exp`` within 24 hours."""
    if len(token) > MAX_TOKEN:
        raise BadIdentity("The identity is longer than 8 KB.")
    moment = int(at.timestamp())
    rules = jwt.JWTClaimsRegistry(now=moment, leeway=LEEWAY, exp={"essential": True}, sub={"essential": True})
    try:
        claims = jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims
        rules.validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise BadIdentity("The identity is not signed with this inbox's secret (HS256), or has expired.") from error
    return _identity(claims, moment)


def _identity(claims: dict[str, Any], moment: int) -> Identity:
    sub, until = claims.get("sub"), claims.get("exp")
    if not isinstance(sub, str) or not sub.strip() or len(sub) > MAX_SUBJECT or clean.text(sub) != sub:
        raise BadIdentity("The claim sub must be a text of 1 to 255 characters.")
    latest = moment + IDENTITY_LIFE.total_seconds() + LEEWAY
    if not isinstance(until, int | float) or not moment - LEEWAY <= until <= latest:  # neither for NaN
        raise BadIdentity("The claim exp must be a time at most 24 hours ahead, in seconds since 1970.")
    texts = {name: claims.get(name) for name in ("name", "email", "phone")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise BadIdentity(f"The claim {name} must be a text.")
    return Identity(
        sub=sub,
        until=int(until),
        name=clean.line(texts["name"] or ""),
        email=clean.email(texts["email"] or ""),
        phone=clean.phone(texts["phone"] or ""),
    )


def _mac(payload: bytes, secret: bytes) -> bytes:
    if not secret:
        raise ValueError("an inbox without a secret cannot sign")
    return hmac.new(secret, b"livechat\0" + payload, hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    """Strict: a text has one spelling only, so nobody can vary a token without breaking it."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _b64(data) != text:
        raise ValueError("not canonical base64")
    return data
