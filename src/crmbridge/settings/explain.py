"""Turns what pydantic found wrong into one line that says what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from crmbridge.errors import ConfigError
from crmbridge.settings.keys import model_at
from crmbridge.settings.nearest import did_you_mean, nearest
from crmbridge.settings.secrets import has_password, is_secret_name

_EXPECTED = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "time_type": "a time like 08:00:00",
    "date_type": "a day like 2026-12-24",
    "missing": "this key",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "mapping_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "a list of {min_length}",
    "too_long": "a list of {max_length}",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_pattern_mismatch": "letters, digits, '-' and '_', at most 40",
    "crmbridge": "{expected}",
}
_AUTH = "auth"
_LONGEST = 60


def first_error(
    error: ValidationError, where: str, document: Mapping[str, Any], model: type[BaseModel]
) -> ConfigError:
    """The error a person should mend first: an unknown key before what follows from it.

    Args:
        where: file, and the table that was validated if it is not the whole file.
        document: what was validated.
    """
    found = error.errors(include_url=False, include_input=False)
    unknown = [item for item in found if item["type"] == "extra_forbidden"]
    missing = [item for item in found if item["type"] == "missing"]
    chosen: Mapping[str, Any] = (unknown or _meant(missing, document) or found)[0]
    path, value = _follow(chosen, document)
    if chosen["type"] == "extra_forbidden":
        return unknown_key(where, path, known_at(model, path[:-1]))
    if chosen["type"] == "missing":
        return _missing_key(where, path, document)
    if chosen["loc"][-1:] == ("[key]",):
        value = path[-1]
    context = chosen.get("ctx", {})
    template = _EXPECTED.get(chosen["type"])
    wanted = template.format(**context) if template else _plain(chosen["msg"])
    got = context.get("got") or _shown(value, path)
    return ConfigError(_place(where, path), wanted, got, context.get("next", ""))


def unknown_key(where: str, path: Sequence[str | int], known: Sequence[str]) -> ConfigError:
    """The error for a key that nobody knows, with the nearest that somebody does."""
    name = str(path[-1])
    return ConfigError(_place(where, path), "a known key", repr(name), did_you_mean(name, known))


def known_at(model: type[BaseModel], path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys known in the table at a path."""
    found = model_at(model, path)
    return tuple(found.model_fields) if found is not None else ()


def _meant(missing: Sequence[Any], document: Mapping[str, Any]) -> list[Any]:
    """Missing keys first whose table holds something that looks like them."""
    return [item for item in missing if _lookalike(item["loc"], document)]


def _lookalike(path: Sequence[str | int], document: Mapping[str, Any]) -> str:
    table: Any = document
    for part in path[:-1]:
        table = table[part] if isinstance(table, Mapping) and part in table else {}
    return nearest(str(path[-1]), map(str, table)) if isinstance(table, Mapping) else ""


def _missing_key(where: str, path: Sequence[str | int], document: Mapping[str, Any]) -> ConfigError:
    if isinstance(path[-1], int):
        return ConfigError(_place(where, path[:-1]), "a longer list")
    near = _lookalike(path, document)
    if near:
        return unknown_key(where, (*path[:-1], near), (str(path[-1]),))
    return ConfigError(_place(where, path), "this key", "none")


def _follow(
    error: Mapping[str, Any], document: Mapping[str, Any]
) -> tuple[tuple[str | int, ...], Any]:
    """The path of an error and the value there, without pydantic's names of union members."""
    path: list[str | int] = []
    value: Any = document
    for part in (*error["loc"], *error.get("ctx", {}).get("at", ())):
        if _leads_on(value, part):
            path.append(part)
            value = value[part]
        elif error["type"] == "missing" and part == error["loc"][-1]:
            path.append(part)
    return tuple(path), value


def _leads_on(value: Any, part: str | int) -> bool:
    if isinstance(value, Mapping):
        return part in value
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and isinstance(part, int) and part < len(value)


def _place(where: str, path: Sequence[str | int]) -> str:
    text = ".".join(_quoted(part) for part in path)
    glue = "." if ": " in where else ": "
    return f"{where}{glue}{text}" if text else where


def _quoted(part: str | int) -> str:
    text = str(part)
    if text.replace("-", "_").replace("_", "a").isalnum() and text.isascii():
        return text
    return repr(text[:_LONGEST])


def _shown(value: Any, path: Sequence[str | int]) -> str:
    """A value as an error may show it: short, and nothing that could be a secret."""
    if _AUTH in path or any(is_secret_name(str(part)) for part in path):
        return "a value (not shown)"
    if isinstance(value, str) and has_password(value):
        return "a value (not shown)"
    if isinstance(value, Mapping):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    if isinstance(value, list | tuple | str | int | float) or value is None:
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return str(value)


def _plain(message: str) -> str:
    """pydantic's own words, as they go on after "expected"."""
    text = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return text.removeprefix("expected ").removeprefix("Expected ")
