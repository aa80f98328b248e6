"""Who calls the API in the cases: users with tokens, and pages in browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from bad_input.site import Site
from conftest import PASSWORD
from frontdesk.people import actions as people
from frontdesk.people import queries
from frontdesk.people.actions.signing import open_session
from frontdesk.people.rules import PERMISSIONS


async def new_user(site: Site, role: str = "user") -> tuple[int, str]:
    """(id, token) of somebody new."""
    email = f"u{site.unique()}@example.org"
    body = {"name": "Ben", "email": email, "role": role, "password": PASSWORD}
    answer = await ask_in_person(site, site.owner.user_id, "POST", "/users", body)
    assert answer.status_code == 201, answer.text
    user_id: int = answer.json()["id"]
    async with site.db.begin(site.workspace) as tx:
        scopes = sorted(PERMISSIONS[role])
        _, token = await people.create_token(tx, user_id=user_id, name="t", scopes=scopes, expires_at=None)
    return user_id, token


async def ask(site: Site, method: str, path: str, token: str, body: Any = None) -> httpx.Response:
    return await site.call(method, path, body, headers={"Authorization": f"Bearer {token}"})


async def ask_in_person(site: Site, user_id: int, method: str, path: str, body: Any) -> httpx.Response:
    """By this user, signed in: what no token may do."""
    async with site.db.begin(site.workspace) as tx:
        session = await open_session(tx, await queries.get_user(tx, user_id), ip=None, agent="")
    headers = {"Cookie": f"frontdesk={session.cookie}", "X-CSRF-Token": session.actor.csrf or ""}
    async with browser(site, **headers) as page:
        return await page.request(method, f"/api/v1{path}", json=body)


@asynccontextmanager
async def browser(site: Site, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token: a page in a browser."""
    async with httpx.AsyncClient(base_url=site.resources.settings.url, headers=headers, timeout=60) as opened:
        yield opened


async def sign_in(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    people.ATTEMPTS.clear()
    return await client.post("/api/v1/session", json={"email": "ana@example.org", "password": PASSWORD}, **more)
