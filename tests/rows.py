"""Looking into a workspace's rows, and changing them behind the product's back."""

from __future__ import annotations

from typing import Any

from frontdesk.kit.transaction import Database, Row


class Rows:
    """For whatever has a ``db`` and a ``workspace``: each statement in a transaction of its own."""

    db: Database
    workspace: int

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        async with self.db.begin(self.workspace) as tx:
            return await tx.fetch(sql, *values)

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.db.begin(self.workspace) as tx:
            return await tx.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> int:
        async with self.db.begin(self.workspace) as tx:
            return await tx.execute(sql, *values)
