"""The settings as a whole: what one configuration file says, checked across its tables."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, PrivateAttr, SecretStr, model_validator

from crmbridge.errors import ConfigError, UsageError
from crmbridge.settings.campaigns import CampaignSettings
from crmbridge.settings.connections import ConnectionSettings
from crmbridge.settings.engine import EngineSettings
from crmbridge.settings.jobs import (
    JobSettings,
    OutSettings,
    PluginSettings,
    RetentionSettings,
    StoreSettings,
)
from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.planning import ConsentSettings, PlanningSettings, RepSettings
from crmbridge.settings.secrets import Secrets
from crmbridge.settings.table import Email, Name, Table, expected
from crmbridge.settings.visits import check_days, check_lunch, check_outcomes

T = TypeVar("T")


class Settings(Table):
    """One configuration file."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    "Where crmbridge keeps what it knows."
    connections: Mapping[Name, ConnectionSettings] = Field(default_factory=dict)
    "The accounts, by a name of your own."
    reps: Mapping[Email, RepSettings] = Field(default_factory=dict)
    "The reps' working days, by e-mail address."
    consent: ConsentSettings = Field(default_factory=ConsentSettings)
    "How consent is treated."
    planning: PlanningSettings = Field(default_factory=PlanningSettings)
    "How visits are planned."
    engine: EngineSettings = Field(default_factory=EngineSettings)
    "How customers are analysed."
    campaigns: Mapping[Name, CampaignSettings] = Field(default_factory=dict)
    "Campaigns, by a name of your own."
    jobs: Mapping[Name, JobSettings] = Field(default_factory=dict)
    "What runs by itself."
    plugins: PluginSettings = Field(default_factory=PluginSettings)
    "Which plugins are loaded beside our own."
    out: OutSettings = Field(default_factory=OutSettings)
    "Where files are written."
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    "How long things are kept."

    _file: Path = PrivateAttr(default=Path("crmbridge.toml"))
    _secrets: Secrets = PrivateAttr(default_factory=Secrets)
    _document: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> Path:
        """The file that these settings were read from."""
        return self._file

    @property
    def base(self) -> Path:
        """The folder that relative paths are relative to."""
        return self._secrets.base

    @property
    def secrets(self) -> Secrets:
        """What resolves references to secrets."""
        return self._secrets

    def bind(self, file: Path, secrets: Secrets, document: Mapping[str, Any]) -> None:
        """Say where these settings came from; called once, while loading."""
        self._file, self._secrets, self._document = file, secrets, document
        for name, connection in self.connections.items():
            connection.bind(name, file, secrets)

    def path(self, text: str) -> Path:
        """A path as the file names it, from the file's folder on."""
        return self.base / text

    @property
    def out_folder(self) -> Path:
        """Where calendars, tables and reports are written."""
        return self.path(self.out.path)

    def connection(self, name: str) -> ConnectionSettings:
        """A connection by its name.

        Raises:
            UsageError: there is none of that name.
        """
        return self._named("connections", self.connections, name)

    def job(self, name: str = "") -> tuple[str, JobSettings]:
        """A job with its name; without a name the only one there is, or one by hand over all
        connections where there is none.

        Raises:
            UsageError: there is none of that name, or not exactly one.
        """
        if name:
            return name, self._named("jobs", self.jobs, name)
        if not self.jobs:
            return "run", JobSettings()
        if len(self.jobs) != 1:
            known = ", ".join(sorted(self.jobs)) or "none"
            raise UsageError(f"{self.file}: jobs", "the name of a job", "none", f"Jobs: {known}")
        return next(iter(self.jobs.items()))

    def rep(self, email: str) -> RepSettings:
        """A rep's settings, over `planning.rep_defaults`; the defaults alone if not listed."""
        defaults = self.planning.rep_defaults
        own = self.reps.get(email.lower())
        if own is None:
            return defaults
        return defaults.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})

    def campaign(self, name: str) -> CampaignSettings:
        """A campaign by its name.

        Raises:
            UsageError: there is none of that name.
        """
        return self._named("campaigns", self.campaigns, name)

    def campaign_connection(self, name: str) -> str:
        """The connection that a campaign runs in; "" if none takes members."""
        taking = [c for c, item in self.connections.items() if item.write.members]
        return self.campaign(name).connection or (taking[0] if len(taking) == 1 else "")

    def visits_connection(self, email: str) -> str:
        """The connection that a rep's visits are written to; "" if none takes them."""
        own = self.reps.get(email.lower())
        if own is not None and own.connection:
            return own.connection
        covering = self._covering(email.lower())
        return covering[0] if covering else ""

    def store_url(self) -> SecretStr:
        """The store's URL, with its password and with a file's whole path.

        Raises:
            ConfigError: a secret is not where the reference says.
        """
        where = f"{self.file}: store"
        url = self.secrets.text(self.store.url, f"{where}.url")
        if url.startswith("sqlite:"):
            return SecretStr(_absolute_sqlite(url, self.base))
        if self.store.password is not None:
            password = self.secrets.resolve(self.store.password, f"{where}.password")
            url = _with_password(url, password.get_secret_value(), where)
        return SecretStr(url)

    def digest(self) -> str:
        """SHA-256 of what the file says: references to secrets, never their values."""
        document = self._document or self.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps(document, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def _named(self, table: str, known: Mapping[str, T], name: str) -> T:
        if name not in known:
            step = did_you_mean(name, known) or f"Add a table [{table}.NAME] to the file"
            raise UsageError(f"{self.file}: {table}", "a name that is there", repr(name), step)
        return known[name]

    def _covering(self, email: str) -> list[str]:
        """Connections whose `write.visits` names the rep, else those that take everybody's."""
        named = [
            name
            for name, connection in self.connections.items()
            if not isinstance(connection.write.visits, bool) and email in connection.write.visits
        ]
        return named + [
            name for name, connection in self.connections.items() if connection.write.visits is True
        ]

    @model_validator(mode="after")
    def _known_connections(self) -> Self:
        for at, name in self._references():
            if name not in self.connections:
                step = did_you_mean(name, self.connections)
                raise expected("a connection of this file", step, got=repr(name), at=at)
        return self

    def _references(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Every place that names a connection, with the name."""
        places: list[tuple[tuple[str | int, ...], str]] = [
            (("connections", name, "completes"), connection.completes)
            for name, connection in self.connections.items()
        ]
        places += [
            (("reps", email, "connection"), rep.connection) for email, rep in self.reps.items()
        ]
        places += [
            (("jobs", job, "connections", index), name)
            for job, settings in self.jobs.items()
            for index, name in enumerate(settings.connections)
        ]
        places += [
            (("campaigns", campaign, "connection"), settings.connection)
            for campaign, settings in self.campaigns.items()
        ]
        return [(at, name) for at, name in places if name]

    @model_validator(mode="after")
    def _completes_a_base(self) -> Self:
        for name, connection in self.connections.items():
            base = self.connections.get(connection.completes)
            if base is not None and (base.completes or connection.completes == name):
                at = ("connections", name, "completes")
                raise expected("a connection that completes no other", at=at)
        return self

    @model_validator(mode="after")
    def _one_calendar_per_rep(self) -> Self:
        for_all = [name for name, item in self.connections.items() if item.write.visits is True]
        if len(for_all) > 1:
            at = ("connections", for_all[1], "write", "visits")
            step = f"{for_all[0]!r} takes all reps' visits already; name reps in one of them"
            raise expected("one connection that takes a rep's visits", step, at=at)
        for email in sorted(self._named_reps()):
            rep = self.reps.get(email)
            covering = self._covering(email)
            if len(covering) > 1 and (rep is None or not rep.connection):
                at = ("connections", covering[1], "write", "visits")
                step = f'{covering[0]!r} takes those of {email}, too; set reps."{email}".connection'
                raise expected("one connection that takes a rep's visits", step, at=at)
        return self

    @model_validator(mode="after")
    def _days_end_after_they_start(self) -> Self:
        """Checked here, since one of the two may come from the defaults."""
        for email in ("", *self.reps):
            rep = self.rep(email)
            if rep.start >= rep.end:
                at = ("reps", email, "end") if email else ("planning", "rep_defaults", "end")
                day = f"{rep.start} to {rep.end}"
                raise expected("a start before the end", "", got=day, at=at)
        return self

    @model_validator(mode="after")
    def _days_fit_together(self) -> Self:
        worked = {day for email in ("", *self.reps) for day in self.rep(email).days}
        defaults = ("planning", "rep_defaults")
        check_days(defaults, self.planning.rep_defaults, frozenset(worked))
        check_lunch(defaults, self.planning.rep_defaults)
        for email, own in self.reps.items():
            whole = self.rep(email)
            check_days(("reps", email), own, frozenset(whole.days))
            if "lunch" in own.model_fields_set:  # who works mornings only has none, and no fault
                check_lunch(("reps", email), whole)
        return self

    @model_validator(mode="after")
    def _outcomes_can_be_filled(self) -> Self:
        check_outcomes(self.planning, self.connections)
        return self

    def _named_reps(self) -> set[str]:
        named = set(self.reps)
        for connection in self.connections.values():
            if not isinstance(connection.write.visits, bool):
                named.update(connection.write.visits)
        return named


def _absolute_sqlite(url: str, base: Path) -> str:
    head, slashes, path = url.partition(":///")
    name, mark, query = path.partition("?")
    if not slashes or not name or name == ":memory:":
        return url
    return f"{head}:///{base.absolute() / name}{mark}{query}"


def _with_password(url: str, password: str, where: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        raise ConfigError(f"{where}.url", "a user in the URL beside password", "none")
    netloc = f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))
