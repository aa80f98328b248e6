"""Tables of contacts."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from frontdesk.kit.tables import PENDING, belongs, json, moment, shadow, tenant

contacts = tenant(
    "contacts",
    Column("name", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("timezone", Text),
    Column("locale", Text),
    Column("merged_into", BigInteger),
    Column("created_by", BigInteger),  # the user who added it by hand; null: it wrote to us
    Column("rev", BigInteger, nullable=False, server_default=text("1")),
    moment("created_at", now=True),
    belongs("merged_into", "contacts"),
)
Index(
    "ix_contacts_merged",
    contacts.c.workspace_id,
    contacts.c.merged_into,
    postgresql_where=text("merged_into is not null"),
)
Index(
    "ix_contacts_created_by",
    contacts.c.workspace_id,
    contacts.c.created_by,
    postgresql_where=text("created_by is not null"),
)
Index("ix_contacts_workspace_id_lower_name", contacts.c.workspace_id, func.lower(contacts.c.name), contacts.c.id)

contact_points = tenant(
    "contact_points",
    Column("contact_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scope", Text, nullable=False, server_default=""),
    Column("value", Text, nullable=False),
    Column("verified", Boolean, nullable=False, server_default=text("false")),
    Column("claimed", Boolean, nullable=False, server_default=text("false")),  # typed, and nothing came from there yet
    moment("opted_out_at"),
    Column("opt_out_reason", Text),
    Column("opt_out_source", Text),
    moment("bad_since"),
    moment("created_at", now=True),
    belongs("contact_id", "contacts", cascade=True),
    UniqueConstraint("workspace_id", "kind", "scope", "value"),
)
Index("ix_contact_points_workspace_id_contact_id", contact_points.c.workspace_id, contact_points.c.contact_id)
Index("ix_contact_points_workspace_id_value", contact_points.c.workspace_id, contact_points.c.value)

contact_words = shadow(
    "contact_words",
    "contacts",
    "contact_id",
    Column("name", Text, nullable=False),
    Column("haystack", Text, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    key=("contact_id",),
    words=True,
)
Index("ix_contact_words_words", contact_words.c.words, postgresql_using="gin", postgresql_with=PENDING)

consents = tenant(
    "consents",  # append-only: who opted in or out, when, how, with which words
    Column("contact_id", BigInteger),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("inbox_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("evidence", Text, nullable=False, server_default=""),
    Column("actor_id", BigInteger),
    moment("at", required=True),
    CheckConstraint("action in ('out', 'in')", name="action"),
)

Index("ix_consents_address", consents.c.workspace_id, consents.c.kind, consents.c.value)

suggestions = tenant(
    "suggestions",  # two contacts that may be one person
    Column("contact_id", BigInteger, nullable=False),
    Column("other_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    moment("created_at", now=True),
    belongs("contact_id", "contacts", cascade=True),
    belongs("other_id", "contacts", cascade=True),
    UniqueConstraint("workspace_id", "contact_id", "other_id"),
    CheckConstraint("state in ('open', 'accepted', 'dismissed')", name="state"),
)

tags = tenant(
    "tags",
    Column("name", Text, nullable=False),
    Column("colour", Text, nullable=False, server_default="#64748b"),
    UniqueConstraint("workspace_id", "name"),
)

contact_tags = tenant(
    "contact_tags",
    Column("contact_id", BigInteger, nullable=False),
    Column("tag_id", BigInteger, nullable=False),
    belongs("contact_id", "contacts", cascade=True),
    belongs("tag_id", "tags", cascade=True),
    key=("contact_id", "tag_id"),
)

merges = tenant(
    "merges",  # what moved when two contacts became one, so that it can be undone
    Column("winner_id", BigInteger, nullable=False),
    Column("loser_id", BigInteger, nullable=False),
    Column("actor_id", BigInteger),
    json("moved"),
    moment("at", required=True),
)
