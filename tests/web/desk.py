"""What the tests of the agents' app stand on: a real server in a process of its own, and simulated customers."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
BUILT = ROOT / "src/frontdesk/static/app/index.html"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
START = 90.0  # seconds that a first start may take: the database is made
DEADLINE = 15.0  # seconds that anything else may take
T = TypeVar("T")


def free_port() -> int:
    """Below the ports of outgoing connections, so that a browser's own end never takes it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def eventually(look: Callable[[], T], deadline: float = DEADLINE) -> T:
    """What ``look`` answers as soon as that is true."""
    until = time.monotonic() + deadline
    while not (found := look()):
        assert time.monotonic() < until, f"never true: {look}"
        time.sleep(0.1)
    return found


class Frontdesk:
    """``frontdesk run`` or ``frontdesk demo`` in an empty home."""

    def __init__(self, home: Path, command: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = home
        environment = {
            **os.environ,
            "FRONTDESK_HOME": str(home),
            "FRONTDESK_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }
        environment |= {"PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk.app.cli", command],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        self.process, self.output = process, process.stdout
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        for line in self.output:
            self.lines.put(line)
        self.lines.put(None)

    def line(self, beginning: str) -> str:
        """The rest of the first line that begins so."""
        until = time.monotonic() + START
        while (left := until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                line = self.lines.get(timeout=left)
                assert line is not None, f"it ended: {self.said}"
                self.said.append(line)
                if line.strip().startswith(beginning):
                    return line.strip().removeprefix(beginning).strip()
        raise AssertionError(f"never said {beginning!r}: {self.said}")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.listener.join()
        self.output.close()


class Demo:
    """The demo workspace, and the customers of its simulator."""

    def __init__(self, home: Path) -> None:
        self.server = Frontdesk(home, "demo")
        self.server.line("Frontdesk  ")
        self.email, self.password = self.server.line("Sign in").split()
        self.sim = httpx.Client(base_url=self.server.line("Be the customer"), timeout=30, trust_env=False)
        self.control("POST", "/control/scene", {"on": False})
        self.control("PUT", "/control/settings", {"pace": 0})

    @property
    def url(self) -> str:
        return self.server.url

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.sim.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def customer(self, name: str) -> dict[str, Any]:
        """Somebody who never wrote before. Numbers from 555-0150 upwards are set aside for fiction."""
        used = {one["number"] for one in self.everybody()}
        number = next(f"+1202555{n:04}" for n in range(150, 200) if f"+1202555{n:04}" not in used)
        mail = name.lower().replace(" ", ".") + "@example.org"
        who = {"name": name, "number": number, "email": mail}
        made: dict[str, Any] = self.control("POST", "/control/customers", who)
        return made

    def everybody(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "/control/customers"))

    def text(self, customer: dict[str, Any], body: str) -> None:
        self.control("POST", f"/control/customers/{customer['id']}/texts", {"body": body})

    def mail(self, customer: dict[str, Any], subject: str, text: str, html: str | None = None) -> None:
        body = {"subject": subject, "text": text, **({"html": html} if html else {})}
        self.control("POST", f"/control/customers/{customer['id']}/mails", body)

    def accepted(self, customer: dict[str, Any]) -> list[str]:
        """The texts that the provider really took for this customer, in order."""
        answer = self.control(
            "GET", f"/control/truth?kind=text.accepted&party={customer['number']}&limit=500".replace("+", "%2B")
        )
        lines = answer["items"] if isinstance(answer, dict) else answer
        return [
            json.loads(line["facts"])["body"] if isinstance(line["facts"], str) else line["facts"]["body"]
            for line in lines
        ]

    def stop(self) -> None:
        self.sim.close()
        self.server.stop()
