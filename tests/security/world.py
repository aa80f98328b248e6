"""Two workspaces with one of everything, everybody who may call, and a way to call as each of them.

``own`` is what the workspace's users have to do with (the conversation is assigned to the user who sees only that),
``others`` what belongs to a colleague, ``foreign`` what is in the other workspace, ``deleted`` what was there once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from litestar import Litestar

from conftest import add_user
from conversations.office import Office, open_office
from frontdesk.app import http
from frontdesk.channels.livechat import CHANNEL as LIVECHAT
from frontdesk.channels.livechat import tokens as visits
from frontdesk.channels.port import Channel
from frontdesk.contacts import actions as contacts
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock
from frontdesk.kit.context import Actor, Resources
from frontdesk.people import actions as people
from frontdesk.people import queries as of_people
from frontdesk.people.actions.signing import open_session
from frontdesk.people.rules import ALL
from frontdesk.realtime.queries.hub import Hub

NEVER = 987_654_321  # an id that nobody ever had
READING = sorted(scope for scope in ALL if scope.endswith(":read"))
ROLES = (
    "owner", "admin", "user", "restricted", "full token", "reading token", "contacts token", "visitor", "deactivated",
    "signed out", "neighbour",
)  # fmt: skip
_addresses = (f"10.{a}.{b}.{c}" for a, b, c in itertools.product(range(256), range(256), range(1, 255)))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code, or nothing."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return ""
        return str(found.get("code", "")) if isinstance(found, dict) else ""


async def ask(
    app: Litestar, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, *, listen: float = 0
) -> Answer:
    """One request from an address of its own. Of an answer that never ends, what comes first, and what comes in
    ``listen`` seconds."""
    target, _, query = path.partition("?")
    sent: dict[str, Any] = {"status": 0, "headers": {}, "body": b""}
    enough, taken = asyncio.Event(), False
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw += [(b"host", b"testserver.local"), (b"content-length", str(len(body or b"")).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(target), "raw_path": target.encode(), "query_string": query.encode(), "root_path": "",
        "headers": raw, "client": (next(_addresses), 50_000), "server": ("testserver.local", 80),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken:
            await enough.wait()
            return {"type": "http.disconnect"}
        taken = True
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            named = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            sent.update(status=message["status"], headers=named)
            return
        sent["body"] += message.get("body", b"")
        if not message.get("more_body") or "event-stream" in sent["headers"].get("content-type", ""):
            enough.set()

    task = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    watching = asyncio.create_task(enough.wait())
    await asyncio.wait([task, watching], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    if listen and not task.done():
        await asyncio.wait([task], timeout=listen)
    if not task.done() and "event-stream" in sent["headers"].get("content-type", ""):
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return Answer(sent["status"], sent["headers"], sent["body"])


@dataclass
class World:
    """``ids[ownership][parameter]``; ``role_ids`` are what differs by who asks."""

    app: Litestar
    office: Office
    theirs: Office
    headers: dict[str, dict[str, str]]
    ids: dict[str, dict[str, Any]]
    role_ids: dict[str, dict[str, int]]
    extra: dict[str, Any] = field(default_factory=dict)

    def id_for(self, role: str, ownership: str, name: str) -> str:
        own = self.role_ids.get(role, {}) if ownership == "own" else {}
        return str(own.get(name, self.ids[ownership].get(name, NEVER)))


async def build(resources: Resources, owner: Actor, other_workspace: int, registry: dict[str, Channel]) -> World:
    """Everything, in a few dozen statements."""
    registry["livechat"] = LIVECHAT
    office = await open_office(resources, owner, registry)
    boss = await add_user(resources.db, other_workspace, email="boss@hill.example", name="Hill")
    theirs = await open_office(resources, boss, registry)
    people_of = {"owner": owner, "neighbour": boss}
    for role in ("admin", "user", "restricted", "deactivated"):
        kind = role if role == "admin" else "user"
        people_of[role] = await add_user(resources.db, owner.workspace_id, role=kind, email=f"{role}@harbour.example")
    await office.execute(
        "update users set only_assigned = true where id = $1", people_of["restricted"].user_id
    )  # fmt: skip
    ids = {
        "own": await furnish(office, assignee=people_of["restricted"].user_id, mark="own"),
        "others": await furnish(office, assignee=owner.user_id, mark="others"),
        "foreign": await furnish(theirs, assignee=boss.user_id, mark="foreign"),
        "guessed": {},
        "deleted": await furnish(office, assignee=owner.user_id, mark="deleted"),
    }
    ids["others"]["user_id"] = owner.user_id
    headers, role_ids = await doors(office, theirs, people_of)
    await demolish(office, ids["deleted"], people_of["deactivated"].user_id)
    extra = await spare(office, people_of["restricted"].user_id, ids["own"]["contact_id"])
    hub = Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]
    app = http.create(resources, hub=hub)
    return World(app, office, theirs, headers, ids, role_ids, extra)


async def furnish(office: Office, *, assignee: int, mark: str) -> dict[str, Any]:
    """One of everything that has an id; by the name of the parameter."""
    number = {"own": "1", "others": "2", "foreign": "3", "deleted": "4"}[mark]
    row = await office.hear(f"hello from {mark}", f"+30210{number * 7}")
    talk = row["conversation_id"]
    await office.execute("update conversations set assignee_id = $1 where id = $2", assignee, talk)
    due = clock.now() + timedelta(days=1)
    made: dict[str, Any] = {
        "conversation_id": talk,
        "message_id": await office.write(talk, f"{mark} later", due_at=due),
    }
    made["contact_id"] = contact = (await office.conversation(talk))["contact_id"]
    made["point_id"] = await office.value("select id from contact_points where contact_id = $1", contact)
    made["inbox_id"] = office.line if mark != "deleted" else await office.connect("line", "Gone", number="+302109")
    made["raw_id"] = await office.value(
        "update raw_deliveries set state = 'set_aside' where id = (select max(id) from raw_deliveries) returning id"
    )
    for column, table, names, values in (
        ("label_id", "labels", "name", f"'{mark}'"), ("tag_id", "tags", "name", f"'{mark}'"),
        ("team_id", "teams", "name", f"'{mark}'"),
        ("user_id", "users", "email, name, role", f"'{mark}@x.example', 'Z', 'user'"),
        ("other", "contacts", "name", f"'Other {mark}'"),
    ):  # fmt: skip
        made[column] = await office.value(
            f"insert into {table} (workspace_id, {names}) values ({office.workspace}, {values}) returning id"
        )
    made["token_id"] = await office.value(
        "insert into tokens (workspace_id, user_id, name, token_hash, prefix, scopes)"
        " values ($1, $2, 't', $3, 'fd_', '{}') returning id",
        office.workspace, made["user_id"], mark.encode(),
    )  # fmt: skip
    made["suggestion_id"] = await office.value(
        "insert into suggestions (workspace_id, contact_id, other_id, reason) values ($1, $2, $3, 'x') returning id",
        office.workspace, contact, made.pop("other"),
    )  # fmt: skip
    made["key"] = await office.value("select public_key from inboxes where id = $1", made["inbox_id"])
    made["name"] = {"own": "livechat"}.get(mark, f"no-{mark}")
    digest = await office.resources.files.put(f"file of {mark}".encode())
    made["token"] = office.resources.file_url(office.workspace, digest, "a.txt", "text/plain").rpartition("/")[2]
    return made


async def demolish(office: Office, gone: dict[str, Any], deactivated: int) -> None:
    """What was there once, taken away as people take it away."""
    async with office.db.begin(office.workspace) as tx:
        await contacts.delete_contact(tx, gone["contact_id"], by=office.owner)
        await tx.execute("update inboxes set deleted_at = now() where id = $1", gone["inbox_id"])
        await tx.execute("update raw_deliveries set state = 'discarded' where id = $1", gone["raw_id"])
        await tx.execute("update tokens set revoked_at = now() where id = $1", gone["token_id"])
        for table in ("labels", "tags", "teams", "users"):
            await tx.execute(f"delete from {table} where id = $1", gone[f"{table[:-1]}_id"])
        # As if ending their sessions had been forgotten: what is left of them still lets nobody in.
        await tx.execute("update users set active = false where id = $1", deactivated)
    gone["token"] = gone["token"][:-4] + "AAAA"


async def doors(
    office: Office, theirs: Office, people_of: Mapping[str, Actor]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, int]]]:
    """Each role's headers, and the ids that mean something else to each."""
    headers: dict[str, dict[str, str]] = {"signed out": {}}
    role_ids: dict[str, dict[str, int]] = {}
    for role, actor in people_of.items():
        async with office.db.begin(actor.workspace_id) as tx:
            opened = await open_session(tx, await of_people.get_user(tx, actor.user_id), ip=None, agent="x")
            row, _ = await people.create_token(tx, actor.user_id, name="own", scopes=["contacts:read"])
        headers[role] = {
            "cookie": f"{of_people.cookie_name(secure=False)}={opened.cookie}", "x-csrf-token": opened.actor.csrf or "",
        }  # fmt: skip
        role_ids[role] = {"token_id": row["id"]}
    del role_ids["neighbour"]
    wanted = (("full token", sorted(ALL)), ("reading token", READING), ("contacts token", ["contacts:read"]))
    for role, scopes in wanted:
        async with office.db.begin(office.workspace) as tx:
            _, token = await people.create_token(tx, people_of["owner"].user_id, name=role, scopes=scopes)
        headers[role] = {"authorization": f"Bearer {token}"}
    headers["visitor"] = {"authorization": f"Bearer {await visit(office)}"}
    return headers, role_ids


async def visit(office: Office) -> str:
    """A visitor's session at a live chat of this workspace."""
    inbox = await office.connect("livechat", "Site", origins=["https://site.example"])
    async with office.db.begin(office.workspace) as tx:
        row = await inboxes.get(tx, inbox)
    account = inboxes.account(office.resources.vault, office.resources.settings.url, row)
    token = visits.Visit(visitor="v" * 22, inbox=row["public_key"], issued=int(clock.now().timestamp()), asked=True)
    office.chat = row["public_key"]  # type: ignore[attr-defined]
    return visits.sign(token, account.secret)


async def spare(office: Office, restricted: int, contact: int) -> dict[str, Any]:
    """What some requests name beside the id in their path."""
    second = await office.value(
        "insert into conversations (workspace_id, contact_id, assignee_id, last_at)"
        " values ($1, $2, $3, now()) returning id",
        office.workspace, contact, restricted,
    )  # fmt: skip
    other = await office.value(
        "insert into contacts (workspace_id, name) values ($1, 'B') returning id", office.workspace
    )
    return {"conversation": second, "contact": other}


def bodies(world: World, ids: Mapping[str, Any]) -> dict[str, Any]:
    """A good body for each operation that needs a particular one."""
    line, post, extra = world.office.line, world.office.post, world.extra
    return {
        "openConversation": {"contact_id": ids["contact_id"], "inbox_id": line},
        "createContact": {"name": "New"}, "changeContact": {"name": "New"},
        "addPoint": {"kind": "phone", "value": "+302109990000"}, "setConsent": {"opted_out": True, "reason": "asked"},
        "mergeContact": {"into": extra["contact"]}, "mergeConversation": {"into": extra["conversation"]},
        "moveMessage": {"conversation_id": extra["conversation"]}, "changeConversation": {"subject": "New"},
        "keepDraft": {"mode": "reply", "body": {"text": "x"}}, "sendMessage": {"text": "x"},
        "addComment": {"text": "x"},
        "changeMessage": {"text": "new"}, "forwardMessage": {"inbox_id": post, "to": "x@y.example", "text": "f"},
        "sendTestMessage": {"to": "+302109990001"}, "retryMessage": {}, "markRead": {}, "sayTyping": {"on": True},
        "createInbox": {"channel": "line", "name": "New", "settings": {}}, "changeInbox": {"name": "New"},
        "createLabel": {"name": "new", "colour": "#112233"}, "changeLabel": {"name": "new"},
        "createTag": {"name": "new", "colour": "#112233"}, "changeTag": {"name": "new"},
        "createTeam": {"name": "new", "member_ids": []}, "changeTeam": {"name": "new"},
        "createUser": {"name": "N", "email": "new@x.example", "role": "user", "password": "correct horse"},
        "changeUser": {"name": "New"}, "createToken": {"name": "new", "scopes": ["contacts:read"]},
        "changeMe": {"name": "New"}, "changeWorkspace": {"name": "New"},
        "setUp": {"workspace": "New", "name": "New", "email": "new@x.example", "password": "correct horse"},
    }  # fmt: skip
