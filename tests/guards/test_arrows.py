"""Keeps the import arrows of docs/design.md: which room may import which."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "crmbridge"
PLUGINS = sorted((ROOT / "plugins").glob("*/src/*"))

BASE = {"records", "errors", "clock", "failpoint"}
"""What every room may import."""
ROOMS: dict[str, set[str]] = {
    "records": set(),
    "errors": set(),
    "clock": set(),
    "failpoint": set(),
    "settings": set(),
    "adapters": set(),
    "extensions": {"adapters"},
    "store": set(),
    "engine": set(),
    "travel": set(),
    "planning": set(),
    "pull": {"adapters", "store"},
    "push": {"adapters", "store"},
}
"""What each room may import beside `BASE` and itself."""
ROOMS["jobs"] = set(ROOMS)
ROOMS["testing"] = set(ROOMS) | {"jobs"}
ROOMS["cli"] = set(ROOMS) | {"jobs", "testing"}

FOR_PLUGINS = BASE | {"adapters", "extensions", "testing"}

ENVIRONMENT_READERS = {
    "settings": "resolves references to secrets",
    "failpoint.py": "tests kill a process by it",
    "cli": "hands the environment to settings",
}
"""Rooms that may touch the environment, with the reason."""


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(module: Path) -> str:
    """The room a module of the core is in; a module beside the rooms is a room of its own."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[tuple[str, str, int]]:
    """(module, name, line) of each import, wherever it stands; name is "" for ``import x``."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)


def room_imported(source: str, name: str) -> str:
    """The room of ours that an import reaches; "" for other libraries and for ``__version__``."""
    parts = source.split(".")
    if parts[0] != "crmbridge":
        return ""
    if len(parts) > 1:
        return parts[1]
    return name if name in ROOMS else ""


def spot(module: Path, line: int) -> str:
    return f"{module.relative_to(ROOT)}:{line}"


def test_every_room_has_its_arrows() -> None:
    assert {room_of(module) for module in modules()} - {"__init__", "__main__"} <= set(ROOMS)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_its_arrows_allow(room: str) -> None:
    allowed = ROOMS[room] | BASE | {room, ""}

    strays = [
        f"{spot(module, line)} imports {source}"
        for module in modules()
        if room_of(module) == room
        for source, name, line in imports(module)
        if room_imported(source, name) not in allowed
    ]

    assert strays == []


@pytest.mark.parametrize("package", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_only_public_names_and_no_other_plugin(package: Path) -> None:
    strays = [
        f"{spot(module, line)} imports {source}.{name}"
        for module in sorted(package.rglob("*.py"))
        for source, name, line in imports(module)
        if not is_allowed_for_plugin(source, name, package.name)
    ]

    assert strays == []


def is_allowed_for_plugin(source: str, name: str, package: str) -> bool:
    top = source.split(".", maxsplit=1)[0]
    if top != "crmbridge":
        return top == package or not top.startswith("crmbridge_")
    return room_imported(source, name) in FOR_PLUGINS and is_public(source, name)


def is_public(source: str, name: str) -> bool:
    """Listed in ``__all__`` where there is one, else without a leading underscore."""
    if not name or source == "crmbridge":
        return True
    module = importlib.import_module(source)
    return name in getattr(module, "__all__", [name]) and not name.startswith("_")


def test_only_settings_read_the_environment() -> None:
    readers = [
        spot(module, node.lineno)
        for module in modules()
        if not set(module.relative_to(SOURCE).parts) & set(ENVIRONMENT_READERS)
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    ]

    assert readers == []
