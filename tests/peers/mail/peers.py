"""A real mail host on loopback: Exim takes and relays, Dovecot keeps; beside them a sign-in server for OAuth.

Dovecot runs as an ordinary user, Exim needs root. Everything lives in one temporary folder and on free ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from frontdesk.channels.port import Account, Raw, Whisper

INSTALL = "sudo apt install dovecot-imapd dovecot-lmtpd exim4-daemon-light"
DESK, PASSWORD = "desk@support.test", "correct-horse"


def need(*programs: str, root: bool = False) -> None:
    """Skip with the line that installs what is missing; with REQUIRE_PEERS=1 that is a failure."""
    missing = [name for name in programs if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if not missing and not (root and os.geteuid() != 0):
        return
    why = f"needs {', '.join(missing)}: {INSTALL}" if missing else "Exim can only be started by root"
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(why)
    pytest.skip(why)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


async def until_open(port: int, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


class Place:
    """A temporary folder with a certificate, owned by the user that the servers run as."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="frontdesk-mail-"))
        self.root.chmod(0o755)
        self.user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.certificate = self._certificate()

    def folder(self, name: str, user: str | None = None) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        self.give(path, user)
        return path

    def give(self, path: Path, user: str | None = None) -> Path:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(user or self.user)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        return path

    def _certificate(self) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.support.test")])
        today = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.root / "cert.pem").write_text(pem)
        (self.root / "key.pem").write_bytes(private)
        (self.root / "key.pem").chmod(0o644)  # a throw-away key that two users must read
        return pem

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


class Dovecot:
    """IMAP (plain with STARTTLS, and TLS) and LMTP. Every address has a mailbox and the same password."""

    def __init__(self, place: Place, token_port: int) -> None:
        need("dovecot")
        self.place = place
        self.imap, self.imaps, self.lmtp = free_ports(3)
        self.home = place.folder("dovecot")
        self.mail = place.folder("dovecot/mail")
        for name in ("run", "state"):
            place.folder(f"dovecot/{name}")
        self.config = self.home / "dovecot.conf"
        self._write(token_port)
        self.process: subprocess.Popen[bytes] | None = None

    def _write(self, token_port: int) -> None:
        oauth = self.home / "oauth.conf.ext"
        oauth.write_text(
            f"introspection_mode = auth\nintrospection_url = http://127.0.0.1:{token_port}/tokeninfo\n"
            "username_attribute = email\nactive_attribute = active\nactive_value = true\n"
        )
        user = self.place.user
        group = "nogroup" if user == "nobody" else user
        self.config.write_text(f"""
protocols = imap lmtp
base_dir = {self.home}/run
state_dir = {self.home}/state
log_path = {self.home}/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.place.root}/cert.pem
ssl_key = <{self.place.root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_process_limit = 50
first_valid_uid = 0
mail_location = maildir:{self.mail}/%u
mail_fsync = never
imap_idle_notify_interval = 29 mins
passdb {{
  driver = static
  mechanisms = plain login
  args = password={PASSWORD}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {oauth}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={self.mail}/%u allow_all_users=yes
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp}
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
}}
""")

    async def start(self) -> None:
        switch: dict[str, Any] = {}
        if os.geteuid() == 0:
            switch = {"user": self.place.user, "group": "nogroup", "extra_groups": []}
        self.process = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **switch,
        )
        try:
            await until_open(self.imap)
            await until_open(self.lmtp)
        except TimeoutError:
            log = self.home / "log"
            raise AssertionError(log.read_text() if log.exists() else "dovecot wrote no log") from None

    async def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 20)
            self.process = None

    def new_uidvalidity(self, user: str) -> None:
        """Forget all numbers: what happens when a server is restored from a backup or moved."""
        for name in (
            "dovecot-uidlist",
            "dovecot-uidvalidity",
            "dovecot.index",
            "dovecot.index.log",
            "dovecot.index.cache",
        ):
            for path in (self.mail / user).glob(f"{name}*"):
                path.unlink()


class Exim:
    """Takes mail for support.test (to Dovecot by LMTP) and desk.test (to our listener), relays for who logged in."""

    def __init__(self, place: Place, dovecot_lmtp: int, desk_port: int) -> None:
        need("exim4", root=True)
        self.place = place
        self.smtp, self.smtps = free_ports(2)
        self.home = place.folder("exim", "Debian-exim")
        for name in ("spool", "log"):
            place.folder(f"exim/{name}", "Debian-exim")
        self.config = self.home / "exim.conf"
        self.config.write_text(f"""
spool_directory = {self.home}/spool
log_file_path = {self.home}/log/%slog
pid_file_path = {self.home}/exim.pid
primary_hostname = mx.support.test
daemon_smtp_ports = {self.smtp} : {self.smtps}
tls_on_connect_ports = {self.smtps}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = {place.root}/cert.pem
tls_privatekey = {place.root}/key.pem
domainlist known = support.test : desk.test
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
dsn_advertise_hosts = *
exim_user = Debian-exim
exim_group = Debian-exim
queue_run_max = 4
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 2000
check_spool_space = 0
check_spool_inodes = 0
message_logs = false
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 30M
begin acl
check_rcpt:
  deny local_parts = missing
       message = 5.1.1 User unknown
  defer local_parts = later
        message = 4.2.1 Greylisted, try again
  accept domains = +known
  accept authenticated = *
  deny message = relay not permitted
begin routers
desk:
  driver = manualroute
  domains = desk.test
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_desk
bounced:
  driver = redirect
  local_parts = fails
  allow_fail
  data = :fail: 5.1.1 no such person
box:
  driver = manualroute
  domains = support.test
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_dovecot
begin transports
to_dovecot:
  driver = smtp
  protocol = lmtp
  port = {dovecot_lmtp}
  hosts_override
  allow_localhost
to_desk:
  driver = smtp
  protocol = lmtp
  port = {desk_port}
  hosts_override
  allow_localhost
begin retry
* * F,1h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_set_id = $auth2
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{DESK}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
""")
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with (self.home / "stderr").open("wb") as words:
            self.process = subprocess.Popen(
                ["/usr/sbin/exim4", "-C", str(self.config), "-bdf", "-q1s"], stdout=subprocess.DEVNULL, stderr=words
            )
        try:
            await until_open(self.smtp)
        except TimeoutError:
            raise AssertionError((self.home / "stderr").read_text()) from None

    async def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait, 20)
            self.process = None


class TokenServer:
    """Gives access tokens for the refresh token "good", and tells Dovecot whose they are."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.valid: set[str] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        status, answer = self._answer(path, headers, {name: v[0] for name, v in parse_qs(body).items()})
        data = json.dumps(answer).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (status, len(data))
        )
        writer.write(data)
        await writer.drain()
        writer.close()

    def _answer(self, path: str, headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/token":
            if form.get("refresh_token") != "good":
                return 400, {"error": "invalid_grant"}
            token = f"token-{len(self.asked)}"
            self.valid.add(token)
            return 200, {"access_token": token, "expires_in": 3600}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.valid:
            return 200, {"active": "true", "email": DESK}
        return 401, {"error": "invalid_token"}


class MemorySink:
    """Dedupes as the table of raw deliveries does: unique on the key, mails and checkpoint in one step."""

    def __init__(self) -> None:
        self.raws: dict[str, Raw] = {}
        self.saved: Mapping[str, Any] = {}
        self.stored = 0  # including repeats
        self.notes: list[str] = []
        self.changed = asyncio.Condition()

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        new = 0
        async with self.changed:
            for raw in raws:
                self.stored += 1
                new += raw.dedupe_key not in self.raws
                self.raws.setdefault(raw.dedupe_key, raw)
            if checkpoint is not None:
                self.saved = json.loads(json.dumps(checkpoint))
            self.changed.notify_all()
        return new

    async def checkpoint(self) -> Mapping[str, Any]:
        return self.saved

    async def healthy(self, note: str = "") -> None:
        await self._note(f"healthy: {note}")

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None:
        await self._note(f"unhealthy{'!' if needs_person else ''}: {reason}")

    async def _note(self, text: str) -> None:
        async with self.changed:
            self.notes.append(text)
            self.changed.notify_all()

    async def whisper(self, whisper: Whisper) -> None:
        raise AssertionError("mail does not whisper")

    async def until_count(self, count: int, seconds: float = 60) -> None:
        await self.until(lambda: len(self.raws) >= count, seconds, lambda: f"{len(self.raws)} of {count}; {self.notes}")

    async def until(self, condition: Any, seconds: float = 60, what: Any = lambda: "") -> None:
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"waited {seconds} s in vain: {what() or self.notes}") from None


def account(settings: Mapping[str, Any], **more: Any) -> Account:
    return Account(
        workspace_id=1,
        inbox_id=1,
        name="Support",
        settings={"address": DESK, "username": DESK, "password": PASSWORD, **settings, **more},
        hook_url="http://127.0.0.1/hooks/x",
        secret=f"the secret of {more.get('address', DESK)}".encode(),
    )
