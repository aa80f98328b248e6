"""Addresses that somebody only typed: what comes from one is not theirs until something shows that it is."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("alter table contact_points add column claimed boolean not null default false")
