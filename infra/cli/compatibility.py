"""``python -m infra.cli.compatibility``: today's schemas against those of the last release.

The last release is the newest git tag that HEAD descends from; without git or a tag it is the
recorded baseline, ``schemas/baseline``, which ``--record`` renews.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from infra.local.paths import REPOSITORY
from schemas.compatibility import compare

_FOLDER = Path("schemas/avro")
_BASELINE = Path("schemas/baseline")


def main(arguments: list[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Print each incompatibility with its file; return 1 when there is one, else 0."""
    given = sys.argv[1:] if arguments is None else arguments
    after = _read(repository / _FOLDER)
    if given == ["--record"]:
        _record(repository / _BASELINE, after)
        print(f"{len(after)} schemas recorded in {_BASELINE}")
        return 0
    if given:
        print(f"unknown arguments {' '.join(given)}: only --record", file=sys.stderr)
        return 2
    tag = _last_tag(repository)
    before = _read_tag(repository, tag) if tag else {}
    source = f"tag {tag}" if before else str(_BASELINE)
    before = before or _read(repository / _BASELINE)
    if not before:
        print(f"{_BASELINE} holds no schema: restore it from git", file=sys.stderr)
        return 1
    found = compare(before, after)
    for each in found:
        print(f"{_FOLDER / each.file}: {each.reason}")
    if found:
        print(f"{len(found)} incompatibilities with {source}", file=sys.stderr)
        return 1
    print(f"{len(after)} schemas are compatible both ways with the {len(before)} of {source}")
    return 0


def _read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.avsc"))}


def _record(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.avsc"):
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _last_tag(repository: Path) -> str | None:
    if shutil.which("git") is None:
        return None
    return _git(repository, "describe", "--tags", "--abbrev=0").strip() or None


def _read_tag(repository: Path, tag: str) -> dict[str, str]:
    listed = _git(repository, "ls-tree", "--name-only", tag, f"{_FOLDER}/").splitlines()
    return {
        Path(path).name: _git(repository, "show", f"{tag}:{path}")
        for path in listed
        if path.endswith(".avsc")
    }


def _git(repository: Path, *arguments: str) -> str:
    """Return what git prints; nothing where it fails: no repository, no tag, no such folder."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""


if __name__ == "__main__":
    raise SystemExit(main())
