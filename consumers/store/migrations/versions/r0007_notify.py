"""Where notifications go, and what became of each."""

from consumers.store.migrations.scripts import run_beside

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_beside(__file__)
