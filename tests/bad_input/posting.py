"""How the cases of HTTP post: JSON to the API, deliveries to the hook, bytes to the port."""

from __future__ import annotations

from bad_input.site import Site, refused

JSON = {"content-type": "application/json"}
LABELS = "/api/v1/labels"


async def malformed(site: Site, *bodies: bytes) -> None:
    """None of these is JSON that an operation takes, and none changes anything."""
    before = await site.value("select count(*) from labels")
    for body in bodies:
        refused(await site.api.post(LABELS, content=body, headers=JSON), "invalid")
    assert await site.value("select count(*) from labels") == before


async def taken(site: Site, body: bytes, **headers: str) -> int:
    """A signed delivery: answered 2xx, so there is a row. How many are new."""
    before = sum((await site.fates()).values())
    answer = await site.post_hook(body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, answer.text
    return sum((await site.fates()).values()) - before


async def turned_away(site: Site, body: bytes, status: int, **more: str) -> None:
    """Not from the provider: a problem, and nothing is stored."""
    before = await site.fates()
    answer = await site.post_hook(body, signed=False, headers=more)
    refused(answer)
    assert answer.status_code == status
    assert await site.fates() == before


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


async def alive(site: Site) -> None:
    assert (await site.api.get("/livez")).status_code == 200


def request(path: str, *headers: str, body: bytes = b"", method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
