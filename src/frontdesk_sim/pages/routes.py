"""The pages: playing a customer, the demo shop, and the fault panel with the truth log."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get

from .. import scene
from ..customers import Customer, all_customers, customer
from ..faults import PROBABILITIES
from ..injected import InPath, InQuery, TheWorld
from ..picture import parcel
from ..world import World
from . import views
from .html import FOLDER, Html, joined, render

ASSETS = {"sim.css": "text/css", "sim.js": "text/javascript", "icon.svg": "image/svg+xml"}


POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
}


def _page(title: str, here: str, body: Html, *, allowing: dict[str, str] | None = None) -> Response[str]:
    """A whole page. Nothing is loaded from elsewhere, but what ``allowing`` adds to the content security policy."""
    tabs = joined(
        render("tab", href=href, name=name, current=Html('aria-current="page"') if href == here else "")
        for href, name in (("/", "Customers"), ("/shop", "Demo shop"), ("/faults", "Faults and truth"))
    )
    policy = "; ".join(f"{kind} {sources}" for kind, sources in {**POLICY, **(allowing or {})}.items())
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return Response(render("page", title=title, tabs=tabs, body=body), media_type="text/html", headers=headers)


def _fragment(content: Html) -> Response[str]:
    return Response(content, media_type="text/html", headers={"Cache-Control": "no-store"})


def _chosen(world: World, id: str) -> Customer | None:
    everybody = all_customers(world)
    return next((who for who in everybody if who.id == id), everybody[0] if everybody else None)


@get("/")
async def play(world: TheWorld, who: InQuery = "") -> Response[str]:
    chosen = _chosen(world, who)
    if chosen is None:
        return _page("Customers", "/", Html("<p>There are no customers. Create one with POST /control/customers.</p>"))
    playing = scene.current(world)
    numbers = [row["number"] for row in world.store.rows("SELECT number FROM numbers ORDER BY rowid")]
    boxes = [row["address"] for row in world.store.rows("SELECT address FROM mailboxes WHERE desk ORDER BY rowid")]
    body = render(
        "play",
        id=chosen.id,
        name=chosen.name,
        number=views.spaced(chosen.number),
        email=chosen.email or "no mail address",
        customers=views.customers(all_customers(world), chosen.id),
        phone=views.phone(world, chosen),
        mails=views.mails(world, chosen),
        numbers=views.options([(number, views.spaced(number)) for number in numbers]),
        boxes=views.options([(box, box) for box in boxes]),
        scene_on=Html("checked" if playing.on else ""),
        every=int(playing.every),
        no_text=Html("" if chosen.number and numbers else "disabled"),
        no_mail=Html("" if chosen.email and boxes else "disabled"),
    )
    return _page(chosen.name, "/", body)


@get("/fragments/phone/{id:str}")
async def phone_fragment(world: TheWorld, id: InPath) -> Response[str]:
    return _fragment(views.phone(world, customer(world, id)))


@get("/fragments/mails/{id:str}")
async def mails_fragment(world: TheWorld, id: InPath) -> Response[str]:
    return _fragment(views.mails(world, customer(world, id)))


@get("/fragments/truth")
async def truth_fragment(world: TheWorld, kind: InQuery = "", party: InQuery = "") -> Response[str]:
    return _fragment(views.truth(world, kind=kind, party=party))


@get("/faults")
async def faults_page(world: TheWorld) -> Response[str]:
    faults = world.faults.faults
    groups = joined(
        render("fault_group", title=title, rows=joined(views.fault_row(name, faults) for name in names))
        for title, names in views.FAULT_GROUPS
    )
    assert {name for _, names in views.FAULT_GROUPS for name in names} == set(PROBABILITIES)
    body = render("faults", groups=groups, seed=faults.seed, only=", ".join(faults.only), truth=views.truth(world))
    return _page("Faults and truth", "/faults", body)


@get("/shop")
async def shop(world: TheWorld) -> Response[str]:
    """A page of somebody's shop with the live chat on it."""
    desk, key = world.setting("frontdesk_url"), world.setting("widget_key")
    if not (desk and key):
        body = render("shop", widget=Html(""), missing=render("no_widget"), desk=desk, key=key)
        return _page("Demo shop", "/shop", body)
    body = render("shop", widget=render("widget", desk=desk, key=key), missing=Html(""), desk=desk, key=key)
    return _page("Demo shop", "/shop", body, allowing=_widget_policy(desk))


def _widget_policy(desk: str) -> dict[str, str]:
    """What the chat may load and reach: the desk, and nothing besides."""
    parts = urlsplit(desk)
    origin = f"{parts.scheme}://{parts.netloc}"
    socket = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
    return {
        "script-src": f"'self' {origin}",
        "connect-src": f"'self' {origin} {socket}",
        "frame-src": origin,
        "img-src": f"'self' data: {origin}",
        "style-src": f"'self' 'unsafe-inline' {origin}",
        "font-src": f"'self' {origin}",
    }


@get("/assets/{name:str}")
async def asset(name: InPath) -> Response[bytes]:
    if name == "parcel.png":
        return Response(parcel(), media_type="image/png")
    if name not in ASSETS:
        raise LookupError(f"There is no {name}.")
    return Response((FOLDER / name).read_bytes(), media_type=ASSETS[name], headers={"Cache-Control": "no-cache"})


ROUTES: list[Any] = [play, phone_fragment, mails_fragment, truth_fragment, faults_page, shop, asset]
