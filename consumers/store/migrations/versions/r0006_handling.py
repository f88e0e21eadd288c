"""What people do with events; documents that the API keeps."""

from consumers.store.migrations.scripts import run_beside

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_beside(__file__)
