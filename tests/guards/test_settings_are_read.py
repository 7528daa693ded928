"""Keeps the configuration honest: a key that is accepted does something."""

import ast
from pathlib import Path

from crmbridge.settings import Settings
from crmbridge.settings.keys import Key, walk
from crmbridge.settings.secrets import SecretRef

SOURCE = Path(__file__).parents[2] / "src" / "crmbridge"

WHOLE_TABLES = ("auth", "limits", "streams", "mapping", "score")
"""Tables that are handed over as they stand, key by key."""
PENDING: dict[str, str] = {}
"""Keys that nothing reads yet, with what is missing."""


def names_used() -> set[str]:
    """Every attribute and every text in the rooms beside settings."""
    used = set()
    for module in SOURCE.rglob("*.py"):
        if "settings" not in module.relative_to(SOURCE).parts:
            for node in ast.walk(ast.parse(module.read_text("utf-8"))):
                if isinstance(node, ast.Attribute):
                    used.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used.add(node.value)
    return used


def is_handed_over(key: Key) -> bool:
    return key.table is SecretRef or bool(set(key.path[:-1]) & set(WHOLE_TABLES))


def test_every_key_is_read_somewhere() -> None:
    used = names_used() | {"url", "password"}  # `Settings.store_url` reads these itself

    unread = {
        ".".join(key.path)
        for key in walk(Settings)
        if key.below in (None, SecretRef) and key.name not in used and not is_handed_over(key)
    }

    assert unread <= set(PENDING)
