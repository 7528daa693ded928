"""Writes the first version of a new adapter package, which passes its tests as it stands."""

import re
from importlib import resources
from pathlib import Path
from string import Template

from crmbridge.errors import UsageError

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "init.py": "src/$module/__init__.py",
    "settings.py": "src/$module/settings.py",
    "mapping.py": "src/$module/mapping.py",
    "client.py": "src/$module/client.py",
    "adapter.py": "src/$module/adapter.py",
    "py.typed": "src/$module/py.typed",
    "test_adapter.py": "tests/test_adapter.py",
}
"""template -> file of the package."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_adapter(name: str, folder: Path) -> list[Path]:
    """Write a package ``crmbridge-NAME`` into a folder of that name below `folder`.

    Args:
        name: the adapter's name, as in ``adapter = "NAME"``: lower-case letters, digits and
            single dashes.

    Returns:
        the files written, in the order to read them.

    Raises:
        UsageError: the name is none, or the folder exists already.
    """
    if not _NAME.fullmatch(name):
        expected = "a name of lower-case letters, digits and dashes"
        raise UsageError("new-adapter", expected, repr(name), "For example: acme-crm")
    package = folder / f"crmbridge-{name}"
    if package.exists():
        next_step = "Choose another name or folder"
        raise UsageError("new-adapter", f"no {package} yet", "one that exists", next_step)
    words = {
        "name": name,
        "module": f"crmbridge_{name.replace('-', '_')}",
        "prefix": "".join(part.capitalize() for part in name.split("-")),
    }
    return [_write(template, package, target, words) for template, target in FILES.items()]


def _write(template: str, package: Path, target: str, words: dict[str, str]) -> Path:
    source = resources.files(__package__) / "templates" / f"{template}.txt"
    path = package / Template(target).substitute(words)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(source.read_text("utf-8")).substitute(words), "utf-8")
    return path
