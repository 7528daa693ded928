"""Every command explains itself with an example, and explaining costs no heavy library."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from crmbridge.cli.app import app

HEAVY = "pandas numpy sklearn scipy statsmodels numba sqlalchemy requests duckdb"


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command of a group and of the groups in it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


EVERY = [pytest.param(words, id=" ".join(words)) for words in commands(typer.main.get_command(app))]


def test_the_commands_of_the_first_stage_are_there() -> None:
    expected = (
        "init adapters doctor fields pull verify retry analyze plan diff push undo run schedule "
        "status runs show report export new-adapter demo"
    )
    there = {words[0] for words in commands(typer.main.get_command(app))}
    assert set(expected.split()) - there == set()


@pytest.mark.parametrize("words", EVERY)
def test_help_has_an_example_within_80_columns(
    words: tuple[str, ...], bare_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    answer = bare_desk(*words, "--help")

    assert answer.code == 0
    assert f"Example: crmbridge {' '.join(words)}" in re.sub(r"\s+", " ", answer.out)
    assert max(len(line) for line in answer.out.splitlines()) <= 80


@pytest.mark.parametrize("words", [(), ("run",), ("export", "plan"), ("demo",)])
def test_help_loads_no_heavy_library_and_no_plugin(words: tuple[str, ...]) -> None:
    code = (
        "import sys; from crmbridge.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "print('LOADED', *sorted(found), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"], capture_output=True, text=True, check=True
    )

    loaded = set(done.stderr.rpartition("LOADED")[2].split())
    assert loaded & {*HEAVY.split(), "crmbridge_csv"} == set()


def test_without_a_command_the_help_is_shown(bare_desk: Any) -> None:
    answer = bare_desk()

    assert "Usage: crmbridge" in answer.out + answer.err
    assert answer.code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_the_commands(shell: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    command = [sys.executable, "-m", "crmbridge.cli.main", "--show-completion", shell]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 0
    assert "complete" in done.stdout


def test_the_version_is_told(bare_desk: Any) -> None:
    answer = bare_desk("--version")

    assert answer.code == 0
    assert re.fullmatch(r"crmbridge \d+\.\d+\.\d+\n", answer.out)
