"""Who added a contact by hand: somebody who sees only what concerns them sees it."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("alter table contacts add column created_by bigint")
    op.execute(
        "create index ix_contacts_created_by on contacts (workspace_id, created_by) where created_by is not null"
    )
