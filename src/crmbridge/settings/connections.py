"""What the configuration says of a connection: one account of one CRM, or one folder of files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from crmbridge.records import STREAMS
from crmbridge.settings.access import AuthSettings, LimitSettings, PullSettings
from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.secrets import HOW, Secrets, has_password, inline_secrets
from crmbridge.settings.sources import SourceTable, StreamSettings, mappable
from crmbridge.settings.table import (
    Name,
    Table,
    expected,
)
from crmbridge.settings.writes import WriteSettings


class ConnectionSettings(Table):
    """One configured account. Keys that are not listed belong to the adapter."""

    model_config = ConfigDict(extra="allow")

    adapter: Name
    "The adapter that speaks to it; 'crmbridge adapters' lists them."
    url: str = ""
    "Where the CRM is: production, a sandbox or a test server."
    auth: AuthSettings = Field(default_factory=AuthSettings)
    "How to sign in."
    currency: str = ""
    "Currency of its amounts, an ISO 4217 code."
    completes: str = ""
    "Connection whose records this one completes."
    completes_by: Literal["id", "number"] = "id"
    "What the records are joined by: the other's id, or the customer's number."
    streams: Mapping[str, StreamSettings] = Field(default_factory=dict)
    "Where each stream comes from."
    mapping: Mapping[str, Mapping[str, Mapping[str, SourceTable]]] = Field(default_factory=dict)
    "Where each field comes from, over what the adapter proposes."
    pull: PullSettings = Field(default_factory=PullSettings)
    "How it is read."
    limits: LimitSettings = Field(default_factory=LimitSettings)
    "How hard it may be used."
    write: WriteSettings = Field(default_factory=WriteSettings)
    "What may be written."

    _name: str = PrivateAttr(default="")
    _file: str = PrivateAttr(default="crmbridge.toml")
    _secrets: Secrets = PrivateAttr(default_factory=Secrets)

    @property
    def name(self) -> str:
        """The connection's name in the file."""
        return self._name

    @property
    def where(self) -> str:
        """File and table, for errors."""
        return f"{self._file}: connections.{self._name}"

    @property
    def secrets(self) -> Secrets:
        """What resolves this connection's references."""
        return self._secrets

    @property
    def options(self) -> Mapping[str, Any]:
        """The adapter's own keys, as they stand in the file; see `adapter_options`."""
        return dict(self.model_extra or {})

    def bind(self, name: str, file: Path, secrets: Secrets) -> None:
        """Say what only the file around this table knows; called once, while loading."""
        self._name, self._file, self._secrets = name, str(file), secrets

    def mappings(self) -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]:
        """stream -> object -> field -> the keys set for it, as the adapter contract has them."""
        return {
            stream: {
                object_: {
                    name: source.model_dump(exclude_unset=True) for name, source in fields.items()
                }
                for object_, fields in objects.items()
            }
            for stream, objects in self.mapping.items()
        }

    def resolved_auth(self) -> Mapping[str, Any]:
        """The keys of `auth` that are set, references resolved to SecretStr.

        Raises:
            ConfigError: a secret is not where the reference says.
        """
        found: dict[str, Any] = {}
        for key in self.auth.model_fields_set:
            value = getattr(self.auth, key)
            is_plain = not isinstance(value, Table)
            found[key] = (
                value if is_plain else self._secrets.resolve(value, f"{self.where}.auth.{key}")
            )
        return found

    @field_validator("url")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if has_password(value):
            raise expected("a URL without a password in it", HOW)
        return value

    @field_validator("streams", "mapping", mode="after")
    @classmethod
    def _known_streams(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in set(value) - set(STREAMS):
            raise expected("a stream", did_you_mean(name, STREAMS), got=repr(name), at=[name])
        return value

    @field_validator("mapping", mode="after")
    @classmethod
    def _known_fields(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for stream, objects in value.items():
            known = mappable(stream)
            for object_, fields in objects.items():
                for name in set(fields) - set(known):
                    step, at = did_you_mean(name, known), (stream, object_, name)
                    raise expected(f"a field of {stream}", step, got=repr(name), at=at)
        return value

    @model_validator(mode="after")
    def _no_inline_secret(self) -> Self:
        for path in inline_secrets(self.model_extra or {}):
            raise expected("a reference to the secret", HOW, got="a value (not shown)", at=path)
        return self
