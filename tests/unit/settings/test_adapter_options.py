"""The keys of a connection that belong to its adapter."""

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from crmbridge.errors import ConfigError
from crmbridge.settings import ConnectionSettings, adapter_options, loads


class FileOptions(BaseModel):
    """What an adapter like ours might declare."""

    path: str = ""
    delimiter: str = Field(default=",", max_length=1)
    header_rows: int = Field(default=1, alias="header-rows")
    webhook_key: SecretStr | None = None


class Lenient(BaseModel):
    """An adapter that would swallow unknown keys."""

    model_config = ConfigDict(extra="allow")


def connection(lines: str, environ: dict[str, str] | None = None) -> ConnectionSettings:
    text = f'[connections.files]\nadapter = "csv"\n{lines}\n'
    return loads(text, environ or {}).connection("files")


def refusal(lines: str, model: type[BaseModel] = FileOptions) -> str:
    with pytest.raises(ConfigError) as caught:
        adapter_options(connection(lines), model)
    return str(caught.value)


def test_keys_that_are_not_ours_reach_the_adapter_s_model() -> None:
    options = adapter_options(connection('path = "data"\nheader-rows = 2'), FileOptions)

    assert (options.path, options.delimiter, options.header_rows) == ("data", ",", 2)


def test_an_unknown_key_is_refused_with_the_nearest_of_the_adapter_or_of_ours() -> None:
    assert refusal("delimeter = ';'") == (
        "crmbridge.toml: connections.files.delimeter: expected a known key, got 'delimeter'. "
        "Did you mean 'delimiter'?"
    )
    assert "Did you mean 'completes'?" in refusal("complets = 'x'")
    assert "Did you mean 'header-rows'?" in refusal("header_rows = 2")
    assert "expected a known key, got 'delimeter'" in refusal("delimeter = ';'", Lenient)


def test_a_wrong_value_is_named_with_its_place() -> None:
    assert refusal("path = 3") == "crmbridge.toml: connections.files.path: expected a text, got 3."
    assert "connections.files.delimiter" in refusal("delimiter = ';;'")


def test_the_adapter_s_secrets_are_references_too() -> None:
    found = adapter_options(connection('webhook_key = { env = "K" }', {"K": "v"}), FileOptions)

    assert found.webhook_key == SecretStr("v")
    message = refusal('webhook_key = "canary-7f3a"')
    assert "webhook_key: expected a reference to the secret, got a value (not shown)" in message
    assert "canary-7f3a" not in message


class StreamFiles(BaseModel):
    """The part of a stream's table that a file adapter reads."""

    files: tuple[str, ...] = ()


class Folder(BaseModel):
    """An adapter that reads a core table, too."""

    streams: dict[str, StreamFiles] = Field(default_factory=dict)


def test_an_adapter_that_declares_a_core_key_gets_what_stands_there() -> None:
    lines = '[connections.files.streams.customers]\nfiles = ["a.csv", "b.csv"]\nkey = "id"'

    assert adapter_options(connection(lines), Folder).streams["customers"].files == (
        "a.csv",
        "b.csv",
    )
    assert adapter_options(connection(""), Folder).streams == {}
