"""Steps that are plain SQL: the script stands beside the step's module, under its name."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run_beside(module: str) -> None:
    """Run the SQL script beside the step ``module`` (its ``__file__``)."""
    script = Path(module).with_suffix(".sql").read_text(encoding="utf-8")
    if not script.strip():
        return
    # Straight to the driver: in between a per cent sign would be taken for a placeholder.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(script)
