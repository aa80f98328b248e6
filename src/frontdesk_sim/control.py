"""The control API: JSON under ``/control``. Set the stage, play the customers, order faults, read the truth."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.params import JSONBody

from . import scene, talks
from .customers import (
    Customer,
    NewCustomer,
    add_customer,
    all_customers,
    customer,
    default_desk,
    furnish,
    remove_customer,
)
from .faults import Faults
from .injected import Call, InPath, InQuery, NumberInQuery, TheWorld
from .mail import letters
from .mail.mailboxes import home_address
from .truth import Fact
from .twilio import carrier, inbound
from .twilio.accounts import open_account, open_number
from .twilio.orders import E164
from .world import World

Json = dict[str, Any]

# --- the stage ----------------------------------------------------------------------------------------------------


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``pace``: 1 lets texts travel as slowly as in life, 0 at once. Fields that are left out stay as they are."""

    frontdesk_url: str | None = None
    widget_key: str | None = None
    pace: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None


class NewAccount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    sid: Annotated[str, msgspec.Meta(pattern=r"^(AC[0-9a-f]{32})?$")] = ""
    auth_token: str = ""
    friendly_name: str = ""


class NumberPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``account_sid`` empty: the account that has the number now, else the first one."""

    account_sid: str = ""
    sms_url: str = ""
    sms_fallback_url: str = ""
    service_sid: Annotated[str, msgspec.Meta(pattern=r"^MG[0-9a-f]{32}$")] | None = None


class MailboxPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    password: str = ""
    name: str = ""
    desk: bool = True


class RawLetter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``raw`` is a complete mail, base64 in JSON; it is filed as it is."""

    raw: bytes
    folder: str = "INBOX"


@get("/")
async def overview(world: TheWorld) -> Json:
    """Addresses and credentials: everything a client needs to connect."""
    return {"http": world.base_url, **world.mail, **default_desk(world), "settings": _settings(world)}


def _settings(world: World) -> Json:
    return {name: world.setting(name) for name in ("frontdesk_url", "widget_key")} | {"pace": world.pace}


@post("/reset", status_code=200)
async def reset(world: TheWorld) -> Json:
    """Forget everything and furnish anew, as on the first start. Sequence numbers of the truth log go on."""
    await world.agenda.clear()
    world.store.empty()
    world.faults.put(Faults())
    furnish(world)
    return {"http": world.base_url, **world.mail, **default_desk(world), "settings": _settings(world)}


@get("/settings")
async def read_settings(world: TheWorld) -> Json:
    return _settings(world)


@put("/settings")
async def change_settings(world: TheWorld, data: JSONBody[Settings]) -> Json:
    for name, value in msgspec.to_builtins(data).items():
        if value is not None:
            world.set(name, str(value).rstrip("/") if name == "frontdesk_url" else str(value))
    return _settings(world)


@post("/twilio/accounts")
async def create_account(world: TheWorld, data: JSONBody[NewAccount]) -> Json:
    sid = open_account(world, sid=data.sid, auth_token=data.auth_token, friendly_name=data.friendly_name)
    row = world.store.row("SELECT sid, auth_token, key_sid, key_secret, friendly_name FROM accounts WHERE sid = ?", sid)
    return dict(row or {})


@get("/numbers")
async def list_numbers(world: TheWorld) -> list[Json]:
    return [dict(row) for row in world.store.rows("SELECT * FROM numbers ORDER BY rowid")]


@put("/numbers/{number:str}")
async def put_number(world: TheWorld, number: InPath, data: JSONBody[NumberPlan]) -> Json:
    if not E164.fullmatch(number):
        raise ValueError(f"{number!r} is not a number in E.164 form.")
    owner = world.store.value("SELECT account_sid FROM numbers WHERE number = ?", number)
    account = data.account_sid or owner or world.store.value("SELECT sid FROM accounts ORDER BY rowid LIMIT 1")
    if world.store.row("SELECT 1 FROM accounts WHERE sid = ?", account) is None:
        raise LookupError(f"There is no account {account}.")
    open_number(
        world,
        number,
        account=account,
        sms_url=data.sms_url,
        sms_fallback_url=data.sms_fallback_url,
        service_sid=data.service_sid,
    )
    return dict(world.store.row("SELECT * FROM numbers WHERE number = ?", number) or {})


@get("/mailboxes")
async def list_mailboxes(world: TheWorld) -> list[Json]:
    rows = world.store.rows("SELECT address, password, name, desk FROM mailboxes ORDER BY rowid")
    return [{**dict(row), "desk": bool(row["desk"])} for row in rows]


@put("/mailboxes/{address:str}")
async def put_mailbox(world: TheWorld, address: InPath, data: JSONBody[MailboxPlan]) -> Json:
    password = data.password or world.mailboxes.password(address) or secrets.token_urlsafe(12)
    opened = world.mailboxes.open(address, password=password, name=data.name, desk=data.desk)
    return {"address": opened, "password": password, "name": data.name, "desk": data.desk}


@post("/mailboxes/{address:str}/letters")
async def file_letter(world: TheWorld, address: InPath, data: JSONBody[RawLetter]) -> Json:
    """Put a mail straight into a mailbox, however strange it is."""
    uidvalidity, uid = world.mailboxes.append(home_address(address), data.folder, data.raw)
    return {"uidvalidity": uidvalidity, "uid": uid}


# --- the customers ------------------------------------------------------------------------------------------------


class NewText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``to``: a number of the desk, the first one when empty. Pictures carry their bytes as base64."""

    body: str = ""
    to: str = ""
    pictures: list[letters.File] = []


class FreeText(NewText, kw_only=True):
    """A text from any number, known or not."""

    sender: str


@get("/customers")
async def list_customers(world: TheWorld) -> list[Customer]:
    return all_customers(world)


@post("/customers")
async def create_customer(world: TheWorld, data: JSONBody[NewCustomer]) -> Customer:
    return add_customer(world, data)


@delete("/customers/{id:str}")
async def forget_customer(world: TheWorld, id: InPath) -> None:
    remove_customer(world, customer(world, id).id)


@get("/customers/{id:str}/conversation")
async def read_conversation(world: TheWorld, id: InPath) -> list[talks.Line]:
    return talks.conversation(world, customer(world, id))


@post("/customers/{id:str}/texts")
async def text_as_customer(world: TheWorld, id: InPath, data: JSONBody[NewText]) -> Json:
    who = customer(world, id)
    if who.number is None:
        raise LookupError(f"{who.name} has no number.")
    return {"sid": _receive(world, who.number, data)}


@post("/texts")
async def text_from_anywhere(world: TheWorld, data: JSONBody[FreeText]) -> Json:
    return {"sid": _receive(world, data.sender, data)}


def _receive(world: World, sender: str, data: NewText) -> str:
    if not (data.body or data.pictures):
        raise ValueError("A text has words or a picture.")
    desk = data.to or world.store.value("SELECT number FROM numbers ORDER BY rowid LIMIT 1") or ""
    pictures = [carrier.Picture(content_type=file.content_type, data=file.data) for file in data.pictures]
    return inbound.receive(world, customer=sender, desk=desk, body=data.body, pictures=pictures)


@post("/customers/{id:str}/mails")
async def mail_as_customer(world: TheWorld, id: InPath, data: JSONBody[letters.NewMail]) -> Json:
    return {"message_id": letters.send(world, customer(world, id), data)}


@get("/customers/{id:str}/mails")
async def list_mails(world: TheWorld, id: InPath) -> list[letters.ShownMail]:
    return letters.mailbox(world, customer(world, id))


# --- faults, truth, time, scene -----------------------------------------------------------------------------------


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Let ``fault`` strike the next ``times`` occasions, whatever its probability."""

    fault: str
    times: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 1


class Patience(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Wait up to ``timeout`` seconds until nothing is due within ``within`` seconds."""

    timeout: Annotated[float, msgspec.Meta(ge=0, le=600)] = 30.0
    within: Annotated[float, msgspec.Meta(ge=0)] = 30.0


@get("/faults")
async def read_faults(world: TheWorld) -> Json:
    return {**msgspec.to_builtins(world.faults.faults), "ordered": world.faults.ordered}


@put("/faults")
async def put_faults(world: TheWorld, data: JSONBody[Faults]) -> Faults:
    """Replace all figures; those left out return to their defaults, and chance starts again from the seed."""
    world.faults.put(data)
    return data


@patch("/faults")
async def patch_faults(world: TheWorld, request: Call) -> Faults:
    """Change some figures and keep the others."""
    changes = msgspec.json.decode(await request.body(), type=dict[str, Any])
    world.faults.put(msgspec.convert({**msgspec.to_builtins(world.faults.faults), **changes}, Faults))
    return world.faults.faults


@delete("/faults")
async def reset_faults(world: TheWorld) -> None:
    world.faults.put(Faults())


@post("/faults/next")
async def order_fault(world: TheWorld, data: JSONBody[Order]) -> Json:
    world.faults.order(data.fault, data.times)
    return {"ordered": world.faults.ordered}


class TruthPage(msgspec.Struct):
    """``next`` is the ``after`` of the following page, None at the end."""

    items: list[Fact]
    next: int | None


@get("/truth")
async def read_truth(
    world: TheWorld, after: NumberInQuery = 0, kind: InQuery = "", party: InQuery = "", limit: NumberInQuery = 1000
) -> TruthPage:
    facts = world.truth.read(after=after, kind=kind, party=party, limit=limit)
    return TruthPage(facts, facts[-1].id if len(facts) == limit else None)


@delete("/truth")
async def clear_truth(world: TheWorld) -> None:
    world.truth.clear()


@post("/settle", status_code=200)
async def settle(world: TheWorld, data: JSONBody[Patience]) -> Json:
    settled = await world.agenda.settled(timeout=data.timeout, within=data.within, ignoring=frozenset({"scene.write"}))
    return {"settled": settled, "waiting": world.agenda.waiting(within=data.within)}


@get("/scene")
async def read_scene(world: TheWorld) -> scene.Scene:
    return scene.current(world)


@post("/scene", status_code=200)
async def direct_scene(world: TheWorld, data: JSONBody[scene.Scene]) -> scene.Scene:
    scene.direct(world, data)
    return scene.current(world)


ROUTER = Router(
    "/control",
    route_handlers=[
        overview,
        reset,
        read_settings,
        change_settings,
        create_account,
        list_numbers,
        put_number,
        list_mailboxes,
        put_mailbox,
        file_letter,
        list_customers,
        create_customer,
        forget_customer,
        read_conversation,
        text_as_customer,
        text_from_anywhere,
        mail_as_customer,
        list_mails,
        read_faults,
        put_faults,
        patch_faults,
        reset_faults,
        order_fault,
        read_truth,
        clear_truth,
        settle,
        read_scene,
        direct_scene,
    ],
)
