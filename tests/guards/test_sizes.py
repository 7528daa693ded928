"""Keeps functions and modules small enough to read at one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION = 40
LONGEST_MODULE = 400

FROZEN = ROOT / "src/crmbridge/store/migrations/versions"
"""Migrations: written once, by a program, and never read again unless one fails."""
LONG_FUNCTIONS = {
    "src/crmbridge/jobs/territory/gathering.py:gather": "one line for each fact that a plan needs",
}
"""``path:name`` -> why this one function may be longer."""
LONG_MODULES = {
    "src/crmbridge/records/streams.py": "one table of all streams and fields",
    "src/crmbridge/store/schema.py": "all tables on one page",
}
"""Why this one module may be longer."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    places = [ROOT / "src", *(ROOT / "plugins").glob("*/src")]
    found = (module for place in places for module in place.rglob("*.py"))
    return sorted(module for module in found if FROZEN not in module.parents)


def functions(module: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def lines_of(function: Function) -> int:
    """Lines from the def on, without the docstring."""
    first, last = function.lineno, function.end_lineno or function.lineno
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    length = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return last - first + 1 - length


def test_functions_are_short() -> None:
    long = [
        f"{name}: {lines_of(function)} lines"
        for module in modules()
        for function in functions(module)
        if lines_of(function) > LONGEST_FUNCTION
        if (name := f"{module.relative_to(ROOT)}:{function.name}") not in LONG_FUNCTIONS
    ]

    assert long == []


def test_modules_are_short() -> None:
    lengths = {str(m.relative_to(ROOT)): len(m.read_text("utf-8").splitlines()) for m in modules()}

    long = {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}

    assert set(long) <= set(LONG_MODULES), long


def test_the_exceptions_are_still_needed() -> None:
    names = {f"{m.relative_to(ROOT)}:{f.name}" for m in modules() for f in functions(m)}

    assert set(LONG_FUNCTIONS) <= names
    assert all((ROOT / name).exists() for name in LONG_MODULES)


def test_a_docstring_does_not_count() -> None:
    source = 'def f():\n    """One\n\n    two.\n    """\n    return 1\n'

    (function,) = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]

    assert lines_of(function) == 2
