"""The workspace of a run, set up and used through the public API as any integration would."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from chaos.hooks import COURIER_SECRET
from chaos.provider import ACCOUNT, NUMBER, TOKEN
from chaos.settings import INBOX, PUBLIC
from chaos.wire import Balanced

OWNER = {"workspace": "Chaos", "name": "Robin", "email": "robin@example.org", "password": "correct horse battery"}
SCOPES = ["conversations:read", "conversations:write", "inboxes:read"]


@dataclass(frozen=True)
class Furniture:
    """What a furnished workspace is used with."""

    token: str
    hooks: dict[str, str]  # addresses by channel


class Office:
    """A client of the API with a token that sees everything."""

    def __init__(self, ports: Sequence[int], furniture: Furniture | None = None) -> None:
        self.crashes: list[str] = []  # answers that nobody had foreseen: with 500
        self.client = httpx.AsyncClient(
            base_url=PUBLIC,
            timeout=5,
            transport=Balanced(ports, connections=64),
            event_hooks={"response": [self._read]},
        )
        if furniture:
            self.client.headers["Authorization"] = f"Bearer {furniture.token}"

    async def close(self) -> None:
        await self.client.aclose()

    async def _read(self, answer: httpx.Response) -> None:
        if answer.status_code == 500:
            self.crashes.append(f"{answer.request.method} {answer.request.url.path}")

    async def ready(self, within: float = 300) -> bool:
        """Wait for ``/readyz``; whether it came."""
        ends = time.time() + within
        while time.time() < ends:
            with contextlib.suppress(httpx.TransportError):
                if (await self.client.get("/readyz", timeout=1)).status_code == 200:
                    return True
            await asyncio.sleep(0.03)
        return False

    async def furnish(self) -> Furniture:
        """Owner, inboxes on all three providers (which are nowhere yet), and a token."""
        nowhere, hooks = "http://127.0.0.1:9", {}
        if not await self.ready():
            raise OSError("The web process did not become ready.")
        me = await self._must("POST", "/setup", {**OWNER, "timezone": "Europe/Athens"})
        self.client.headers["X-CSRF-Token"] = me["csrf"]
        sms = {
            "provider": "twilio",
            "number": NUMBER,
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "api_base": nowhere,
        }
        wanted = {
            "sms": {**sms, **INBOX},
            "keyed": {"url": nowhere, "secret": COURIER_SECRET},
            "plain": {"url": nowhere, "secret": COURIER_SECRET},
        }
        for channel, settings in wanted.items():
            inbox = {"channel": channel, "name": channel.capitalize(), "settings": settings}
            hooks[channel] = (await self._must("POST", "/inboxes", inbox))["hook_url"]
        token = await self._must("POST", "/tokens", {"name": "chaos", "scopes": SCOPES})
        return Furniture(token["token"], hooks)

    async def _must(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, f"/api/v1{path}", json=body)
        if not answer.is_success:
            raise OSError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    async def read(self, path: str) -> Any:
        """A GET that is tried again for up to half a minute."""
        for _ in range(60):
            with contextlib.suppress(httpx.TransportError):
                answer = await self.client.get(f"/api/v1{path}")
                if answer.is_success:
                    return answer.json()
            await asyncio.sleep(0.5)
        raise OSError(f"GET {path} does not answer.")

    async def everything(self, path: str, cursor: str = "cursor") -> list[dict[str, Any]]:
        """All pages of a list."""
        joint, items, page = "&" if "?" in path else "?", [], None
        while page is None or page["next"]:
            page = await self.read(f"{path}{joint}limit=200" + (f"&{cursor}={page['next']}" if page else ""))
            items += page["items"]
        return items
