"""One trace id from a delivery to the last receipt, each attempt to send, and an audit in which a change shows."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script, wall

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
    for line in wall("attempts", across=False):
        op.execute(line)
