"""Writes docs/configuration.md from the models: every key with its type, default and meaning.

Run as ``python -m crmbridge.settings.reference > docs/configuration.md``; a guard test compares.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date, time
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from crmbridge.settings.keys import Key, below_of, walk
from crmbridge.settings.model import Settings
from crmbridge.settings.secrets import SecretRef
from crmbridge.settings.table import Table

HEAD = """\
# Configuration

This page is generated from the settings (`python -m crmbridge.settings.reference`); the tests keep
it true.

crmbridge reads one TOML file: the one named by `--config`, else by the environment variable
`CRMBRIDGE_CONFIG`, else `crmbridge.toml` in the current folder. Paths in it are relative to its
folder. `crmbridge init` writes a first one, `crmbridge doctor` checks it. A key that is not known
is an error, with the nearest known key; so is a value of the wrong type. A command that finds one
does nothing and exits with 78.

Dates and times are TOML's own: `08:00:00`, `2026-12-24`, without quotes.

**Secrets** are never written into the file. Where a key takes a *secret*, and wherever else you do
not want a value to stand in the file, write one of

    {{ env = "NAME" }}                 # an environment variable
    {{ file = "secrets/crm" }}         # a file of your own with mode 0600 or stricter, no link
    {{ keyring = "service/name" }}     # the keyring of this machine

A secret is read when it is needed, and not shown in any message.

`NAME`, `STREAM`, `OBJECT`, `FIELD`, `EMAIL` and the like stand for names: yours, or those of the
records described in `crmbridge fields`.
"""
_STARS = {
    "connections": ("NAME",),
    "streams": ("STREAM",),
    "mapping": ("STREAM", "OBJECT", "FIELD"),
    "reps": ("EMAIL",),
    "classes": ("CLASS",),
    "rules": ("RULE",),
    "campaigns": ("NAME",),
    "jobs": ("NAME",),
}
_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    time: "time",
    date: "day",
    NoneType: "",
    SecretRef: "secret",
}


def reference() -> str:
    """The whole page."""
    parts = [HEAD.format()]
    for heading, model in tables():
        parts.append(_section(heading, model))
    return "\n".join(parts)


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table with its heading, in the order of the file; the document itself comes first."""
    yield "", Settings
    for key in walk(Settings):
        if key.below is not None and key.below is not SecretRef:
            yield ".".join(_spelled(key)), key.below


def _spelled(key: Key) -> list[str]:
    """The path with the user's names as capitals, those of the key itself included."""
    spelled: list[str] = []
    names: Iterator[str] = iter(())
    for part in key.path:
        spelled.append(next(names) if part == "*" else part)
        if part != "*":
            names = iter(_STARS.get(part, ()))
    return spelled + list(names)


def _section(heading: str, model: type[BaseModel]) -> str:
    title = f"## `[{heading}]`" if heading else "## Tables"
    summary = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    rows = [_row(name, field, model) for name, field in model.model_fields.items()]
    head = ["| key | value | default | |", "|---|---|---|---|"]
    return "\n".join([title, "", summary, "", *head, *rows, ""])


def _row(name: str, field: FieldInfo, model: type[BaseModel]) -> str:
    said = descriptions(model).get(name, "")
    cells = (f"`{name}`", value_text(field.annotation, field.metadata), _default(field), said)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """The sentence under each field, by its name; fields of the tables it builds on included."""
    found: dict[str, str] = {}
    for table in reversed(model.__mro__):
        if issubclass(table, BaseModel) and table not in (BaseModel, Table):
            found.update(_said_in(table))
    return found


def _said_in(model: type[BaseModel]) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = tree.body[0]
    found: dict[str, str] = {}
    if isinstance(body, ast.ClassDef):
        for field, said in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                found[field.target.id] = _constant(said)
    return found


def _constant(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def value_text(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    """What may stand there, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return value_text(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(f"`{_toml(value)}`" for value in arguments)
    if origin in (Union, UnionType):
        words = [value_text(item, metadata) for item in arguments]
        return " or ".join(dict.fromkeys(word for word in words if word))
    if origin is tuple:
        is_pair = Ellipsis not in arguments
        return f"pair of {_plural(arguments[0])}" if is_pair else f"list of {_plural(arguments[0])}"
    if annotation in _WORDS:
        return _WORDS[annotation] + _range(metadata)
    if below_of(annotation)[1] is not None:
        return "table"
    return f"table of {_plural(arguments[1])}" if arguments else "value"


def _plural(annotation: Any) -> str:
    text = value_text(annotation)
    if text.startswith("text or whole number"):
        return "values"
    if "`" in text or text.startswith(("table of", "true")):
        return text
    first, *rest = text.split(" or ")[0].split(" ", 1)
    head = "pairs" if first == "pair" else "lists" if first == "list" else ""
    if head:
        return " ".join([head, *rest])
    noun, comma, limits = text.partition(",")
    return f"{noun.replace(' or ', 's or ')}s{comma}{limits}"


def _range(metadata: list[Any] | tuple[Any, ...]) -> str:
    """Bounds, whether pydantic keeps them flat or inside a Field."""
    flat = [below for item in metadata for below in getattr(item, "metadata", [item])]
    words = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}
    found = [
        text.format(getattr(item, name))
        for name, text in words.items()
        for item in flat
        if getattr(item, name, None) is not None
    ]
    return f", {' '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", {}) or isinstance(value, BaseModel):
        return ""
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    """A default as it would stand in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())
