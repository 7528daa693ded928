"""Whatever stands at a key, the answer is settings or one line that says what to do."""

import json
from datetime import date, datetime, time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.errors import ConfigError
from crmbridge.settings import Settings, loads
from crmbridge.settings.keys import Key, walk

KEYS = [key for key in walk(Settings) if key.path[-1] != "*"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=8)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.floats(),
    TEXTS,
    st.dates(min_value=date(1, 1, 1)),
    st.times(),
    st.datetimes(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=4,
)
NAMES = st.sampled_from(["a", "customers", "name", "ann@example.com", "x y", "", "A"])


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def toml(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{quoted(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    return quoted(value) if isinstance(value, str) else repr(value)


def document(key: Key, names: list[str], value: Any) -> str:
    left = iter(names)
    path = [next(left) if part == "*" else part for part in key.path]
    adapter = ""
    if path[0] == "connections" and path[2:] not in ([], ["adapter"]):
        adapter = f'connections.{quoted(path[1])}.adapter = "csv"\n'
    return f"{adapter}{'.'.join(map(quoted, path))} = {toml(value)}\n"


def answer(text: str) -> str:
    """The line that refuses a text; "" if it gives settings, which are then the same twice."""
    try:
        found = loads(text, {})
    except ConfigError as error:
        return str(error)
    assert found.digest() == loads(text, {}).digest()
    return ""


@settings(max_examples=400, deadline=None)
@given(key=st.sampled_from(KEYS), names=st.lists(NAMES, min_size=4, max_size=4), value=VALUES)
def test_any_value_gives_settings_or_one_line(key: Key, names: list[str], value: Any) -> None:
    line = answer(document(key, names, value))

    assert not line or ": expected " in line
    assert "expected TOML" not in line
    assert len(line.splitlines()) <= 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_settings_or_one_line(text: str) -> None:
    assert len(answer(text).splitlines()) <= 1
