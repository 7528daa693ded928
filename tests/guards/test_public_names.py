"""Keeps each room's front door true: what it exports is there, and it opens quickly."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import crmbridge

ROOT = Path(__file__).parents[2]
ROOMS = sorted(
    info.name for info in pkgutil.iter_modules(crmbridge.__path__, "crmbridge.") if info.ispkg
)
HEAVY = (
    "pandas", "sklearn", "numba", "statsmodels", "matplotlib", "sqlalchemy", "scipy", "duckdb",
)  # fmt: skip
LIGHT = ("crmbridge.cli.app", "crmbridge.settings", "crmbridge.extensions", "crmbridge.adapters")
"""What a command imports before it knows what to do."""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_what_it_exports(room: str) -> None:
    module = importlib.import_module(room)

    exported = list(getattr(module, "__all__", ()))

    assert re.match(r"[A-Z].*\.$", (module.__doc__ or "").strip().replace("\n", " "))
    assert len(set(exported)) == len(exported)
    assert [name for name in exported if not hasattr(module, name)] == []
    assert [name for name in exported if name.startswith("_")] == []


@pytest.mark.parametrize("module", LIGHT)
def test_nothing_heavy_is_imported_before_it_is_needed(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert loaded == []


def test_the_help_page_loads_no_plugin() -> None:
    program = (
        "import sys; sys.argv = ['crmbridge', '--help']\n"
        "from crmbridge.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('crmbridge_')], file=sys.stderr)"
    )

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
    assert "Usage" in done.stdout
