"""Two marks of ours that come back with the mail: a token in the address that people answer to, and our Message-IDs.

Both are signed with the inbox's own secret, so that nobody can write himself into a conversation by guessing, and so
that a delivery report can be known to speak of a mail of ours. Neither is a secret: who has a token was given it in
a mail, and the core still asks whether the sender belongs to the conversation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from uuid import UUID

from frontdesk.channels.port import Account

_MAC = 10  # bytes, 80 bits
_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
_OWN_ID = re.compile(r"fd\.([a-z2-7]{24})\.([a-z2-7]{16})@")


def _sign(account: Account, purpose: str, message: bytes, size: int) -> bytes:
    if not account.secret:
        raise ValueError("This inbox has no secret to sign with.")  # HMAC would take an empty key without a word
    return hmac.new(account.secret, purpose.encode() + b"\0" + message, hashlib.sha256).digest()[:size]


def _text(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes:
    upper = text.upper()
    return base64.b32decode(upper + "=" * (-len(upper) % 8))


# --- the token in an address --------------------------------------------------------------------------------------


def make_token(account: Account, conversation: int | str) -> str:
    """The signed form of a conversation's id or key: lower-case letters and digits. Numbers and UUIDs stay short."""
    packed = _packed(str(conversation))
    return _text(packed + _sign(account, "reply address", packed, _MAC))


def verify_token(account: Account, token: str) -> str | None:
    """What :func:`make_token` was given, or None if this inbox did not sign it."""
    if not account.secret or not re.fullmatch(r"[a-zA-Z2-7]{18,96}", token):
        return None
    try:
        data = _bytes(token)
    except ValueError:
        return None
    packed, mac = data[:-_MAC], data[-_MAC:]
    if not packed or not hmac.compare_digest(mac, _sign(account, "reply address", packed, _MAC)):
        return None
    if _text(data) != token.lower():  # base32 leaves bits over: a token has one spelling
        return None
    return _unpacked(packed)


def _packed(name: str) -> bytes:
    if re.fullmatch(r"[1-9]\d{0,17}", name):
        number = int(name)
        return b"\0" + number.to_bytes((number.bit_length() + 7) // 8, "big")
    try:
        uuid = UUID(name)
        if str(uuid) == name:
            return b"\1" + uuid.bytes
    except ValueError:
        pass
    return b"\2" + name.encode()


def _unpacked(packed: bytes) -> str | None:
    kind, rest = packed[:1], packed[1:]
    if kind == b"\0":
        return str(int.from_bytes(rest, "big"))
    if kind == b"\1":
        return str(UUID(bytes=rest)) if len(rest) == 16 else None
    return rest.decode("utf-8", "replace") if kind == b"\2" else None


def reply_address(account: Account, address: str, conversation: str) -> str | None:
    """``desk+<token>@example.org``, or None where that would be longer than a local part may be."""
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+{make_token(account, conversation)}"
    return f"{tagged}@{domain}" if len(tagged) <= _LOCAL_PART else None


def token_in(account: Account, own: str | None, addresses: Iterable[str]) -> str | None:
    """The verified content of the first ``<our local part>+<token>@<our domain>`` among the addresses."""
    local, _, domain = (own or "").lower().rpartition("@")
    if not local:
        return None
    for address in addresses:
        name, _, host = address.lower().rpartition("@")
        if host == domain and name.startswith(f"{local}+"):
            found = verify_token(account, name[len(local) + 1 :])
            if found:
                return found
    return None


# --- our Message-IDs ----------------------------------------------------------------------------------------------


def message_id(account: Account, key: str, domain: str) -> str:
    """The Message-ID of the outbound message with this key: always the same one, and recognisably ours."""
    digest = _sign(account, "message id", key.encode(), 15)
    return f"<fd.{_text(digest)}.{_text(_sign(account, 'own message id', digest, _MAC))}@{domain}>"


def is_own_id(account: Account, one: str) -> bool:
    """Whether this inbox made that Message-ID."""
    found = _OWN_ID.search(one)
    if found is None or not account.secret:
        return False
    return hmac.compare_digest(_bytes(found[2]), _sign(account, "own message id", _bytes(found[1]), _MAC))


def own_id_in(account: Account, text: str) -> str | None:
    """The first Message-ID of ours that a text names ("<…>"), for bounces that are only prose."""
    for found in re.finditer(r"<?(fd\.[a-z2-7]{24}\.[a-z2-7]{16}@[a-z0-9.-]{1,253})>?", text[:200_000]):
        if is_own_id(account, found[1]):
            return f"<{found[1]}>"
    return None
