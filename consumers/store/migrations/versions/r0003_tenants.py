"""Organisations, who owns which site, row-level security, and partitions by day."""

from consumers.store.migrations.scripts import run_beside

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    run_beside(__file__)
