"""What can be sent is found inbox by inbox: the long queue of one that is full is in nobody's way.

What was put off has an index of its own, so that it comes again at its time and not behind everything that is due; and
what is held for an inbox is found in its order, to be let go a part at a time.
"""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute(
        "create index ix_outbox_first on outbox (workspace_id, inbox_id, due_at, id)"
        " where state = 'queued' and retry_at is null"
    )
    op.execute(
        "create index ix_outbox_again on outbox (workspace_id, inbox_id, retry_at, id)"
        " where state = 'queued' and retry_at is not null"
    )
    op.execute("drop index ix_outbox_held")
    op.execute("create index ix_outbox_held on outbox (workspace_id, inbox_id, due_at, id) where state = 'held'")
