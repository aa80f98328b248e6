"""What can be sent is found inbox by inbox: the long queue of one that is full is in nobody's way."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute(
        "create index ix_outbox_ready on outbox (workspace_id, inbox_id, greatest(due_at, retry_at), id)"
        " where state = 'queued'"
    )
