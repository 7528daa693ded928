"""What the configuration says of a connection: one account of one CRM, or one folder of files."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from crmbridge.records import CONSENT_FIELDS, ENVELOPE, STREAMS
from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.secrets import HOW, Secret, Secrets, Text, has_password, inline_secrets
from crmbridge.settings.table import (
    Amount,
    Count,
    Email,
    Listed,
    Name,
    NonEmpty,
    Positive,
    Scalar,
    Share,
    Table,
    Zone,
    expected,
)


class AuthSettings(Table):
    """How to sign in. Which keys an adapter needs stands in its documentation."""

    method: str = ""
    "The way to sign in, as the adapter names it."
    client_id: Text | None = None
    "The app's public id."
    client_secret: Secret | None = None
    "The app's secret."
    username: Text | None = None
    "The user to sign in as."
    password: Secret | None = None
    "The user's password."
    security_token: Secret | None = None
    "A token that the CRM wants beside the password."
    access_token: Secret | None = None
    "A token that never expires, such as a private app's."
    refresh_token: Secret | None = None
    "A token to get access tokens with, where 'crmbridge connect' is not used."
    api_key: Secret | None = None
    "An API key."
    session_id: Secret | None = None
    "The id of a session opened elsewhere."
    private_key: Secret | None = None
    "The PEM key that signs assertions."
    passphrase: Secret | None = None
    "What the private key is encrypted with."
    audience: str = ""
    "Who the assertion is for."
    scopes: Listed[NonEmpty] = ()
    "The scopes to ask for."
    token_url: str = ""
    "Where tokens are had, if not where the adapter expects it."
    authorize_url: str = ""
    "Where a browser signs in, if not where the adapter expects it."
    revoke_url: str = ""
    "Where tokens are revoked, if not where the adapter expects it."


class StreamSettings(Table):
    """Where one stream comes from."""

    objects: Listed[NonEmpty] = ()
    "The CRM's objects that are read; by default those the adapter proposes."
    files: Listed[NonEmpty] = ()
    "Files that are joined by `key` into one object, for adapters that read files."
    key: str = ""
    "Column that the files are joined by, and that names a record."
    numbered: bool = False
    "Rows are named by their number, for a file without ids that only ever grows."
    extra: Literal["all", "none"] | Listed[NonEmpty] = "none"
    "Fields kept beside the mapped ones: all, none, or a list of names."
    owner_from: str = ""
    "Stream whose latest record names a customer's owner, where the customer does not."
    disabled: bool = False
    "Leaves the stream out."

    @field_validator("extra", mode="before")
    @classmethod
    def _known_extra(cls, value: Any) -> Any:
        if value in ("all", "none") or isinstance(value, list | tuple):
            return value
        raise expected('"all", "none" or a list of field names')

    @field_validator("owner_from")
    @classmethod
    def _known_stream(cls, value: str) -> str:
        if value and value not in STREAMS:
            raise expected("a stream", did_you_mean(value, STREAMS))
        return value


class FieldSource(Table):
    """Where one field comes from; a text alone is short for `{ field = "..." }`."""

    field: str = ""
    "The CRM's field, or the file's column."
    const: Scalar | None = None
    "A value for every record, in place of a field."
    values: Mapping[str, Scalar] = Field(default_factory=dict)
    "The CRM's values and what they mean here; others stay as they are."
    default: Scalar | None = None
    "The value where the field is empty."
    format: str = ""
    "How a date or time is written, in the codes of Python's strptime, or epoch seconds."
    zone: Zone | None = None
    "Zone of times that come without one."
    decimal: Literal[".", ","] = "."
    "The decimal sign of a number."
    true: Listed[str] = ()
    "Texts that mean true, whatever their case; by default words such as yes."
    false: Listed[str] = ()
    "Texts that mean false; by default words such as no."
    optional: bool = False
    "The CRM may lack the field."

    @model_validator(mode="after")
    def _some_source(self) -> Self:
        if bool(self.field) == (self.const is not None):
            raise expected("either field or const")
        return self


def _field_table(value: Any) -> Any:
    if isinstance(value, str):
        return {"field": value}
    return value


class PullSettings(Table):
    """How a connection is read."""

    since: date | None = None
    "Nothing modified before this day is read; by default everything is."
    overlap_minutes: Count | None = None
    "How far a window reaches back into the last one; by default what the adapter says."
    sweep_days: Positive = 7
    "Days between two sweeps over all ids, where deletions cannot be known otherwise."
    missing_share: Share = 0.05
    "A pull that would mark more than this share of an object missing stops instead ..."
    missing_records: Count = 20
    "... unless it is no more records than this."


class LimitSettings(Table):
    """How hard the CRM may be used; requests, 0 for no limit of ours."""

    per_second: Amount = 0
    "Most requests in a second."
    per_minute: Amount = 0
    "Most requests in a minute."
    daily_share: Share = 0.5
    "The share of the account's daily quota that crmbridge may use."
    reserve_share: Share = 0.1
    "The share of the daily quota that stays untouched, whoever used the rest."
    concurrent: Positive = 4
    "Most requests at once, within what the adapter says."
    tries: Positive = 5
    "Most tries of one request."
    wait_seconds: Amount = 120
    "The longest wait that a CRM may ask for; beyond it the run stops and says when to go on."
    connect_seconds: Annotated[float, Field(gt=0)] = 10
    "Longest wait for a connection."
    read_seconds: Annotated[float, Field(gt=0)] = 60
    "Longest wait for the next byte."
    total_seconds: Annotated[float, Field(gt=0)] = 300
    "Longest time for one answer."
    max_body_mb: Annotated[float, Field(gt=0)] = 64
    "Largest answer, unpacked."
    download_seconds: Annotated[float, Field(gt=0)] = 3600
    "Longest time for one download."
    max_download_mb: Annotated[float, Field(gt=0)] = 20_000
    "Largest download."
    retries_per_run: Count = 100
    "Second tries that a run may make before their share of all requests counts."
    trust_env: bool = False
    "Uses the proxy that the environment names."


class WriteLimits(Table):
    """When a changeset stops until a person has accepted exactly its number of changes."""

    changes: Count = 500
    "Most values already set that one changeset may change or clear, per object and field."
    share: Share = 0.10
    "The largest share of an object's values of one field that it may change or clear."


class WriteSettings(Table):
    """What may be written; what is not named here cannot be, by core or plugin."""

    visits: bool | Listed[Email] = False
    "Visits: of all reps, or of those in a list."
    visit_object: str = ""
    "The object that visits are written as; by default what the adapter proposes."
    tasks: bool = False
    "Tasks, where an activity has no time of day."
    campaigns: bool = False
    "Starts campaigns."
    members: bool = False
    "Adds and removes campaign members that crmbridge added."
    segment: str = ""
    "The customer's field that holds its segment."
    score: str = ""
    "The customer's field that holds its visit score."
    reasons: str = ""
    "The customer's field that holds the reasons."
    first_fill: Literal["ask", "allow"] = "ask"
    "Filling a field that is empty everywhere stops once to ask, or is allowed."
    clear: bool = False
    "Lets an empty value clear a field."
    limits: WriteLimits = Field(default_factory=WriteLimits)
    "The guards."

    @field_validator("visits", mode="before")
    @classmethod
    def _visits(cls, value: Any) -> Any:
        if isinstance(value, bool | list | tuple):
            return value
        raise expected("true, false or a list of e-mail addresses")


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
    mapping: Mapping[
        str, Mapping[str, Mapping[str, Annotated[FieldSource, BeforeValidator(_field_table)]]]
    ] = Field(default_factory=dict)
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


def mappable(stream: str) -> tuple[str, ...]:
    """The names that a mapping of a stream may fill."""
    consents = CONSENT_FIELDS if stream in ("customers", "contacts") else ()
    return (*ENVELOPE, *STREAMS[stream].by_name, *consents)
