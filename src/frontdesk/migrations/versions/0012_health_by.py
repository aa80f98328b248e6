"""Who found out that an inbox needs a person: that it can receive does not prove that it can send."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("alter table inboxes add column health_by text not null default ''")
