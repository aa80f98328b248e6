"""The agents' app: built files, served with the right age; every other path is the app's own."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import FromPath, PathParameter

import frontdesk
from frontdesk.kit.errors import NotFound

BUILT = Path(frontdesk.__file__).parent / "static" / "app"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; font-src 'self'; connect-src 'self'; frame-src 'self' blob:; manifest-src 'self';"
    " worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = (
    "<!doctype html><title>Frontdesk</title>"
    "<p>The screens are not built. Run <code>make screens</code>, then load this page again."
)


def _file(path: Path, accept: str, age: str, extra: dict[str, str] | None = None) -> Response[bytes]:
    """A built file, in the smallest form that the browser takes."""
    headers = {"Cache-Control": age, "Vary": "Accept-Encoding", **(extra or {})}
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "text/javascript"):
        kind += "; charset=utf-8"
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if encoding in accept and packed.is_file():
            return Response(packed.read_bytes(), media_type=kind, headers={**headers, "Content-Encoding": encoding})
    return Response(path.read_bytes(), media_type=kind, headers=headers)


def _inside(name: str) -> Path | None:
    """The built file called ``name``; nothing outside the folder."""
    if "\x00" in name:
        return None
    path = (BUILT / name.lstrip("/")).resolve()
    try:
        return path if path.is_relative_to(BUILT.resolve()) and path.is_file() else None
    except OSError:  # a longer name than a file can have
        return None


@get("/assets/{name:path}", include_in_schema=False)
async def asset(
    request: Request[Any, Any, Any], name: Annotated[str, PathParameter(max_length=300)]
) -> Response[bytes]:
    """A file whose name contains its hash: it never changes."""
    path = _inside(f"assets/{name.lstrip('/')}")
    if path is None:
        raise NotFound("This file")
    return _file(path, request.headers.get("accept-encoding", ""), "public, max-age=31536000, immutable")


@get(["/", "/{path:path}"], include_in_schema=False)
async def app(request: Request[Any, Any, Any], path: FromPath[str] = "/") -> Response[bytes]:
    """The app for any of its addresses; files that stand beside its page by name."""
    first = path.strip("/").split("/")[0]
    if first in ("api", "hooks", "files", "widget", "assets"):
        raise NotFound("This address")
    found = _inside(path) if first and "." in first else None
    accept = request.headers.get("accept-encoding", "")
    if found is not None and found.name != "index.html":
        return _file(found, accept, "public, max-age=3600")
    index = BUILT / "index.html"
    if not index.is_file():
        return Response(_NOT_BUILT.encode(), media_type="text/html; charset=utf-8", status_code=503)
    return _file(
        index,
        accept,
        "no-cache",
        {"Content-Security-Policy": POLICY, "X-Frame-Options": "DENY", "ETag": _etag(index.stat().st_mtime_ns)},
    )


@cache
def _etag(changed: int) -> str:
    return f'"{hashlib.sha256(str(changed).encode()).hexdigest()[:16]}"'


ROUTES = [asset, app]
