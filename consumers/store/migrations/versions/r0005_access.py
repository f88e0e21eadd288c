"""Users, roles, sessions, keys, codes, the audit trail."""

from consumers.store.migrations.scripts import run_beside

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    run_beside(__file__)
