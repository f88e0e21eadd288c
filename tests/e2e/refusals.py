"""What a command says when it refuses: to a person, in lines, never as a traceback."""

from __future__ import annotations

from pathlib import Path

from tests.product import run_cli


def refused(
    *arguments: str | Path, code: int, home: Path, env: dict[str, str] | None = None
) -> str:
    """Run ``sightline``, insist on its exit code and on no traceback; return what stderr says.

    Args:
        arguments: of the command line.
        code: its exit code, never 0.
        home: the data folder, ``--data-dir`` of the commands that have one.
        env: further variables.
    """
    assert code, "a refusal is no success"
    done = run_cli(*map(str, arguments), data_dir=home, env=env)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{said}"
    assert "Traceback" not in said, said
    return done.stderr.strip()


def refused_in_one_line(
    *arguments: str | Path, code: int, home: Path, env: dict[str, str] | None = None
) -> str:
    """Run ``sightline`` as :func:`refused` and insist on one line."""
    said = refused(*arguments, code=code, home=home, env=env)
    assert len(said.splitlines()) == 1, said
    return said
