"""A search asks the database once, however many windows of the past it looks into."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
