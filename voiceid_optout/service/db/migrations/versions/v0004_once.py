"""Requests that were used, by marks that begin with their date; a person's row has the mark that opted them out."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0004_once"
down_revision = "0003_access"


def upgrade() -> None:
    """Make the table; what the former one knew has no date, so all that was signed until now is refused."""
    op.add_column("speakers", sa.Column("opted_out_by", sa.String(24)))
    op.create_table(
        "used_requests",
        sa.Column("mark", sa.String(24), primary_key=True),
        sa.Column("outcome", sa.Text),
    )
    boundary = sa.text(
        "INSERT INTO meta (key, value) SELECT 'forgotten_requests', :newest "
        "WHERE EXISTS (SELECT signature FROM used_signatures) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    op.get_bind().execute(boundary, {"newest": f"{int(time.time()):08x}"})
    op.drop_table("used_signatures")
