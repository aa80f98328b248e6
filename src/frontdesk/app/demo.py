"""``frontdesk demo``: the product with a demo workspace, and simulated providers beside it in a process of their own.

Everything is set up through the public API, as a person or a script would: nothing in here knows the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import msgspec

from frontdesk import channels
from frontdesk.app import starting
from frontdesk.kit.settings import Settings

EMAIL = "demo@example.org"
NAMES = ("Robin Demo", "Dana Demo")
SIMULATOR_PORT = 8025
LOOPBACK = (ip_network("127.0.0.0/8"),)  # where the simulated providers are


class Sign(msgspec.Struct):
    """How to sign in to this demo; kept in its home so that the second start prints the same."""

    email: str
    password: str


async def demo(settings: Settings, *, say: starting.Say) -> None:
    """Run product and simulator until stopped."""
    settings.home.mkdir(parents=True, exist_ok=True)
    sign = _sign(settings.home / "demo.json")
    async with _simulator(settings, say) as simulator:

        async def ready() -> None:
            async with _Api(settings.url) as api:
                await _furnish(api, sign, simulator, settings)
            _tell(say, settings, sign, simulator["http"])

        await starting.run(replace(settings, allow_private=LOOPBACK), say=say, ready=ready)


def _sign(path: Path) -> Sign:
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Sign)
    made = Sign(email=EMAIL, password="-".join(secrets.token_hex(2) for _ in range(3)))
    path.write_bytes(msgspec.json.encode(made))
    path.chmod(0o600)
    return made


def _tell(say: starting.Say, settings: Settings, sign: Sign, simulator: str) -> None:
    for line in (
        "",
        f"  Frontdesk           {settings.url}",
        f"  Sign in             {sign.email}   {sign.password}",
        f"  Be the customer     {simulator}",
        f"  Shop with chat      {simulator}/shop",
        "",
        "  Ctrl-C stops everything; nothing is lost when you start it again.",
        "",
    ):
        say(line)


@asynccontextmanager
async def _simulator(settings: Settings, say: starting.Say) -> AsyncIterator[dict[str, Any]]:
    """The providers, in a separate process that ends with this one."""
    say("Starting the simulated providers (texts, mail).")
    arguments = ["--home", str(settings.home / "simulator"), "--frontdesk", settings.url, "--with-parent"]
    for port in (SIMULATOR_PORT, 0):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "frontdesk_sim", "--port", str(port), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=None if port == 0 else asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        line = await child.stdout.readline() if child.stdout else b""
        if line:
            break
        await child.wait()
    else:
        raise OSError("The simulator did not start.")
    try:
        yield json.loads(line)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await child.wait()


class _Api:
    """The public API, as the demo's owner."""

    def __init__(self, base: str) -> None:
        self.client = httpx.AsyncClient(base_url=base, timeout=30, trust_env=False)

    async def __aenter__(self) -> _Api:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if (await self.client.get("/readyz")).status_code == 200:
                    return self
            await asyncio.sleep(0.05)
        raise OSError("Frontdesk did not become ready.")

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, f"/api/v1{path}", json=body)
        if answer.status_code >= 400:
            raise OSError(
                f"The demo could not be set up: {method} {path} answered {answer.status_code} {answer.text[:300]}"
            )
        return answer.json() if answer.content else None

    async def sign_in(self, sign: Sign) -> None:
        if (await self.call("GET", "/setup"))["needed"]:
            body = {
                "workspace": "Demo workspace",
                "name": NAMES[0],
                "email": sign.email,
                "password": sign.password,
                "timezone": "Europe/Athens",
            }
            me = await self.call("POST", "/setup", body)
        else:
            me = await self.call("POST", "/session", {"email": sign.email, "password": sign.password})
        self.client.headers["X-CSRF-Token"] = me["csrf"]


async def _furnish(api: _Api, sign: Sign, simulator: dict[str, Any], settings: Settings) -> None:
    """Inboxes, labels and a teammate, once; the simulator's ports, every time."""
    await api.sign_in(sign)
    inboxes = {inbox["channel"]: inbox for inbox in (await api.call("GET", "/inboxes"))["items"]}
    wanted = _inboxes(simulator, settings)
    for name, (title, body) in wanted.items():
        if name in inboxes:
            inboxes[name] = await api.call("PATCH", f"/inboxes/{inboxes[name]['id']}", {"settings": body})
        else:
            inboxes[name] = await api.call("POST", "/inboxes", {"channel": name, "name": title, "settings": body})
    await _point(simulator, inboxes)
    if not (await api.call("GET", "/labels"))["items"]:
        for label, colour in (("Billing", "#b45309"), ("Delivery", "#0f766e"), ("Praise", "#7c3aed")):
            await api.call("POST", "/labels", {"name": label, "colour": colour})
        password = "-".join(secrets.token_hex(2) for _ in range(3))
        dana = {"name": NAMES[1], "email": "dana.demo@example.org", "role": "user", "password": password}
        await api.call("POST", "/users", dana)


def _inboxes(simulator: dict[str, Any], settings: Settings) -> dict[str, tuple[str, dict[str, Any]]]:
    """(name, settings) for each channel whose folder has a ``demo.json``, filled with the simulator's addresses."""
    facts = _flat({**simulator, "url": settings.url})
    folder = Path(channels.__path__[0])
    made = {}
    for name in channels.all_channels():
        template = folder / name / "demo.json"
        if template.exists():
            filled = _filled(json.loads(template.read_text()), facts)
            made[name] = (filled["name"], filled["settings"])
    return made


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"imap": {"port": 1}}`` as ``{"imap.port": 1}``."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _filled(value: Any, facts: dict[str, Any]) -> Any:
    """The template with each ``"{name}"`` replaced by the fact of that name, which keeps its type."""
    if isinstance(value, dict):
        return {key: _filled(inner, facts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, facts) for inner in value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return facts[value[1:-1]]
    return value


async def _point(simulator: dict[str, Any], inboxes: dict[str, Any]) -> None:
    """Tell the simulator where texts go and which chat the shop shows, and let its customers begin to write."""
    async with httpx.AsyncClient(base_url=simulator["http"], timeout=30, trust_env=False) as control:
        for inbox in inboxes.values():
            if number := inbox["settings"].get("number"):
                (
                    await control.put(f"/control/numbers/{number}", json={"sms_url": inbox["hook_url"]})
                ).raise_for_status()
            elif "origins" in inbox["settings"]:
                (await control.put("/control/settings", json={"widget_key": inbox["public_key"]})).raise_for_status()
        (await control.post("/control/scene", json={"on": True, "every": 40})).raise_for_status()
