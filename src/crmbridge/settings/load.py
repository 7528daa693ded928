"""Loads the configuration file, and the keys in it that belong to an adapter."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from crmbridge.errors import ConfigError
from crmbridge.settings.connections import ConnectionSettings
from crmbridge.settings.explain import first_error, unknown_key
from crmbridge.settings.model import Settings
from crmbridge.settings.secrets import HOW, SecretRef, Secrets, is_reference
from crmbridge.settings.source import locate, parse, read_document

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read and check the configuration file.

    Args:
        path: the file; by default CRMBRIDGE_CONFIG's, else crmbridge.toml in this folder.
        environ: the environment; a copy is kept for references to secrets.

    Raises:
        ConfigError: the first thing to mend, with its place.
    """
    file = locate(path, environ)
    return _build(read_document(file), file, environ)


def loads(text: str, environ: Mapping[str, str], base: Path = Path()) -> Settings:
    """Check settings that are given as text.

    Args:
        base: folder that relative paths are relative to.

    Raises:
        ConfigError: the first thing to mend, with its place.
    """
    file = base / "crmbridge.toml"
    return _build(parse(file, text), file, environ)


def adapter_options(connection: ConnectionSettings, model: type[Model]) -> Model:
    """The connection's keys that belong to its adapter, checked by the adapter's model.

    A model that has a field named like a core key, such as ``streams``, gets what stands there.
    References to secrets are resolved to SecretStr. Unknown keys are refused whatever the model
    says of them.

    Raises:
        ConfigError: an unknown key, with the nearest one known; a wrong value; a secret that is
            written into the file or is not where its reference says.
    """
    options = connection.options
    names = _names(model)
    for key in options:
        if key not in names:
            known = (*ConnectionSettings.model_fields, *sorted(names))
            raise unknown_key(connection.where, (key,), known)
    _refuse_inline(connection, model)
    resolved = {key: _resolve(value, connection, key) for key, value in options.items()}
    resolved |= _core_tables(connection, names)
    try:
        return model.model_validate(resolved)
    except ValidationError as error:
        raise first_error(error, connection.where, resolved, model) from None


def _build(document: Mapping[str, Any], file: Path, environ: Mapping[str, str]) -> Settings:
    base = file.parent
    try:
        settings = Settings.model_validate(document, context={"base": base})
    except ValidationError as error:
        # Not chained: pydantic's text may hold the values.
        raise first_error(error, str(file), document, Settings) from None
    settings.bind(file, Secrets(base=base, environ=dict(environ)), document)
    return settings


def _core_tables(connection: ConnectionSettings, names: set[str]) -> dict[str, Any]:
    shared = names & ConnectionSettings.model_fields.keys() & connection.model_fields_set
    return connection.model_dump(include=shared, exclude_unset=True)


def _names(model: type[BaseModel]) -> set[str]:
    """The names a model's keys have in the file."""
    return {field.alias or name for name, field in model.model_fields.items()}


def _refuse_inline(connection: ConnectionSettings, model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        key = field.alias or name
        kinds = (field.annotation, *get_args(field.annotation))
        if SecretStr in kinds and isinstance(connection.options.get(key), str):
            where = f"{connection.where}.{key}"
            raise ConfigError(where, "a reference to the secret", "a value (not shown)", HOW)


def _resolve(value: Any, connection: ConnectionSettings, key: str) -> Any:
    if is_reference(value):
        where = f"{connection.where}.{key}"
        return connection.secrets.resolve(SecretRef.model_validate(value), where)
    if isinstance(value, dict):
        return {name: _resolve(below, connection, f"{key}.{name}") for name, below in value.items()}
    if isinstance(value, list):
        return [_resolve(below, connection, key) for below in value]
    return value
