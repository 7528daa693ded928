"""Keeps what must not be in any file out of all of them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from crmbridge import failpoint

ROOT = Path(__file__).parents[2]
LARGEST = 2_000_000
"""Bytes; larger files are data that nobody wrote by hand."""

# Each pattern is written so that it does not match itself.
FORBIDDEN = {
    "a package index's address": r"pypi[.]org/simple|files[.]pythonhosted|(?<!emit-)index[-]url",
    "a path of one machine": r"(?<![\w.~-])/(work|tmp|root|home/\w+)/[\w.]",
}
UNSAFE = {
    "a certificate that is not verified": (
        r"verify\s*=\s*False|CERT[_]NONE|check_hostname\s*=\s*False|_create_unverified[_]context"
    ),
    "a server that others can reach": r"0\.0\.0[.]0|\(\s*\"\"\s*,\s*\d+\s*\)|host=\"\"",
}
GREPS = ("tests/guards/test_files.py", "tests/unit/adapters/test_tls.py")
"""Tests that hold the patterns themselves."""
SKIPS = ("skip", "skipif", "xfail")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or would be committed."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    paths = (ROOT / name for name in sorted(found) if name)
    return tuple(path for path in paths if path.is_file() and path.stat().st_size < LARGEST)


def lines(*suffixes: str) -> Iterator[tuple[str, str]]:
    """(place, line) of every text file, or of those that end so."""
    for path in tracked():
        if not suffixes or path.suffix in suffixes:
            text = path.read_bytes().decode("utf-8", "ignore")
            for number, line in enumerate(text.splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{number}", line


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])

    assert [place for place, line in lines() if pattern.search(line)] == []


@pytest.mark.parametrize("what", UNSAFE)
def test_no_code_asks_for(what: str) -> None:
    pattern = re.compile(UNSAFE[what])

    found = [f"{place} {line.strip()}" for place, line in lines(".py") if pattern.search(line)]

    assert [text for text in found if not text.startswith(GREPS)] == []


def test_the_patterns_find_what_they_are_for() -> None:
    examples = {
        "a package index's address": "--extra-index" + "-url=x",
        "a path of one machine": "open('/" + "tmp/x')",
        "a certificate that is not verified": "get(url, verify = " + "False)",
        "a server that others can reach": 'bind(("", ' + "80))",
    }

    for what, pattern in (FORBIDDEN | UNSAFE).items():
        assert re.search(pattern, examples[what]), what


def test_tests_skip_only_for_a_reason() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for path in tracked()
        if path.suffix == ".py" and path.name.startswith(("test_", "conftest"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if is_skip(node) and not has_reason(node)
    ]

    assert silent == []


def is_skip(node: ast.AST) -> bool:
    """``pytest.skip``, ``pytest.mark.skip`` and the like, called or not."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in SKIPS


def has_reason(node: ast.AST) -> bool:
    assert isinstance(node, ast.Call)
    given = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
    if not given and isinstance(node.func, ast.Attribute) and node.func.attr == "skip":
        given = node.args[:1]
    return any(not isinstance(value, ast.Constant) or value.value for value in given)


def reached() -> set[str]:
    """The names of all points that the code reaches."""
    found = set()
    for path in tracked():
        if path.suffix == ".py" and "tests" not in path.relative_to(ROOT).parts:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and is_reach(node.func) and node.args:
                    found.add(ast.literal_eval(node.args[0]))
    return found


def is_reach(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        of = function.value
        return function.attr == "reach" and isinstance(of, ast.Name) and of.id == "failpoint"
    return isinstance(function, ast.Name) and function.id == "reach"


def test_every_point_that_is_reached_is_listed() -> None:
    assert reached() - set(failpoint.POINTS) == set()


def test_every_point_that_is_listed_is_reached() -> None:
    assert set(failpoint.POINTS) - reached() == set()
