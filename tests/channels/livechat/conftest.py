"""The live chat's endpoints on a desk in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from channels.livechat.livechat_desk import SqliteDesk, an_account
from channels.livechat.visitor import BASE, Visitor, app_on


@pytest.fixture
def desk() -> Iterator[SqliteDesk]:
    desk = SqliteDesk(an_account(BASE))
    yield desk
    desk.close()


@pytest.fixture
async def http(desk: SqliteDesk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app_on(desk))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


@pytest.fixture
async def visitor(http: httpx.AsyncClient) -> Visitor:
    visitor = Visitor(http)
    assert (await visitor.begin()).status_code == 200
    return visitor
