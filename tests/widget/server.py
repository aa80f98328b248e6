"""A server of its own process for the widget: the live chat's endpoints on a desk in a file, and levers for the test.

Run with the port, the file of the desk, and the settings of the inbox as JSON. The levers under ``/test`` play the
team.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, Response, get, post

from channels.livechat.livechat_desk import SqliteDesk, an_account
from frontdesk.channels.livechat import CHANNEL
from frontdesk.channels.port import Serves, Whisper

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def levers(desk: SqliteDesk) -> list[Any]:
    @post("/test/say")
    async def say(data: dict[str, Any]) -> dict[str, str]:
        return {"id": desk.say(desk.visitors()[-1], data["text"], author=data.get("author", "Ada"))}

    @post("/test/typing")
    async def typing() -> None:
        address = desk.visitors()[-1]
        desk.murmur(address, Whisper(sender=address, kind="typing"))

    @post("/test/read")
    async def read() -> None:
        address = desk.visitors()[-1]
        desk.murmur(address, Whisper(sender=address, kind="seen"))

    @post("/test/settings")
    async def settings(data: dict[str, Any]) -> None:
        account = desk.the_account
        assert account is not None
        desk.the_account = an_account(account.hook_url.rpartition("/hooks/")[0], **{**account.settings, **data})

    @post("/test/here")
    async def here(data: dict[str, Any]) -> None:
        desk.here = bool(data["here"])

    @get("/test/state")
    async def state() -> dict[str, Any]:
        return {"written": desk.written(), "receipts": desk.receipts(), "whispers": len(desk.whispers)}

    @get("/test/files/{name:str}")
    async def file(name: str) -> Response[bytes]:
        return Response(PICTURE, media_type="image/png")

    return [say, typing, read, settings, here, state, file]


def main(port: int, path: Path, settings: dict[str, Any]) -> None:
    base = f"http://127.0.0.1:{port}"
    desk = SqliteDesk(an_account(base, **settings), path, heartbeat=1.0)
    driver = CHANNEL.driver
    assert isinstance(driver, Serves)
    app = Litestar(route_handlers=[*driver.routes(desk), *levers(desk)], openapi_config=None)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
