"""Decides which records a query's condition lets through, with Salesforce's rules of types."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import translate
from re import IGNORECASE
from re import compile as compile_pattern
from typing import Any

from crmbridge_salesforce.sandbox.ids import long_id
from crmbridge_salesforce.sandbox.schema import ObjectSpec
from crmbridge_salesforce.sandbox.soql import Compare, Condition, SoqlError, Token

Values = Mapping[str, Any]
Test = Callable[[Values], bool]

_NUMBERS = frozenset({"double", "currency", "int", "percent"})
_IDS = frozenset({"id", "reference"})
_LONG_TEXTS = frozenset({"textarea", "address"})


def compile_condition(spec: ObjectSpec, condition: Condition | None) -> Test:
    """The test that a condition makes of a record.

    Raises:
        SoqlError: a field is not there, or is compared with a literal of another type.
    """
    if condition is None:
        return _pass
    if isinstance(condition, Compare):
        return _comparison(spec, condition)
    parts = [compile_condition(spec, part) for part in condition.parts]
    if condition.operator == "not":
        return lambda values: not parts[0](values)
    join = all if condition.operator == "and" else any
    return lambda values: join(part(values) for part in parts)


def _pass(values: Values) -> bool:
    del values
    return True


def field_name(spec: ObjectSpec, name: str) -> str:
    """A field's name in its own spelling.

    Raises:
        SoqlError: the object has no such field, or the user may not see it.
    """
    found = spec.find(name)
    if found is None:
        raise SoqlError(
            f"No such column '{name}' on entity '{spec.name}'. If you are attempting to use a "
            "custom field, be sure to append the '__c' after the custom field name.",
            "INVALID_FIELD",
        )
    return found.name


def parse_instant(text: str) -> int:
    """Milliseconds since 1970."""
    at = datetime.fromisoformat(text.replace("+0000", "+00:00"))
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def instant_text(millis: int) -> str:
    """An instant as Salesforce writes it."""
    at = datetime.fromtimestamp(millis / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03d}+0000"


def _comparison(spec: ObjectSpec, compare: Compare) -> Test:
    name = field_name(spec, compare.field)
    kind = spec.fields[name].type
    if kind in _LONG_TEXTS:
        raise SoqlError(f"field '{name}' can not be filtered in a query call", "INVALID_FIELD")
    wanted = [_operand(name, kind, token) for token in compare.literals]
    key = _key_of(kind)
    if compare.operator in {"in", "not in"}:
        chosen = set(wanted)
        is_in = compare.operator == "in"
        return lambda values: (key(values.get(name)) in chosen) is is_in
    if compare.operator == "like":
        like = compile_pattern(_like(str(wanted[0])), IGNORECASE)
        return lambda values: like.match(str(values.get(name) or "")) is not None
    return _ordering(name, compare.operator, wanted[0], key)


def _ordering(name: str, operator: str, wanted: Any, key: Callable[[Any], Any]) -> Test:
    if operator == "=":
        return lambda values: bool(key(values.get(name)) == wanted)
    if operator == "!=":
        return lambda values: bool(key(values.get(name)) != wanted)
    if wanted is None:
        raise SoqlError(f"value of filter criterion for field '{name}' must not be null")

    def compare(values: Values) -> bool:
        found = key(values.get(name))
        if found is None:
            return False
        if operator in {"<", "<="}:
            return bool(found < wanted or (operator == "<=" and found == wanted))
        return bool(found > wanted or (operator == ">=" and found == wanted))

    return compare


def _operand(name: str, kind: str, token: Token) -> Any:
    """A literal's value, if it is of the field's type."""
    if token.kind == "word" and token.text == "null":
        return None
    is_quoted = token.kind == "string"
    if kind == "boolean" and token.kind == "word":
        return token.text == "true"
    if kind == "datetime" and token.kind == "instant":
        return parse_instant(token.text)
    if kind == "date" and token.kind == "day":
        return token.text
    if kind in _NUMBERS and token.kind == "number":
        return token.value
    if kind in _IDS and is_quoted:
        if token.value and len(token.value) not in {15, 18}:
            raise SoqlError(f"invalid ID field: {token.value}", "INVALID_QUERY_FILTER_OPERATOR")
        return long_id(token.value)
    if is_quoted and kind not in {"boolean", "datetime", "date", *_NUMBERS, *_IDS}:
        return token.value.lower()
    clause = "should not be enclosed in quotes" if is_quoted else "has another type"
    raise SoqlError(
        f"value of filter criterion for field '{name}' must be of type {kind} and {clause}",
        "INVALID_FIELD",
    )


def _key_of(kind: str) -> Callable[[Any], Any]:
    if kind in {"datetime", "date", "boolean", *_NUMBERS, *_IDS}:
        return lambda value: value
    return lambda value: value.lower() if isinstance(value, str) else value


def _like(pattern: str) -> str:
    glob = pattern.replace("[", "[[]").replace("*", "[*]").replace("?", "[?]")
    return translate(glob.replace("%", "*").replace("_", "?"))
