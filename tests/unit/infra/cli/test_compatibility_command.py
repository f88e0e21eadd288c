from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from infra.cli.compatibility import main
from infra.local.paths import REPOSITORY

EVENT = "schemas/avro/8-event.avsc"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("avro", "baseline"):
        shutil.copytree(REPOSITORY / "schemas" / folder, tmp_path / "schemas" / folder)
    return tmp_path


def git(repository: Path, *arguments: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(
        ["git", "-C", str(repository), *who, *arguments], check=True, capture_output=True
    )


def replace(repository: Path, old: str, new: str) -> None:
    path = repository / EVENT
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_this_repository_is_compatible(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "compatible both ways" in capsys.readouterr().out


def test_an_incompatibility_is_printed_with_its_file(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(repository, '"name": "severity"', '"name": "urgency"')
    assert main([], repository) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{EVENT}: ")
    assert "urgency" in printed.out and "severity" in printed.out
    assert "schemas/baseline" in printed.err


def test_a_new_baseline_is_recorded(repository: Path) -> None:
    replace(repository, '"name": "severity"', '"name": "urgency"')
    (repository / "schemas/avro/21-checkpoint.avsc").unlink()
    assert main(["--record"], repository) == 0
    assert main([], repository) == 0
    assert not (repository / "schemas/baseline/21-checkpoint.avsc").exists()


def test_the_last_tag_goes_before_the_baseline(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "init", "--quiet")
    git(repository, "add", "schemas/avro")
    git(repository, "commit", "--quiet", "--message", "one")
    git(repository, "tag", "v1")
    shutil.rmtree(repository / "schemas/baseline")
    assert main([], repository) == 0
    assert "of tag v1" in capsys.readouterr().out
    replace(repository, '"name": "severity"', '"name": "urgency"')
    assert main([], repository) == 1
    assert "tag v1" in capsys.readouterr().err


def test_nothing_to_compare_with_is_no_success(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository / "schemas/baseline")
    assert main([], repository) == 1
    assert "restore it" in capsys.readouterr().err


def test_an_unknown_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recrod"]) == 2
    assert "--record" in capsys.readouterr().err
