"""Each documented key, at its place in the file, under a name with a slip in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from crmbridge.errors import ConfigError
from crmbridge.settings import Settings, adapter_options
from crmbridge.settings.connections import ConnectionSettings
from crmbridge.settings.keys import Key, model_at, walk
from crmbridge.settings.load import load
from crmbridge.settings.nearest import did_you_mean, nearest
from crmbridge.settings.reference import descriptions, tables

NAMES = {
    ("connections",): "a",
    ("connections", "streams"): "customers",
    ("connections", "mapping"): "customers",
    ("connections", "mapping", "customers"): "Account",
    ("connections", "mapping", "customers", "Account"): "name",
    ("reps",): "ann@example.com",
}
KEYS = [key for key in walk(Settings) if key.path[-1] != "*"]


class Bare(BaseModel):
    """An adapter without keys of its own."""


def named(key: Key) -> list[str]:
    """The path with names that fit in place of the stars."""
    real: list[str] = []
    for part in key.path:
        plain = tuple(item for item in real if item not in ("a", "ann@example.com"))
        real.append(NAMES.get(plain, "A") if part == "*" else part)
    return real


def document(path: list[str]) -> dict[str, Any]:
    """The smallest document with a key at this path; connections have the adapter they need."""
    value: Any = 1
    for depth in range(len(path) - 1, -1, -1):
        value = {path[depth]: value}
        if depth == 2 and path[0] == "connections" and "adapter" not in value:
            value["adapter"] = "csv"
    return dict(value)


def misspelt(name: str) -> str:
    """A name with its last letter doubled."""
    return name + name[-1]


def refusal(path: list[str], tmp_path: Path) -> str:
    file = tmp_path / "crmbridge.toml"
    # JSON's strings, numbers and inline tables differ from TOML's by the colon alone.
    lines = [
        f"{name} = {json.dumps(value).replace(': ', ' = ')}"
        for name, value in document(path).items()
    ]
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigError) as caught:
        adapter_options(load(file, {}).connection("a"), Bare)
    return str(caught.value)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(key.path))
def test_a_slip_in_any_key_is_refused_with_the_key_that_was_meant(key: Key, tmp_path: Path) -> None:
    path = named(key)
    path[-1] = misspelt(path[-1])

    message = refusal(path, tmp_path)

    assert f"expected a known key, got {path[-1]!r}. Did you mean {key.name!r}?" in message
    assert "\n" not in message


def test_the_walk_finds_keys_at_every_level() -> None:
    paths = {".".join(key.path) for key in KEYS}

    assert {
        "store.url",
        "connections.*.adapter",
        "connections.*.auth.client_secret.env",
        "connections.*.streams.*.files",
        "connections.*.mapping.*.*.*.values",
        "connections.*.write.limits.share",
        "reps.*.lunch.minutes",
        "planning.classes.*.every_days",
        "planning.rep_defaults.zone",
        "engine.score.weights.need",
        "jobs.*.steps",
    } <= paths


def test_every_key_has_a_sentence() -> None:
    silent = [
        f"{model.__name__}.{name}"
        for _, model in tables()
        for name in model.model_fields
        if not descriptions(model).get(name, "").endswith((".", "..."))
    ]

    assert silent == []


def test_the_model_of_a_place_in_the_file() -> None:
    assert model_at(Settings, ("connections", "a")) is ConnectionSettings
    assert model_at(Settings, ("connections",)) is None
    assert model_at(Settings, ("store", "url", "env")) is None
    assert model_at(Settings, ("none",)) is None


def test_the_nearest_name_ignores_case_and_gives_up_on_the_unlike() -> None:
    assert nearest("Delimeter", ["delimiter", "path"]) == "delimiter"
    assert nearest("zzz", ["delimiter", "path"]) == ""
    assert did_you_mean("zzz", ["b", "a"]) == "Known here: a, b"
    assert did_you_mean("zzz", []) == ""
