"""Keeps the documents true: what the code offers is in them, and what they say can be done."""

import ast
import inspect
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from crmbridge import errors
from crmbridge.extensions.hooks import NAMES
from crmbridge.settings.reference import reference

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text("utf-8") for name in names)


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    """(document, text) of each fenced block in a language."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for document in DOCUMENTS:
        for block in fence.findall(document.read_text("utf-8")):
            yield document, block


def shell_commands() -> list[tuple[str, str]]:
    """(document, command) of each line that starts with make or crmbridge."""
    found = []
    for document, block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.strip().removeprefix("$ ")
            if command.split(" ")[0] in ("make", "crmbridge"):
                found.append((document.name, command))
    return sorted(set(found))


def test_the_configuration_page_is_the_generated_one() -> None:
    command = "python -m crmbridge.settings.reference > docs/configuration.md"

    assert text_of("docs/configuration.md") == reference(), f"run {command}"


@pytest.mark.parametrize("hook", NAMES)
def test_every_hook_is_documented(hook: str) -> None:
    assert f"`{hook}(" in text_of("docs/extensions.md")


def test_every_exit_code_is_documented_in_its_own_words() -> None:
    tree = ast.parse(inspect.getsource(errors.ExitCode)).body[0]
    assert isinstance(tree, ast.ClassDef)
    said = [ast.literal_eval(node.value) for node in tree.body[1:] if isinstance(node, ast.Expr)]
    expected = [
        f"| {code.value} | {words} |" for code, words in zip(errors.ExitCode, said, strict=True)
    ]

    assert [row for row in expected if row not in text_of("docs/exit-codes.md")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8"))

    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]

    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_a_document_points_to_are_there(document: Path) -> None:
    named = re.findall(
        r"`((?:tests|plugins)/[\w/.-]+\.py)(?:::(\w+))?`", document.read_text("utf-8")
    )

    absent = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).exists() or f"def {test}" not in (ROOT / file).read_text("utf-8")
    ]

    assert absent == []


def test_the_plugin_in_the_tutorial_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime
    from importlib.metadata import distributions

    from crmbridge.extensions import load_extensions
    from crmbridge.records import Event

    (code,) = [block for document, block in blocks("python") if document.name == "extensions.md"]
    info = tmp_path / "acme_crmbridge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: acme-crmbridge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crmbridge]\nacme = acme_crmbridge\n")
    (tmp_path / "acme_crmbridge.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    points = [point for dist in distributions(path=[str(tmp_path)]) for point in dist.entry_points]

    extensions = load_extensions(["acme-crmbridge"], points)
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    problems = extensions.notify(Event(code="job.failed", job="nightly", at=at))

    assert (extensions.problems, problems) == ((), ())
    assert (tmp_path / "failed.txt").read_text() == "2026-01-02 03:04 nightly\n"


@pytest.mark.parametrize(("document", "command"), shell_commands())
def test_a_command_in_the_documents_exists(document: str, command: str) -> None:
    words = shlex.split(command, comments=True)

    if words[0] == "make":
        done = subprocess.run(
            ["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    else:
        assert unknown_words(words[1:]) == []


def unknown_words(words: list[str]) -> list[str]:
    """Commands and options of a crmbridge call that it does not have."""
    from crmbridge.cli.app import app

    command: Any = typer.main.get_command(app)
    options = options_of(command)
    unknown = []
    for word in words:
        if word in ("|", ">", "&&", ";"):
            break
        if word.startswith("--"):
            unknown += [] if word.partition("=")[0] in options else [word]
        elif hasattr(command, "commands") and word not in VALUES:
            command = command.commands.get(word)
            if command is None:
                return [*unknown, word]
            options |= options_of(command)
    return unknown


VALUES = ("crmbridge.toml",)
"""Words that stand after an option of crmbridge itself."""


def options_of(command: Any) -> set[str]:
    """All options of a command; --help is everybody's."""
    return {"--help"} | {name for parameter in command.params for name in parameter.opts}


def test_an_unknown_command_or_option_is_noticed() -> None:
    assert unknown_words(["no-such-command"]) == ["no-such-command"]
    assert unknown_words(["--no-such-option"]) == ["--no-such-option"]


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "nightly"])
def test_the_make_targets_are_there(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
