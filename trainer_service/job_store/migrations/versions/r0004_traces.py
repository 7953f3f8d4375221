"""Which trace a job belongs to."""

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Jobs of earlier releases belong to none."""
    op.add_column("jobs", sql.Column("trace", sql.String(96), nullable=False, server_default=""))
