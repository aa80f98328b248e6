"""What migrations say: whole scripts, and the wall between workspaces."""

from pathlib import Path
from typing import Any

from sqlalchemy.util import await_only


def script(bind: Any, path: Path) -> None:
    """Run a file of statements inside the migration's transaction."""
    bind.exec_driver_sql("select 1")  # the driver begins its transaction with the first statement that it sees itself
    raw = bind.connection.dbapi_connection
    await_only(raw.driver_connection.execute(path.read_text()))


def wall(table: str, *, across: bool, column: str = "workspace_id") -> list[str]:
    """Row-level security, forced on the owner too: a row is there only inside its own workspace's transaction.

    ``across`` tables may also be reached by work that says so (see ``Database.across``).
    """
    own = f"{column} = nullif(current_setting('app.workspace_id', true), '')::bigint"
    if across:
        own = f"({own} or current_setting('app.across', true) = 'on')"
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy workspace on {table} using ({own}) with check ({own})",
    ]


def wall_to_search(table: str) -> list[str]:
    """The same for a table of words, with what is looked for in it: only rows that match ``app.search`` can be read.

    PostgreSQL uses an index for a condition of a query only after the wall, unless it knows that the condition's
    operator reveals nothing about rows that fail it; of ``@@`` it does not. As a part of the wall it comes first.
    """
    own = "workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint"
    found = "words @@ nullif(current_setting('app.search', true), '')::tsquery"
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy workspace on {table} using ({own} and {found}) with check ({own})",
    ]
