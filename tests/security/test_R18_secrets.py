"""R18: credentials in logs, answers, the database and errors, also when the other side repeats them to us.

Every credential is a canary. The product is used, rightly and wrongly, and then everything that it said, wrote or
stored is searched, in clear and in the usual encodings.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import structlog

from app.operations import ENDS_SESSION, operations
from conftest import PASSWORD
from conversations.office import ANA, Office, open_office
from conversations.pretend import Pretend
from frontdesk import channels
from frontdesk.app import commands, starting
from frontdesk.channels.port import Capabilities, Channel, Disconnected, Rejected, Setting, TryLater, Unknown
from frontdesk.kit import hiding
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from frontdesk.people.actions import passwords
from frontdesk.people.rules import PERMISSIONS
from realtime.site import CHEAP

REAL = channels.all_channels()  # as they are, before a test puts others in their place
Place = tuple[dict[str, Any], dict[str, Any]]


def canary(name: str) -> str:
    return f"Canary/{name}+{len(name):03}=x&y"


class Leaky(Pretend):
    """A provider that repeats what it was given in whatever it says."""

    told: Callable[[str], str] = staticmethod(lambda secret: f"535 wrong password {secret}")

    def _what(self, account: Any) -> str:
        return self.told(str(account.get("password")))

    async def test(self, account: Any) -> str:
        raise Disconnected(self._what(account))

    async def send(self, message: Any, account: Any) -> Any:
        raise self.outcomes.pop(0)(self._what(account))  # type: ignore[operator, misc]

    def parse(self, raw: Any, account: Any) -> Any:
        if b"spill" in raw.body:
            raise ValueError(self._what(account))
        return super().parse(raw, account)

    def receive(self, request: Any, account: Any) -> Any:
        raise KeyError(self._what(account))


def leaky() -> Channel:
    secrets = tuple(
        Setting(name=name, label=name, kind="secret") for name in ("password", "api_key", "identity_secret")
    )
    return Channel(
        name="leaky", title="Leaky", description="Says too much.", settings=secrets, driver=Leaky("phone"),
        can=Capabilities(address_kinds=("phone",), max_chars=1600),
    )  # fmt: skip


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the product's own log writes, with its own steps."""
    starting.set_up_logging()
    written = io.StringIO()
    structlog.configure(
        processors=structlog.get_config()["processors"],
        logger_factory=structlog.PrintLoggerFactory(file=written),
        wrapper_class=structlog.get_config()["wrapper_class"],
        cache_logger_on_first_use=False,
    )
    yield written
    structlog.reset_defaults()


class Searched:
    """Where everything that was said ends up, and what must not be in it."""

    def __init__(self, client: httpx.AsyncClient, logged: io.StringIO) -> None:
        self.client, self.logged = client, logged
        self.secrets: dict[str, str] = {}
        self.said: list[tuple[str, bytes]] = []

    def plant(self, name: str, value: str = "") -> str:
        self.secrets[name] = value or canary(name)
        return self.secrets[name]

    async def ask(self, method: str, path: str, *, shows: bool = False, **more: Any) -> httpx.Response:
        """``shows``: this answer is the one that carries a secret, once."""
        answer = await self.client.request(method, path, **more)
        if not shows:
            kept = b"\n".join(value for name, value in answer.headers.raw if name.lower() != b"set-cookie")
            self.said.append((f"{method} {path}: {answer.status_code}", answer.content + kept))
        return answer

    def leaks(self, where: str, data: bytes) -> list[str]:
        return [f"{name} in {where}" for name, value in self.secrets.items() if any(f in data for f in _forms(value))]

    async def everywhere(self, owner: dict[str, Any]) -> list[str]:
        found = [leak for where, data in self.said for leak in self.leaks(where, data)]
        found += self.leaks("the log", self.logged.getvalue().encode())
        connection = await asyncpg.connect(**owner)
        try:
            tables = await connection.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables"
                " where schemaname in ('public', 'jobs')"
            )
            for table in tables:
                for row in await connection.fetch(f"select t::text as row from {table['name']} t"):
                    found += self.leaks(table["name"], row["row"].encode())
        finally:
            await connection.close()
        return found


def _forms(value: str) -> list[bytes]:
    data = value.encode()
    forms = [data, quote(value, safe="").encode(), data.hex().encode(), json.dumps(value)[1:-1].encode()]
    forms.append(base64.b64encode(data).rstrip(b"=")[:-1])
    forms.append(base64.b64encode(b"\0robin\0" + data)[12:-4])
    return forms


async def use(searched: Searched, office: Office, resources: Resources) -> None:
    """What people do, and what goes wrong."""
    ask, plant = searched.ask, searched.plant
    secrets = {name: plant(f"leaky.{name}") for name in ("password", "api_key", "identity_secret")}
    body = {"channel": "leaky", "name": "L", "settings": secrets}
    made = await ask("POST", "/api/v1/inboxes", json=body, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    inbox = made.json()["id"]
    await ask("POST", "/api/v1/inboxes", json=body, headers={"Idempotency-Key": "one"})
    for wrong in ([secrets["password"]], {"x": secrets["password"]}, 7):
        await ask("PATCH", f"/api/v1/inboxes/{inbox}", json={"settings": {"password": wrong, "nothing": wrong}})
    await ask("POST", "/api/v1/inboxes", content=f'{{"settings": {{"password": "{secrets["password"]}"'.encode())
    await connect_real_ones(searched)
    await ask("POST", f"/api/v1/inboxes/{inbox}/test")
    await say_too_much(searched, office, inbox, made.json()["hook_url"])
    made = await ask("POST", "/api/v1/tokens", shows=True, json={"name": "t", "scopes": ["contacts:read"]})
    token = plant("token", made.json()["token"])
    await ask("GET", "/api/v1/contacts", headers={"Authorization": f"Bearer {token}"})
    await ask("GET", "/api/v1/audit", headers={"Authorization": f"Bearer {token}"})
    plant("cookie", str(searched.client.cookies.get("frontdesk")))
    given = plant("wrong password")
    await ask("POST", "/api/v1/session", json={"email": "ana@example.org", "password": given})
    await ask("POST", "/api/v1/session", json={"email": given, "password": given, "role": given})
    change = {"current": plant("password", PASSWORD), "new": plant("new password")}
    await ask("PATCH", "/api/v1/me", json={"password": change})
    await ask("POST", "/api/v1/users", json={"name": "B", "email": "b@x.example", "role": "user", "password": given})
    for path in ("/livez", "/readyz", "/metrics", "/api/v1/openapi.json", f"/files/{given}", f"/api/v1/{given}"):
        await ask("GET", path)
    for operation in operations():
        if operation.method == "GET" and operation.name not in ENDS_SESSION:
            await ask("GET", operation.at(inbox_id=str(inbox), conversation_id="1", message_id="1", contact_id="1"))
    searched.said.append(("frontdesk inbox list", "\n".join(await commands.list_inboxes(resources)).encode()))
    for purpose in ("files", "inbox"):
        plant(f"key of {purpose}", resources.vault.derive(purpose).hex())
    assert resources.vault.path is not None
    plant("key file", resources.vault.path.read_text().strip())


async def connect_real_ones(searched: Searched) -> None:
    """Every secret setting of every channel that there is."""
    planted = 0
    for name, channel in REAL.items():
        settings = {setting.name: setting.default for setting in channel.settings if setting.default is not None}
        for choice in {None, *(c for s in channel.settings if s.kind == "choice" for c, _ in s.choices)}:
            secret = {
                setting.name: searched.plant(f"{name}.{setting.name}") for setting in channel.settings if setting.secret
            }
            planted += len(secret)
            chosen = {s.name: choice for s in channel.settings if choice in [c for c, _ in s.choices]}
            text = {
                s.name: "+302101234567" if "number" in s.name else "desk@harbour.example"
                for s in channel.settings if s.kind == "text" and s.required and s.default is None
            }  # fmt: skip
            body = {"channel": name, "name": name, "settings": {**settings, **text, **chosen, **secret}}
            made = await searched.ask("POST", "/api/v1/inboxes", json=body)
            if made.status_code == 201:
                await searched.ask("POST", f"/api/v1/inboxes/{made.json()['id']}/test")
                await searched.ask(
                    "PATCH", f"/api/v1/inboxes/{made.json()['id']}", json={"settings": {"nothing": secret}}
                )
    assert planted >= 4


async def say_too_much(searched: Searched, office: Office, inbox: int, hook: str) -> None:
    """Every way in which a provider's words come to us."""
    driver = office.registry["leaky"].driver
    assert isinstance(driver, Leaky)
    row = await office.hear("hello", ANA, inbox=inbox)
    shapes: list[Callable[[str], str]] = [
        lambda secret: f"535 wrong password {secret}",
        lambda secret: f"GET https://x.example/?key={quote(secret, safe='')} failed",
        lambda secret: f"AUTH PLAIN {base64.b64encode(b'{0}robin{0}' + secret.encode()).decode()} refused",
        lambda secret: f"AUTH PLAIN {base64.b64encode(f'{chr(0)}robin{chr(0)}{secret}'.encode()).decode()} refused",
        lambda secret: json.dumps({"error": f'"{secret}" is not known'}),
    ]
    for told in shapes:
        Leaky.told = staticmethod(told)
        for outcome in (Rejected, TryLater, Unknown, Disconnected, RuntimeError):
            driver.outcomes = [outcome]
            message = await office.write(row["conversation_id"], "hi", inbox_id=inbox)
            await office.dispatch()
            await office.execute("update outbox set state = 'cancelled' where message_id = $1", message)
            await office.execute("update inboxes set health = 'ok' where id = $1", inbox)
            for what in ("", "/delivery"):
                await searched.ask("GET", f"/api/v1/messages/{message}{what}")
        await office.store({"spill": True}, inbox=inbox)
        await office.ingest()
        await searched.ask("POST", f"/api/v1/inboxes/{inbox}/test")
        await searched.ask("POST", hook, content=b"{}")
    Leaky.told = staticmethod(shapes[0])


@pytest.fixture
async def searched(
    live_db: Database, signed_in: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel],
    logged: io.StringIO, monkeypatch: pytest.MonkeyPatch,
) -> Searched:  # fmt: skip
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)
    monkeypatch.setattr(hiding, "_known", type(hiding._known)())
    monkeypatch.setattr(hiding, "_pattern", None)
    registry |= {**REAL, "leaky": leaky()}
    return Searched(signed_in, logged)


async def used(searched: Searched, resources: Resources) -> None:
    async with resources.db.across() as tx:
        row = await tx.fetchrow("select workspace_id, id from users")
    assert row is not None
    ana = Actor(
        workspace_id=row["workspace_id"], user_id=row["id"], name="Ana", role="owner", permissions=PERMISSIONS["owner"]
    )
    office = await open_office(resources, ana, channels.all_channels())
    await use(searched, office, resources)


async def test_no_credential_is_found_anywhere(searched: Searched, resources: Resources, place: Place) -> None:
    await used(searched, resources)
    assert len(searched.secrets) > 14
    assert len(searched.said) > 100
    assert "535 wrong password [hidden]" in searched.logged.getvalue()
    assert sorted(set(await searched.everywhere(place[1]))) == []


async def test_without_hiding_it_would_be(
    searched: Searched, resources: Resources, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: nothing is remembered, so that nothing is hidden."""
    monkeypatch.setattr("frontdesk.kit.secrets.remember", lambda values: None)
    await used(searched, resources)
    found = await searched.everywhere(place[1])
    places = {leak.partition(" in ")[2].split(":")[0].split("/")[0] for leak in found}
    assert {"the log", "public.receipts", "public.inboxes", "public.raw_deliveries", "public.outbox"} <= places
    assert any("/delivery" in leak for leak in found)


# --- taking them out of texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["{}", "x{}y", "/?p={0}&q={0}", "{}\n{}", '{{"a": "{}"}}'], ids=["bare", "inside", "url", "lines", "json"]
)
def test_a_credential_is_taken_out_wherever_it_stands(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_known", type(hiding._known)())
    secret = 'pa"ss\\wörd 1'
    hiding.remember([secret, "short", "", None, 7])
    for form in (secret, quote(secret), json.dumps(secret, ensure_ascii=False)[1:-1]):
        assert form not in hiding.hide(text.format(form, form))
    assert hiding.hide("short words stay") == "short words stay"


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_known", type(hiding._known)())
    monkeypatch.setattr(hiding, "MOST", 3)
    for number in range(6):
        hiding.remember([f"secret-{number}"])
    assert hiding.hide("secret-1 secret-5") == "secret-1 [hidden]"


def test_settings_that_look_like_credentials_are_secret() -> None:
    """A channel that forgets to say so would have them shown in the settings."""
    telling = ("password", "secret", "token", "private", "auth_")
    plain = [
        f"{name}.{setting.name}" for name, channel in REAL.items() for setting in channel.settings
        if not setting.secret and any(word in setting.name for word in telling)
    ]  # fmt: skip
    assert plain == []
