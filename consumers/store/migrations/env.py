"""Alembic's hook: run the steps on the connection that ``consumers.store.migrate`` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
