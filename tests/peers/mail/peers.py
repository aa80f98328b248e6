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
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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


def filled(name: str, **values: object) -> str:
    """The configuration beside this file with its ``@NAMES@`` filled in."""
    text = (Path(__file__).parent / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


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
        values = {"HOME": self.home, "ROOT": self.place.root, "PASSWORD": PASSWORD, "OAUTH": oauth, "USER": user}
        ports = {"IMAPS": self.imaps, "IMAP": self.imap, "LMTP": self.lmtp}
        self.config.write_text(filled("dovecot.conf", GROUP=group, MAIL=self.mail, **values, **ports))

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
        ports = {"SMTP": self.smtp, "SMTPS": self.smtps, "LMTP": dovecot_lmtp, "DESK": desk_port}
        values = {"HOME": self.home, "ROOT": place.root, "USER": DESK, "PASSWORD": PASSWORD}
        self.config.write_text(filled("exim.conf", **values, **ports))
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
