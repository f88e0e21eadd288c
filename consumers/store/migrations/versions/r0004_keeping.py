"""Retention, legal hold, erasure."""

from consumers.store.migrations.scripts import run_beside

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_beside(__file__)
