"""The people on the other side of the desk. Every one is plainly an invention: "Demo …", example.org, 555 numbers."""

from __future__ import annotations

import re
import secrets
from sqlite3 import Row
from typing import Any, Literal

import msgspec

from .mail.mailboxes import home_address
from .twilio.accounts import open_account, open_number
from .twilio.orders import E164
from .world import World

Reach = Literal["reachable", "unreachable", "unknown", "landline", "filtered"]

# 555-0100 to 555-0199 are set aside for fiction (NANPA); example.org for examples (RFC 2606)
DEMO_NAMES = ("Ada", "Bruno", "Chidi", "Dilnoza", "Eleni", "Farid", "Greta", "Hiro")
DESK_NUMBER = "+12025550100"
DESK_ADDRESS = "desk@example.org"


class Customer(msgspec.Struct, kw_only=True):
    """``reach`` is what happens to texts and mails for this customer: all but the first kind come back as failed."""

    id: str
    name: str
    number: str | None = None
    email: str | None = None
    reach: Reach = "reachable"


class NewCustomer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    number: str | None = None
    email: str | None = None
    reach: Reach = "reachable"
    id: str = ""  # from the name when empty


def _customer(row: Row) -> Customer:
    return Customer(id=row["id"], name=row["name"], number=row["number"], email=row["email"], reach=row["reach"])


def all_customers(world: World) -> list[Customer]:
    return [_customer(row) for row in world.store.rows("SELECT * FROM customers ORDER BY rowid")]


def customer(world: World, id: str) -> Customer:
    """:raises LookupError: there is no such customer."""
    row = world.store.row("SELECT * FROM customers WHERE id = ?", id)
    if row is None:
        raise LookupError(f"There is no customer {id}.")
    return _customer(row)


def customer_at(world: World, address: str) -> Customer | None:
    """Whoever has this number or mail address."""
    row = world.store.row("SELECT * FROM customers WHERE ? IN (number, email)", address)
    return _customer(row) if row else None


def add_customer(world: World, new: NewCustomer) -> Customer:
    """Create or replace a customer, and the mailbox that goes with the mail address.

    :raises ValueError: a malformed number or address.
    """
    if new.number is not None and not E164.fullmatch(new.number):
        raise ValueError(f"{new.number!r} is not a number in E.164 form.")
    if new.email is not None and "@" not in new.email:
        raise ValueError(f"{new.email!r} is not a mail address.")
    id = new.id or re.sub(r"[^a-z0-9]+", "-", new.name.lower()).strip("-") or secrets.token_hex(4)
    email = home_address(new.email) if new.email else None
    with world.store.transaction():
        world.store.run(
            "DELETE FROM customers WHERE id <> ? AND (number = ? OR email = ?)", id, new.number or "", email or ""
        )
        world.store.run(
            "INSERT INTO customers (id, name, number, email, reach) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE"
            " SET name = excluded.name, number = excluded.number, email = excluded.email, reach = excluded.reach",
            id,
            new.name,
            new.number,
            email,
            new.reach,
        )
        if email and not world.mailboxes.exists(email):
            world.mailboxes.open(email, password=secrets.token_urlsafe(12), name=new.name)
    return customer(world, id)


def remove_customer(world: World, id: str) -> None:
    world.store.run("DELETE FROM customers WHERE id = ?", id)


def furnish(world: World) -> None:
    """On the first start: one account, one number, one desk mailbox, and a handful of demo customers."""
    with world.store.transaction():
        if world.store.row("SELECT 1 FROM accounts") is None:
            account = open_account(world, friendly_name="Demo account")
            open_number(world, DESK_NUMBER, account=account)
        if world.store.row("SELECT 1 FROM mailboxes WHERE desk") is None:
            world.mailboxes.open(DESK_ADDRESS, password=secrets.token_urlsafe(12), name="Demo desk", desk=True)
        if world.store.row("SELECT 1 FROM customers") is None:
            for place, name in enumerate(DEMO_NAMES, 1):
                email = f"demo.{name.lower()}@example.org"
                add_customer(world, NewCustomer(name=f"Demo {name}", number=f"+120255501{place:02}", email=email))


def default_desk(world: World) -> dict[str, Any]:
    """What a client needs to connect: credentials of the first account, number and desk mailbox."""
    number = world.store.row(
        "SELECT numbers.*, auth_token, key_sid, key_secret FROM numbers JOIN accounts ON accounts.sid = account_sid"
        " ORDER BY numbers.rowid LIMIT 1"
    )
    box = world.store.row("SELECT address, password, name FROM mailboxes WHERE desk ORDER BY rowid LIMIT 1")
    fields = ("account_sid", "auth_token", "key_sid", "key_secret", "number", "sms_url")
    return {
        "twilio": {field: number[field] for field in fields} if number else None,
        "mailbox": dict(box) if box else None,
    }
