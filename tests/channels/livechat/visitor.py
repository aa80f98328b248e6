"""A visitor who calls the endpoints as the widget does, and the identity that a site's server would sign."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

import httpx
from litestar import Litestar

from channels.livechat.livechat_desk import IDENTITY_SECRET, KEY, SITE, SqliteDesk
from frontdesk.channels.livechat import CHANNEL
from frontdesk.channels.port import Serves
from frontdesk.kit.clock import now

BASE = "http://desk.test"


def app_on(desk: SqliteDesk) -> Litestar:
    assert isinstance(CHANNEL.driver, Serves)
    return Litestar(route_handlers=list(CHANNEL.driver.routes(desk)), openapi_config=None)


class Visitor:
    """One browser. Every call goes through HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http, self.token = http, ""

    async def begin(self, **more: Any) -> httpx.Response:
        body = {"key": KEY, "origin": SITE, **({"token": self.token} if self.token else {}), **more}
        answer = await self.http.post("/widget/v1/session", json=body)
        if answer.is_success:
            self.token = answer.json()["token"]
        return answer

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        answer = await self.http.post(f"/widget/v1/{path}", json=body, headers=self.headers, **more)
        if answer.is_success and answer.content and answer.json().get("token"):
            self.token = answer.json()["token"]
        return answer

    async def say(self, text: str = "Hello", **more: Any) -> httpx.Response:
        return await self.post("messages", {"id": str(uuid4()), "text": text, **more})

    async def upload(self, data: bytes, name: str) -> httpx.Response:
        return await self.http.post("/widget/v1/files", params={"name": name}, content=data, headers=self.headers)

    async def thread(self) -> list[dict[str, Any]]:
        answer = await self.http.get("/widget/v1/thread", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def identity(secret: str = IDENTITY_SECRET, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A JWT as a site's server would sign it; ``claims`` that are None are left out."""
    seconds = int(now().timestamp())
    claims = {"sub": "user-7", "exp": seconds + 3600, **claims}
    header = header or {"alg": "HS256", "typ": "JWT"}
    parts = [header, {name: value for name, value in claims.items() if value is not None}]
    signed = ".".join(_b64(json.dumps(part).encode()) for part in parts)
    digest = {"HS384": "sha384", "HS512": "sha512"}.get(header["alg"], "sha256")
    return f"{signed}.{_b64(hmac.digest(secret.encode(), signed.encode(), digest))}"


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
