"""The simulator in this process, and a stand-in for the desk that it calls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import uvicorn

from frontdesk_sim.__main__ import arguments, serving
from frontdesk_sim.world import World

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Call:
    """One webhook as the desk received it."""

    url: str
    headers: dict[str, str]
    params: dict[str, str]


@dataclass
class Desk:
    """Records webhooks. ``answer`` decides status, content type and body; ``hold`` delays answers until it is set."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], tuple[int, str, bytes]] = lambda call: (200, "text/xml", b"<Response/>")
    hold: asyncio.Event | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        url = f"{self.url}{scope['path']}" + (f"?{query}" if query else "")
        params = {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        call = Call(url, headers, params)
        self.calls.append(call)
        if self.hold is not None:
            await self.hold.wait()
        status, content_type, content = self.answer(call)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type.encode())]}
        )
        await send({"type": "http.response.body", "body": content})

    def statuses(self) -> list[str]:
        return [call.params["MessageStatus"] for call in self.calls if "MessageStatus" in call.params]

    def inbound(self) -> list[Call]:
        return [call for call in self.calls if call.params.get("SmsStatus") == "received"]


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    desk.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = _Quiet(uvicorn.Config(desk, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    yield desk
    server.should_exit = True
    await task


@dataclass
class Sim:
    """The running simulator, its control API, and the credentials of its default account."""

    world: World
    http: httpx.AsyncClient
    account: str = ""
    token: str = ""
    number: str = ""
    mailbox: str = ""
    password: str = ""

    def learn(self, overview: dict[str, Any]) -> None:
        twilio, box = overview["twilio"], overview["mailbox"]
        self.account, self.token, self.number = twilio["account_sid"], twilio["auth_token"], twilio["number"]
        self.mailbox, self.password = box["address"], box["password"]

    @property
    def smtp_port(self) -> int:
        return int(self.world.mail["smtp"]["port"])  # type: ignore[index]

    @property
    def imap_port(self) -> int:
        return int(self.world.mail["imap"]["port"])  # type: ignore[index]

    async def control(self, method: str, path: str, data: Any = None, *, status: int | None = None) -> Any:
        answer = await self.http.request(method, f"/control{path}", json=data)
        assert answer.status_code < 300 if status is None else answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def settle(self) -> None:
        assert (await self.control("POST", "/settle", {"timeout": 20}))["settled"]

    async def truth(self, kind: str = "", party: str = "") -> list[dict[str, Any]]:
        answer = await self.http.get("/control/truth", params={"kind": kind, "party": party})
        return list(answer.json()["items"])

    async def send(self, **form: Any) -> httpx.Response:
        """A send request as a client of Twilio makes it; ``From`` and ``To`` have defaults."""
        form = {"From": self.number, "To": "+12025550101", **form}
        return await self.twilio("POST", "/Messages.json", data=form)

    async def send_with_timeout(self, seconds: float, **form: Any) -> httpx.Response:
        form = {"From": self.number, "To": "+12025550101", **form}
        return await self.twilio("POST", "/Messages.json", data=form, timeout=seconds)

    async def twilio(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"/2010-04-01/Accounts/{self.account}{path}"
        return await self.http.request(method, url, auth=(self.account, self.token), **more)


@contextlib.asynccontextmanager
async def running(home: Path, *more: str) -> AsyncIterator[Sim]:
    """A simulator in this process. Texts travel at once."""
    options = arguments(["--port", "0", "--home", str(home), *more])
    async with serving(options) as world, httpx.AsyncClient(base_url=world.base_url, trust_env=False) as http:
        sim = Sim(world, http)
        sim.learn((await http.get("/control")).json())
        await sim.control("PUT", "/settings", {"pace": 0})
        yield sim


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sim]:
    async with running(tmp_path_factory.mktemp("sim")) as sim:
        yield sim


@pytest.fixture
async def sim(server: Sim) -> Sim:
    """The simulator as on its first start."""
    server.learn(await server.control("POST", "/reset"))
    await server.control("PUT", "/settings", {"pace": 0})
    return server


@pytest.fixture
async def hooked(sim: Sim, desk: Desk) -> Sim:
    """The simulator with its number announcing texts to the desk."""
    await sim.control("PUT", f"/numbers/{sim.number}", {"sms_url": f"{desk.url}/hook?m=1"})
    return sim


async def until(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Poll until the condition holds; fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run a blocking client while the simulator goes on in this loop."""
    return await asyncio.to_thread(work)


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    """Twilio's own description of the API; it is not part of this repository."""
    folder = Path(os.environ.get("FRONTDESK_JUDGES", ROOT.parent / "shared" / "data"))
    path = folder / "openapi" / "twilio_api_v2010.json"
    if not path.exists():
        pytest.skip(
            f"needs Twilio's OpenAPI description at {path} (set FRONTDESK_JUDGES to the folder that has openapi/)"
        )
    return dict(json.loads(path.read_text()))
