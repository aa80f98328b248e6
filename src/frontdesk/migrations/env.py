"""Alembic runs this file; the connection comes from :mod:`frontdesk.app.migrate`."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=context.config.attributes.get("metadata"), compare_type=True)
with context.begin_transaction():
    context.run_migrations()
