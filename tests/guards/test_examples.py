"""Keeps the example configurations usable."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from crmbridge.errors import ConfigError
from crmbridge.settings import load, loads

ROOT = Path(__file__).parents[2]


def refusals() -> Iterator[str]:
    for file in sorted((ROOT / "config").rglob("*.toml")):
        try:
            load(file, {})
        except ConfigError as error:
            yield str(error)


def test_every_example_configuration_is_accepted() -> None:
    assert list(refusals()) == []


def test_the_visit_strategy_that_stands_commented_in_examples_is_accepted() -> None:
    for file in ("salesforce.toml", "hubspot.toml"):
        text = (ROOT / "config" / file).read_text("utf-8")
        head, mark, rest = text.partition("# More of the visit strategy")
        block, _, tail = rest.partition("\n\n")
        said = re.sub(r"^# (?=\[|\w+ = )", "", block, flags=re.MULTILINE)

        assert mark, file
        assert set(loads(f"{head}#{said}\n\n{tail}", {}).planning.rules) == {"pumps", "rivals"}


def toml_blocks() -> Iterator[tuple[str, str]]:
    """(document, text) of every fenced block of TOML."""
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        parts = document.read_text("utf-8").split("```toml\n")[1:]
        yield from ((document.name, part.partition("```")[0]) for part in parts)


def test_configuration_shown_in_documents_is_accepted() -> None:
    for document, text in toml_blocks():
        if "project" in tomllib.loads(text):
            continue  # a package's own file, not a configuration
        assert loads(text, {}), document
