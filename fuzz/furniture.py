"""A workspace with something of everything, so that random requests meet more than nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx

from frontdesk.channels.port import Raw
from frontdesk.conversations.handlers.ingest import ingest
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.people import actions as people
from frontdesk.people.rules import PERMISSIONS
from fuzz import ground, mails

MANY = 40  # of each kind; the second half may be deleted by the requests
TEXTING = {
    "provider": "twilio", "account_sid": f"AC{'0' * 32}", "auth_token": "not a real one", "number": "+302100000000",
}  # fmt: skip

Pools = dict[str, list[int]]


async def token(resources: Resources, owner: Actor, user_id: int, role: str) -> str:
    """One that may do everything that the role may."""
    async with resources.db.begin(owner.workspace_id) as tx:
        _, made = await people.create_token(
            tx, user_id=user_id, name="fuzz", scopes=sorted(PERMISSIONS[role]), expires_at=None
        )
    return made


async def furnish(resources: Resources, owner: Actor, client: httpx.AsyncClient) -> Pools:
    """Fill the workspace; the ids by the name of the parameter that asks for them."""

    async def make(path: str, body: dict[str, Any]) -> Any:
        answer = await client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, (path, answer.text)
        return answer.json()

    sms = await ground.inbox(resources, owner, "sms", "Texts", **TEXTING)
    chat = await ground.inbox(resources, owner, "livechat", "Chat", origins=["https://shop.example"])
    office = await mails.open_office(resources, owner)
    pools: Pools = {"inbox_id": [sms, office.inbox_id, chat]}
    pools["label_id"] = [(await make("/labels", {"name": f"Label {n}"}))["id"] for n in range(MANY)]
    pools["tag_id"] = [(await make("/tags", {"name": f"Tag {n}"}))["id"] for n in range(MANY)]
    pools["team_id"] = [(await make("/teams", {"name": f"Team {n}"}))["id"] for n in range(MANY)]
    pools["user_id"] = []
    async with resources.db.begin(owner.workspace_id) as tx:  # a token may not make users
        for n in range(8):
            user = await people.create_user(
                tx, name=f"U{n}", email=f"u{n}@example.org", role="user", password_hash=None, by=owner
            )
            pools["user_id"].append(user["id"])
    for n in range(MANY):
        body = {
            "inbox_id": sms,
            "to": {"kind": "phone", "value": f"+30210222{n:04}"},
            "message": {"text": f"Hello {n}"},
        }
        await make("/conversations", body)
        await make("/contacts", {"name": f"Ben {n}", "points": [{"kind": "email", "value": f"ben{n}@example.org"}]})
    await mails.take_in(office, list(enumerate(mails.collected()[:MANY])), mails.Figures())
    await _set_aside(resources, owner, sms)
    await _ids(resources, owner, pools)
    return pools


async def _set_aside(resources: Resources, owner: Actor, inbox_id: int) -> None:
    async with resources.db.begin(owner.workspace_id) as tx:
        await inboxes.store(tx, inbox_id, [Raw(dedupe_key=f"{n}", body=b"{") for n in range(MANY)])
        await tx.execute("update raw_deliveries set state = 'set_aside', error = 'x' where state = 'new'")
    await ingest(resources)


async def _ids(resources: Resources, owner: Actor, pools: Pools) -> None:
    """What came into being along the way, and a few suggestions and tokens."""
    async with resources.db.begin(owner.workspace_id) as tx:
        contacts = [row["id"] for row in await tx.fetch("select id from contacts order by id")]
        for one, other in pairwise(contacts[: MANY + 1]):
            await tx.execute(
                "insert into suggestions (workspace_id, contact_id, other_id, reason, state)"
                " values ($1, $2, $3, 'x', 'open')",
                owner.workspace_id, one, other,
            )  # fmt: skip
        for n in range(MANY):
            await people.create_token(tx, pools["user_id"][3], name=f"t{n}", scopes=["contacts:read"], expires_at=None)
        for name, table in (
            ("contact_id", "contacts"), ("conversation_id", "conversations"), ("message_id", "messages"),
            ("point_id", "contact_points"), ("suggestion_id", "suggestions"), ("token_id", "tokens"),
            ("raw_id", "raw_deliveries"),
        ):  # fmt: skip
            where = " where state = 'set_aside'" if name == "raw_id" else ""
            rows = await tx.fetch(f"select id from {table}{where} order by id desc limit $1", 3 * MANY)
            pools[name] = [row["id"] for row in rows]
