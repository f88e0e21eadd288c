"""Tickets that open a stream."""

from consumers.store.migrations.scripts import run_beside

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    run_beside(__file__)
