"""How every table of a workspace looks, so that tenancy cannot be forgotten.

``tenant`` puts ``workspace_id`` first into every primary, unique and foreign key (a shard can be cut along it, and a
row can never point into another workspace) and marks the table for row-level security, which the migrations force.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

PENDING = {"gin_pending_list_limit": "256"}  # kB of new words that every search reads through before they are sorted in


def tenant(name: str, *rest: Any, key: tuple[str, ...] = ("id",), across: bool = False) -> Table:
    """A table of a workspace. ``across``: work across workspaces may read and claim its rows."""
    own = [Column("workspace_id", BigInteger, nullable=False)]
    if key == ("id",):
        own.append(Column("id", BigInteger, Identity(), nullable=False))
    owner = ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE")
    table = Table(name, metadata, *own, *rest, PrimaryKeyConstraint("workspace_id", *key), owner)
    table.info["across"] = across
    return table


def shadow(name: str, of: str, column: str, *rest: Any, key: tuple[str, ...], words: bool = False) -> Table:
    """A table that repeats what stands in ``of``, so that it is found quickly: it hangs on that alone, and triggers
    keep it. ``words``: its column ``words`` is searched, and only rows that match what is searched can be read.
    """
    own = [Column("workspace_id", BigInteger, nullable=False), Column(column, BigInteger, nullable=False)]
    keys = PrimaryKeyConstraint("workspace_id", *key)
    table = Table(name, metadata, *own, *rest, keys, belongs(column, of, cascade=True))
    table.info |= {"shadow": True, "words": words}
    return table


def belongs(column: str, table: str, *, cascade: bool = False) -> ForeignKeyConstraint:
    """A composite foreign key within the workspace. Not cascading ones refuse to leave an orphan."""
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], ondelete="CASCADE" if cascade else None
    )


def moment(name: str, *, required: bool = False, now: bool = False) -> Column[Any]:
    """A timestamp with time zone."""
    default = text("now()") if now else None
    return Column(name, DateTime(timezone=True), nullable=not (required or now), server_default=default)


def json(name: str, default: str = "{}") -> Column[Any]:
    return Column(name, JSONB, nullable=False, server_default=text(f"'{default}'::jsonb"))
