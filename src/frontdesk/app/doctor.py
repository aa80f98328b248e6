"""``frontdesk doctor``: is this installation set up so that it can work? Each finding says what to do about it.

Nothing outside is asked but our own public address, which is what providers will call.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import ssl
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import asyncpg
from obstore.exceptions import BaseError

from frontdesk.app.migrate import is_newer, revision, why_not_work
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import fetch, postgres
from frontdesk.kit.disk import disk_free
from frontdesk.kit.files import StoreError, open_store
from frontdesk.kit.losses import AWAY
from frontdesk.kit.postgres import PostgresError, Server
from frontdesk.kit.secrets import KeyProblem, Vault
from frontdesk.kit.settings import Settings

State = Literal["ok", "warn", "fail"]

SKEW = 2.0  # seconds that our clock may differ from the database's
DISK_WARN, DISK_FAIL = 0.15, 0.05  # of the disk that is free
CERTIFICATE_WARN = timedelta(days=14)
PATIENCE = 10.0  # seconds for one question to our own address
EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))  # our own address may be a private one

_DATABASE = """
select current_setting('server_version_num')::int / 10000 as major, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as synchronous_commit, current_setting('full_page_writes') as full_page_writes,
  current_setting('server_encoding') as encoding, clock_timestamp() as now,
  (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as above
"""


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and a sentence (what to do, where something is not ok)."""

    check: str
    state: State
    sentence: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Everything in turn; a question that cannot be asked because an earlier one failed is left out."""
    for folder in _folders(settings):
        yield _disk(folder)
    yield await _files(settings)
    vault, key = _key(settings)
    yield key
    server, problem = await _server(settings)
    if problem:
        yield problem
    if server:
        try:
            async for finding in _database(settings, server, vault):
                yield finding
        finally:
            await asyncio.to_thread(server.stop)
    for ask in (_name, _certificate, _port):
        yield await ask(settings)
    if vault:
        yield await reachable(settings, vault)


# --- this machine -------------------------------------------------------------------------------------------------


def _folders(settings: Settings) -> list[Path]:
    files = [] if "://" in settings.files else [Path(settings.files or settings.home / "files")]
    return list(dict.fromkeys([settings.home, *files]))


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    ratio = disk_free(there).ratio
    if ratio < DISK_FAIL:
        return Finding("disk", "fail", f"Only {ratio:.0%} of the disk of {folder} are free. Make room at once.")
    if ratio < DISK_WARN:
        return Finding("disk", "warn", f"Only {ratio:.0%} of the disk of {folder} are free. Make room soon.")
    return Finding("disk", "ok", f"{ratio:.0%} of the disk of {folder} are free.")


async def _files(settings: Settings) -> Finding:
    place = settings.files or str(settings.home / "files")
    data = secrets.token_bytes(32)
    try:
        store = open_store(place)
        digest = await store.put(data)
        same = await store.get(digest, verify=True) == data
        await store.delete(digest)
    except (OSError, StoreError, ValueError, BaseError) as error:
        why = f"Files cannot be kept in {_shown(place)}: {_first_line(error)}. Check the place and our rights there."
        return Finding("files", "fail", why)
    if not same:
        return Finding("files", "fail", f"{_shown(place)} does not give back what was kept there.")
    return Finding("files", "ok", f"Files can be written, read and deleted in {_shown(place)}.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _shown(place: str) -> str:
    """A bucket's address without what may be a secret in it."""
    return place.split("?")[0]


def _key(settings: Settings) -> tuple[Vault | None, Finding]:
    path = settings.key_file or settings.home / "secrets.key"
    if not path.exists():
        return None, Finding("key", "warn", f"There is no key file at {path} yet. It is made at the first start.")
    try:
        vault = Vault.open(path)
    except (KeyProblem, OSError) as error:
        return None, Finding("key", "fail", f"{error} Bring it back from your copy.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return vault, Finding("key", "fail", f"Others may read {path} (mode {mode:03o}). Run: chmod 600 {path}")
    return vault, Finding("key", "ok", f"{path} is readable for us alone. Keep a copy apart from the database's.")


# --- the database -------------------------------------------------------------------------------------------------


async def _server(settings: Settings) -> tuple[Server | None, Finding | None]:
    try:
        running = None if settings.database_url else postgres.attach(settings.home)
        return running or await postgres.resolve(settings.home, url=settings.database_url), None
    except (PostgresError, OSError) as error:
        return None, Finding("database", "fail", f"The database cannot be used: {error}")


async def _database(settings: Settings, server: Server, vault: Vault | None) -> AsyncIterator[Finding]:
    try:
        connection = await asyncpg.connect(**server.connect_args, timeout=PATIENCE)
    except (*AWAY, TimeoutError) as error:
        yield Finding("database", "fail", f"The database does not let us in: {error or 'no answer'}")
        return
    try:
        row = await connection.fetchrow(_DATABASE)
        for finding in judged(row, datetime.now(UTC)):
            yield finding
        found = await revision(connection)
        yield _schema(found)
        if why_not_work(found) is None:
            async for finding in _inboxes(connection, vault):
                yield finding
    finally:
        await connection.close()


def judged(row: Any, now: datetime) -> list[Finding]:
    """What the database says of itself: durability, who we are to it, its clock."""
    found = []
    off = [name for name in ("fsync", "full_page_writes") if row[name] != "on"]
    off += ["synchronous_commit"] * (row["synchronous_commit"] == "off")
    if off:
        sentence = f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off: messages can be lost. Switch it on."
        found.append(Finding("durability", "fail", sentence))
    else:
        found.append(Finding("durability", "ok", f"PostgreSQL {row['major']} writes to disk before it says so."))
    if row["above"]:
        sentence = "We are above row-level security: workspaces are not kept apart. Use an ordinary user."
        found.append(Finding("role", "fail", sentence))
    else:
        found.append(Finding("role", "ok", "Row-level security binds the application."))
    if row["encoding"] != "UTF8":
        found.append(Finding("encoding", "fail", f"The database is in {row['encoding']}. Make one in UTF8."))
    skew = abs((now - row["now"]).total_seconds())
    if skew > SKEW:
        sentence = f"Our clock and the database's differ by {skew:.1f} s. Run a time service (NTP) on both."
        found.append(Finding("clock", "fail", sentence))
    else:
        found.append(Finding("clock", "ok", "Our clock and the database's agree."))
    return found


def _schema(found: str | None) -> Finding:
    if found is None:
        return Finding("schema", "warn", "The database is empty. The first start makes its tables.")
    if problem := why_not_work(found):
        return Finding("schema", "fail", problem)
    if is_newer(found):
        return Finding("schema", "ok", f"A newer version brought the database to {found}. This one works with it.")
    return Finding("schema", "ok", f"The database is at revision {found}, as this version needs.")


async def _inboxes(connection: Any, vault: Vault | None) -> AsyncIterator[Finding]:
    async with connection.transaction(readonly=True):
        await connection.execute("select set_config('app.across', 'on', true)")
        rows = await connection.fetch("select * from inboxes where deleted_at is null order by workspace_id, id")
    for row in rows:
        name = f"inbox {row['name']}"
        if row["credentials"] and vault and (problem := _sealed(vault, row)):
            yield Finding(name, "fail", f"{problem} Bring the key file back, or enter its credentials again.")
        elif not row["enabled"]:
            yield Finding(name, "ok", "It is switched off.")
        elif row["health"] == "off":
            yield Finding(name, "fail", f"{row['health_note'] or 'It does not work.'} Connect it again (settings).")
        elif row["health"] == "attention":
            yield Finding(name, "warn", f"{row['health_note'] or 'It has trouble.'} It is being tried again.")
        else:
            lived = row["last_inbound_at"] or row["last_outbound_at"]
            waits = f"It waits for its {'next' if lived else 'first'} message."
            yield Finding(name, "ok", waits if row["health"] == "waiting" else "It works.")


def _sealed(vault: Vault, row: Any) -> str | None:
    try:
        inboxes.secrets_of(vault, row)
    except KeyProblem as problem:
        return str(problem)
    return None


# --- our address --------------------------------------------------------------------------------------------------


def _place(settings: Settings) -> tuple[str, int, bool]:
    """Host, port and whether it is TLS, of the public address."""
    parts = urlsplit(settings.url)
    return parts.hostname or "", parts.port or (443 if settings.secure else 80), settings.secure


async def _name(settings: Settings) -> Finding:
    host, port, _ = _place(settings)
    try:
        found = await fetch.resolve_public(host, port, allow=EVERYWHERE)
    except fetch.FetchError as error:
        return Finding("dns", "fail", f"{error} Set FRONTDESK_URL to the address that browsers use, or its DNS record.")
    return Finding("dns", "ok", f"{host} is {', '.join(map(str, found))}.")


async def _certificate(settings: Settings) -> Finding:
    host, port, secure = _place(settings)
    if not secure:
        local = host in ("localhost", "127.0.0.1", "::1")
        sentence = f"{settings.url} is not https: providers will not call it, and passwords travel in clear."
        return Finding("tls", "ok" if local else "warn", "Only this machine comes here." if local else sentence)
    try:
        async with asyncio.timeout(PATIENCE):
            tls = ssl.create_default_context()
            _, writer = await fetch.connect(host, port, tls=tls, allow=EVERYWHERE)
        certificate = writer.get_extra_info("ssl_object").getpeercert()
        writer.close()
    except (fetch.FetchError, OSError, TimeoutError) as error:
        return Finding("tls", "fail", f"No TLS at {host}:{port}: {error or 'no answer'}. Renew the certificate there.")
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC) - datetime.now(UTC)
    if left < CERTIFICATE_WARN:
        return Finding("tls", "warn", f"The certificate of {host} ends in {left.days} days. Renew it.")
    return Finding("tls", "ok", f"The certificate of {host} is good for {left.days} more days.")


async def _port(settings: Settings) -> Finding:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await fetch.connect(host, settings.port, allow=EVERYWHERE)
        writer.close()
    except (fetch.FetchError, OSError, TimeoutError):
        return Finding("port", "warn", f"Nobody listens on port {settings.port} of {host}. Start: frontdesk run")
    return Finding("port", "ok", f"Something listens on port {settings.port} of {host}.")


def proof(vault: Vault, nonce: str) -> str:
    """What only an installation with our key can answer to a number that was just made up."""
    return hmac.new(vault.derive("doctor"), nonce.encode(), hashlib.sha256).hexdigest()


async def reachable(settings: Settings, vault: Vault) -> Finding:
    """Ask our own public address, where providers deliver, for something that only we can answer."""
    nonce = secrets.token_hex(16)
    advice = "Point the proxy's /hooks/ at this process, and set FRONTDESK_URL to the address that providers call."
    try:
        url = f"{settings.url}/hooks/doctor?nonce={nonce}"
        answer = await fetch.fetch(url, max_bytes=1000, timeout=PATIENCE, allow_private=EVERYWHERE)
    except fetch.FetchError as error:
        return Finding("webhooks", "fail", f"{settings.url}/hooks does not answer: {error} {advice}")
    if answer.status != 200 or not hmac.compare_digest(answer.body.decode("latin-1"), proof(vault, nonce)):
        return Finding("webhooks", "fail", f"{settings.url}/hooks is answered by something else than we. {advice}")
    return Finding("webhooks", "ok", f"Deliveries to {settings.url}/hooks arrive here.")
