"""Lists and search that cost the same in a large workspace as in a small one."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script, wall, wall_to_search

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
    walls = wall("listings", across=False) + wall_to_search("message_words") + wall_to_search("contact_words")
    for line in walls:
        op.execute(line)
