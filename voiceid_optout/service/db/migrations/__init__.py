"""The schema's history, as Alembic revisions in ``versions``, applied when the service starts.

To add a revision:

1. Define the tables in ``voiceid_optout.service.db.schema``.
2. Add ``versions/vNNNN_name.py``, with the next number: ``revision = "NNNN_name"`` (the file's name without the
   ``v``), ``down_revision`` the revision before it, and ``upgrade()`` with Alembic's ``op`` in plain, explicit
   columns. It must not import the package's tables: those change, a published revision never does. Both databases
   must take it: ``BigInteger().with_variant(Integer, "sqlite")`` for numbers that the database gives, no server
   types.
3. Run ``pytest tests/service/db/test_revisions.py``: it compares what the revisions make with what the tables
   say, in SQLite and PostgreSQL.

Revisions are one line without branches; there is no way down, a backup is.
"""
