"""``sightline command`` before anything travels."""

from typer.testing import CliRunner

from infra.cli.commanding import armed_text, site_of
from infra.cli.main import build
from infra.runtime.settings import Settings


def test_the_commands_are_there_under_their_names() -> None:
    shown = CliRunner().invoke(build("command"), ["command", "--help"])
    assert shown.exit_code == 0
    assert "arm" in shown.output and "mode" in shown.output


def test_the_site_is_that_of_the_stack_unless_another_is_meant() -> None:
    here = Settings(site="depot-7")
    assert (site_of(here, ""), site_of(here, "yard-2")) == ("depot-7", "yard-2")


def test_modes_read_as_a_sentence() -> None:
    assert [armed_text([]), armed_text(["away"])] == ["not armed", "armed: away"]
