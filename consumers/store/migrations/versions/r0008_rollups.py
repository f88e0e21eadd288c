"""Counts, events and dwell by minute, hour and day."""

from consumers.store.migrations.scripts import run_beside

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_beside(__file__)
