"""Names that must not be guessed, and names that must never change between attempts."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid

ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def secret(length: int = 32) -> str:
    """``length`` characters without look-alikes, about 4.9 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def key() -> str:
    """A fresh idempotency key (UUID 4)."""
    return str(uuid.uuid4())


def digest(token: str) -> bytes:
    """What is stored of a token that has enough entropy of its own: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def same(left: str, right: str) -> bool:
    """Constant-time equality, for any characters."""
    return hmac.compare_digest(left.encode(), right.encode())


def tenant_key(workspace_id: int, length: int = 24) -> str:
    """A public key that names its workspace, so that looking it up needs no view across workspaces: ``7-k3m…``."""
    return f"{workspace_id}-{secret(length)}"


def tenant_of(key_or_token: str) -> int | None:
    """The workspace that a :func:`tenant_key` names, or None for anything else."""
    head, dash, rest = key_or_token.partition("-")
    return int(head) if dash and rest and head.isascii() and head.isdigit() and len(head) <= 12 else None
