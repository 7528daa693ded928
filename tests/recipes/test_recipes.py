"""Each recipe is carried out as it is written, and prints what it says."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.md"))

_BLOCK = re.compile(r"^```(python|toml|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def carry_out(document: str, folder: Path) -> str:
    """The document with what its blocks print where it says what they print.

    Blocks of Python and shell are run in order, in the folder and in one namespace; a block of text
    holds what the block before it prints; a block of TOML is the configuration.
    """
    names: dict[str, Any] = {"__name__": "recipe"}
    printed = ""

    def done(block: re.Match[str]) -> str:
        nonlocal printed
        kind, body = block.groups()
        body = body if kind == "text" else body.replace("../shared", str(SHARED))
        if kind == "text":
            return f"```text\n{printed}```"
        if kind == "toml":
            (folder / "crmbridge.toml").write_text(body, encoding="utf-8")
        elif kind == "python":
            printed = run_python(body, names, folder)
        else:
            printed = "".join(run_command(line, folder) for line in body.splitlines())
        return block[0]

    return _BLOCK.sub(done, document)


def run_python(code: str, names: dict[str, Any], folder: Path) -> str:
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        exec(compile(code, "recipe", "exec"), names)
    return out.getvalue()


def run_command(line: str, folder: Path) -> str:
    """What ``crmbridge ...`` prints on standard output; 0 is how it must end."""
    from crmbridge.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        patch("sys.argv", line.split()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 0, err.getvalue()
    return out.getvalue()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_prints_what_it_says(recipe: Path, tmp_path: Path) -> None:
    document = recipe.read_text("utf-8")
    if "../shared" in document and not SHARED.is_dir() and not os.environ.get("CI"):
        pytest.skip("the shared data are not beside the project")

    assert carry_out(document, tmp_path).splitlines() == document.splitlines()


def test_the_three_recipes_are_there() -> None:
    assert [recipe.stem for recipe in RECIPES] == ["e-commerce", "finance", "travel"]


def write_again() -> None:
    """Put into each recipe what it prints now: python tests/recipes/test_recipes.py"""
    for recipe in RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            text = carry_out(recipe.read_text("utf-8"), Path(folder))
        recipe.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_again()
