"""Where each audit ends: a cut at its end contradicts it."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script, wall

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
    for line in wall("audit_heads", across=False):
        op.execute(line)
