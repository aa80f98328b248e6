"""The files of the widget: the loader that the site embeds, the page inside its frame, and a page to try it on.

They are built from ``widget/`` into ``static/widget`` of the package; nothing here is generated per visitor.
"""

from __future__ import annotations

import gzip
import hashlib
import html
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from litestar import Response

import frontdesk
from frontdesk.channels.livechat import settings
from frontdesk.channels.livechat.gate import Asked, Front, find_inbox, may_embed, own_origins, public_key
from frontdesk.channels.livechat.problems import Problem
from frontdesk.channels.livechat.visits import presence, site
from frontdesk.kit import clock

BUILT = Path(frontdesk.__file__).parent / "static" / "widget"
HERE = Path(__file__).parent
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
FOREVER = "public, max-age=31536000, immutable"
SHORT = "public, max-age=300"
SMALLEST_TO_PACK = 512  # bytes


@dataclass(frozen=True)
class File:
    body: bytes
    packed: bytes
    etag: str
    media_type: str


def _file(body: bytes, ending: str) -> File:
    packed = gzip.compress(body, 9, mtime=0)
    media_type = TYPES.get(ending, "application/octet-stream")
    return File(body, packed, f'W/"{hashlib.sha256(body).hexdigest()[:24]}"', media_type)


@cache
def _built(folder: Path, name: str) -> File:
    """A built file by its name relative to ``folder``; raises a 404 problem, also for names that lead elsewhere."""
    path = folder / name
    try:
        if folder.resolve() in path.resolve().parents:
            return _file(path.read_bytes(), path.suffix)
    except (OSError, ValueError):  # not there, too long a name, a NUL in it
        pass
    raise Problem(404, "not_found", "There is no such file.")


def _serve(request: Asked, file: File, headers: dict[str, str]) -> Response[bytes]:
    headers = {
        "etag": file.etag,
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        **headers,
    }
    if file.etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    codings = [coding.partition(";")[0].strip() for coding in request.headers.get("accept-encoding", "").split(",")]
    if "gzip" in codings and len(file.body) >= SMALLEST_TO_PACK:
        headers["content-encoding"] = "gzip"
        return Response(file.packed, headers=headers, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)


async def loader(front: Front, request: Asked) -> Response[bytes]:
    """``/widget.js``. With ``?key=`` it brings the inbox's look along: the button is right at once."""
    try:
        file = _built(BUILT, "widget.js")
    except Problem as error:
        _built.cache_clear()
        raise Problem(503, "not_built", "The widget has not been built: npm ci && npm run build in widget/.") from error
    key = request.query_params.get("key", "")
    if key:
        file = _file(await _look(front, key) + file.body, ".js")
    headers = {
        "cache-control": SHORT,
        "cross-origin-resource-policy": "cross-origin",
        "access-control-allow-origin": "*",
    }
    return _serve(request, file, headers)


async def _look(front: Front, key: str) -> bytes:
    """What the loader should know at once. An unknown key is no error here: the host page must not break over it."""
    try:
        account = await find_inbox(front, key)
    except Problem:
        return b""
    view = site(account)
    away = (await presence(front, account, clock.now())).away
    look = {"key": key, "colour": view.colour, "position": view.position, "title": view.title, "hidden": away == "hide"}
    return b"self.frontdeskLook=" + msgspec.json.encode(look) + b";\n"


async def app(front: Front, request: Asked) -> Response[bytes]:
    """``/widget/app``: the page in the frame, which only the inbox's own sites may show."""
    account = await find_inbox(front, request.query_params.get("key", ""))
    origin = request.query_params.get("o", "")
    if not may_embed(request, account, origin):
        raise Problem(403, "origin_not_allowed", f"{origin[:200]} is not one of this chat's websites.")
    own = sorted(own_origins(request, account))
    policy = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        f"img-src 'self' data: blob: {' '.join(own)}",
        f"media-src 'self' blob: {' '.join(own)}",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors 'self' {' '.join(settings.origins(account))}",
    ]
    headers = {
        "content-security-policy": "; ".join(policy),
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "no-cache",
    }
    return _serve(request, _built(BUILT / "app", "index.html"), headers)


async def asset(front: Front, request: Asked) -> Response[bytes]:
    """``/widget/assets/…``: names carry a hash of the content, so they never change."""
    name = str(request.path_params.get("name", ""))
    return _serve(request, _built(BUILT / "app" / "assets", name), {"cache-control": FOREVER})


async def demo(front: Front, request: Asked) -> Response[bytes]:
    """``/widget/demo?key=``: the chat on our own address, to try it before the site has it."""
    account = await find_inbox(front, request.query_params.get("key", ""))
    key, origin = public_key(account), "/".join(account.hook_url.split("/")[:3])
    values = {"key": key, "title": site(account).title, "origin": origin}
    page = (HERE / "demo" / "demo.html").read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", html.escape(value, quote=True))
    headers = {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "x-robots-tag": "noindex",
    }
    return _serve(request, _file(page.encode(), ".html"), headers)


async def demo_file(front: Front, request: Asked) -> Response[bytes]:
    name = str(request.path_params.get("name", ""))
    if name not in ("demo.css", "demo.js"):
        raise Problem(404, "not_found", "There is no such file.")
    return _serve(request, _built(HERE / "demo", name), {"cache-control": SHORT})
