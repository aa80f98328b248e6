"""A client as the browser is one: it loads once, and from then on knows only what the events say.

The rules are those of the agents' app (``web/src/sync/reduce.ts``): a row is replaced by one with the same or a higher
``rev``, what is personal is kept, a conversation that is not known is fetched, a merge loads afresh.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Call = Callable[..., Awaitable[Any]]
Rows = dict[int, dict[str, Any]]
NAMED = {"inbox": "inboxes", "label": "labels", "tag": "tags", "user": "users", "team": "teams"}
DELETED = {"LabelDeleted": "labels", "TagDeleted": "tags", "InboxDeleted": "inboxes", "TeamDeleted": "teams"}
TABLES = ("conversations", "messages", "contacts", *NAMED.values())


class Client:
    """Tables by id, filled by :meth:`load` and kept by :meth:`apply`."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.rows: dict[str, Rows] = {}
        self.reloads = 0

    async def _all(self, path: str) -> list[dict[str, Any]]:
        found, cursor = [], ""
        join = "&" if "?" in path else "?"
        while True:
            page = await self._call("GET", f"{path}{join}limit=200{cursor}")
            items = page if isinstance(page, list) else page["items"]
            found += items
            if isinstance(page, list) or not page.get("next"):
                return found
            cursor = f"&{'before' if path.endswith('/messages') else 'cursor'}={page['next']}"

    async def look(self, threads: set[int]) -> None:
        """The list of conversations afresh, and some threads."""
        conversations = {row["id"]: row for row in await self._all("/conversations?view=any")}
        self.rows["conversations"], self.rows["messages"] = conversations, {}
        for conversation_id in threads & conversations.keys():
            self.rows["messages"] |= await self.thread(conversation_id)

    async def load(self) -> None:
        """Everything afresh."""
        rows: dict[str, Rows] = {}
        conversations = await self._all("/conversations?view=any")
        rows["conversations"] = {row["id"]: row for row in conversations}
        rows["messages"] = {}
        for conversation in conversations:
            rows["messages"] |= await self.thread(conversation["id"])
        rows["contacts"] = {row["id"]: row for row in await self._all("/contacts")}
        for table in NAMED.values():
            rows[table] = {row["id"]: row for row in await self._plain(table)}
        self.rows = rows

    async def _plain(self, table: str) -> list[dict[str, Any]]:
        found: Any = await self._call("GET", f"/{table}")
        items: list[dict[str, Any]] = found["items"] if isinstance(found, dict) else found
        return items

    async def thread(self, conversation_id: int) -> Rows:
        return {row["id"]: row for row in await self._all(f"/conversations/{conversation_id}/messages")}

    async def apply(self, frame: dict[str, Any]) -> None:
        facts = frame.get("facts", {})
        if frame["kind"] == "ReadStateChanged":
            await self._read_state(frame["conversation_id"], facts)
        elif "conversation" in frame:
            await self._conversation(frame["conversation"])
        if "message" in frame:
            self._put("messages", frame["message"])
        if "contact" in frame and self._put("contacts", frame["contact"]):
            for row in self.rows["conversations"].values():
                if row["contact"]["id"] == frame["contact"]["id"]:
                    row["contact"] = {"id": frame["contact"]["id"], "name": frame["contact"]["name"]}
        if facts.get("deleted"):
            self._forget(frame["contact_id"])
        for field, table in NAMED.items():
            if field in frame:
                self.rows[table][frame[field]["id"]] = frame[field]
        if table := DELETED.get(frame["kind"], ""):
            self.rows[table].pop(next(iter(facts.values())), None)
        if frame["kind"] == "ContactsMerged" or "messages" in facts.get("changed", ()):
            self.reloads += 1
            await self.load()

    def _forget(self, contact_id: int) -> None:
        """A contact was deleted, and with it all that was said."""
        self.rows["contacts"].pop(contact_id, None)
        talks = self.rows["conversations"]
        gone = {i for i, row in talks.items() if row["contact"]["id"] == contact_id}
        self.rows["conversations"] = {i: row for i, row in talks.items() if i not in gone}
        kept = {i: row for i, row in self.rows["messages"].items() if row["conversation_id"] not in gone}
        self.rows["messages"] = kept

    def _put(self, table: str, row: dict[str, Any]) -> bool:
        known = self.rows[table].get(row["id"])
        if known is not None and known["rev"] > row["rev"]:
            return False
        self.rows[table][row["id"]] = row
        return True

    async def _conversation(self, row: dict[str, Any]) -> None:
        known = self.rows["conversations"].get(row["id"])
        if known is None:
            self.rows["conversations"][row["id"]] = await self._call("GET", f"/conversations/{row['id']}")
        else:
            self._put("conversations", {"my": known["my"], **row})

    async def _read_state(self, conversation_id: int, facts: dict[str, Any]) -> None:
        known = self.rows["conversations"].get(conversation_id)
        if known is not None:
            known["my"] = {**known["my"], "read_count": facts["read_count"], "starred": facts["starred"]}


def seen(rows: dict[str, Rows]) -> dict[str, Rows]:
    """What a screen shows of the tables: names come from the rows that own them, labels that are gone are not shown."""
    return {
        "conversations": {i: _talk(row, rows) for i, row in rows["conversations"].items()},
        "messages": {i: {**row, "author": row["author"]["kind"]} for i, row in rows["messages"].items()},
        "contacts": {
            i: {**row, "tags": [tag for tag in row["tags"] if tag in rows["tags"]]}
            for i, row in rows["contacts"].items()
        },
        "inboxes": {i: {**row, "health": row["health"]["state"]} for i, row in rows["inboxes"].items()},
        **{table: dict(rows[table]) for table in ("labels", "tags", "users", "teams")},
    }  # fmt: skip


def _talk(row: dict[str, Any], rows: dict[str, Rows]) -> dict[str, Any]:
    labels = [label for label in row["labels"] if label in rows["labels"]]
    return {**row, "labels": labels, "my": {**row["my"], "draft": None}, "rev": 0}


def differences(mine: dict[str, Rows], fresh: dict[str, Rows]) -> list[str]:
    """Every field in which two pictures differ, in words."""
    found = []
    for table in fresh:
        for i in sorted(mine[table].keys() | fresh[table].keys()):
            have, want = mine[table].get(i), fresh[table].get(i)
            if have is None or want is None:
                found.append(f"{table} {i}: {'missing' if have is None else 'should be gone'}")
                continue
            found += [
                f"{table} {i}.{field}: has {have.get(field)!r}, is {want.get(field)!r}"
                for field in sorted(have.keys() | want.keys())
                if have.get(field) != want.get(field)
            ]
    return found
