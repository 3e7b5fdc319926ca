"""Alembic's own entry: runs revisions on the connection that the service hands over, in its transaction."""

from alembic import context

from voiceid_optout.service.db.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
