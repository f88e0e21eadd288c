"""What a receipt says of a model: wanted, running, why."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and, beside it, the same as jsonb."""
    op.execute("ALTER TABLE receipts ADD COLUMN details text NOT NULL DEFAULT '{}'")
    op.execute(
        "ALTER TABLE receipts ADD COLUMN details_json jsonb "
        "GENERATED ALWAYS AS (sightline_json(details)) STORED"
    )
