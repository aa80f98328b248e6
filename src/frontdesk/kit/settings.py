"""What the operator can set, from the environment. ``docs/operate.md`` lists the same names."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One process's configuration. Times are seconds, sizes bytes."""

    home: Path = Path("var")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    url: str = "http://127.0.0.1:8080"  # the address under which browsers and providers reach us
    files: str = ""  # a folder or an s3:// address; empty: <home>/files
    key_file: Path | None = None  # encrypts credentials at rest; None: <home>/secrets.key
    allow_private: tuple[IPv4Network | IPv6Network, ...] = ()  # private networks that inboxes may connect to
    listen_host: str = "127.0.0.1"  # where inboxes listen that are delivered to; their ports are their own
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # whose X-Forwarded-For counts
    max_body: int = 10 * 1024 * 1024
    max_file: int = 25 * 1024 * 1024
    keep_free: int = 256 * 1024 * 1024  # below it, on the disk of the database or of the files, nothing new is taken
    pool: int = 12
    lease: float = 12.0  # on a message that is being sent, renewed meanwhile; when it runs out, its sending is in doubt
    send_timeout: float = 75.0  # that a driver gets for one message
    look_up_every: float = 5.0  # between questions to a provider about an unknown sending
    uncertain_after: float = 40.0  # of asking in vain, a person is asked
    hung_after: float = 12.0  # of silence, another process takes the locks of one that hangs
    block_after: float = 600.0  # a message that is put off may hold back later ones of its conversation
    stuck_after: float = 90.0  # a request with an Idempotency-Key that never ended may be repeated
    worker_listen: str = ""  # host:port where a worker of its own answers /livez, /readyz and /metrics
    metrics_token: str = ""  # that /metrics asks for; empty: only this machine may read it
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environ: dict[str, str] | None = None) -> Self:
        """Read ``FRONTDESK_*`` and ``DATABASE_URL``; raises ValueError with the name of what cannot be read."""
        env = dict(os.environ if environ is None else environ)
        host = env.get("FRONTDESK_HOST", cls.host)
        port = int(env.get("FRONTDESK_PORT", cls.port))
        key_file = env.get("FRONTDESK_KEY_FILE")
        return cls(
            home=Path(env.get("FRONTDESK_HOME", "var")).absolute(),
            database_url=env.get("DATABASE_URL") or None,
            host=host,
            port=port,
            url=env.get("FRONTDESK_URL", f"http://{host}:{port}").rstrip("/"),
            files=env.get("FRONTDESK_FILES", ""),
            key_file=Path(key_file) if key_file else None,
            allow_private=_networks(env, "FRONTDESK_ALLOW_PRIVATE"),
            listen_host=env.get("FRONTDESK_LISTEN_HOST", cls.listen_host),
            trusted_proxies=_networks(env, "FRONTDESK_TRUSTED_PROXIES"),
            keep_free=int(env.get("FRONTDESK_KEEP_FREE_MB", cls.keep_free // 2**20)) * 2**20,
            worker_listen=_address(env, "FRONTDESK_WORKER_LISTEN"),
            metrics_token=env.get("FRONTDESK_METRICS_TOKEN", ""),
            pool=int(env.get("FRONTDESK_POOL", cls.pool)),
            lease=float(env.get("FRONTDESK_LEASE_SECONDS", cls.lease)),
            send_timeout=float(env.get("FRONTDESK_SEND_SECONDS", cls.send_timeout)),
            look_up_every=float(env.get("FRONTDESK_LOOK_UP_SECONDS", cls.look_up_every)),
            uncertain_after=float(env.get("FRONTDESK_UNCERTAIN_SECONDS", cls.uncertain_after)),
            hung_after=float(env.get("FRONTDESK_HUNG_SECONDS", cls.hung_after)),
            block_after=float(env.get("FRONTDESK_BLOCK_SECONDS", cls.block_after)),
            stuck_after=float(env.get("FRONTDESK_STUCK_SECONDS", cls.stuck_after)),
        )

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over TLS (decides cookie flags)."""
        return self.url.startswith("https://")


def _address(env: dict[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    host, colon, port = value.rpartition(":")
    if value and not (host and colon and port.isdecimal() and int(port) < 2**16):
        raise ValueError(f"{name}: {value!r} is not an address like 127.0.0.1:8081")
    return value


def _networks(env: dict[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in env.get(name, "").split(",") if part.strip())
    except ValueError as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong
