"""What a run works with: settings, store, plugins, clock and log, and the connections it opens."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from crmbridge.adapters import (
    Adapter,
    Capabilities,
    Clock,
    Connection,
    Context,
    FieldSource,
    Quota,
)
from crmbridge.adapters.budget import DailyBudget
from crmbridge.adapters.http import HttpClient
from crmbridge.adapters.limits import Limits
from crmbridge.adapters.origin import origin_of
from crmbridge.adapters.redact import Redactor
from crmbridge.adapters.tokens import TokenStore
from crmbridge.adapters.traffic import Traffic
from crmbridge.errors import CannotError, RecordError
from crmbridge.extensions import Extensions
from crmbridge.jobs.leasing import reserved
from crmbridge.jobs.owning import own_objects
from crmbridge.pull.conventions import Conventions
from crmbridge.records import STREAMS, Finding
from crmbridge.settings import ConnectionSettings, Settings, adapter_options
from crmbridge.store import Fence, Store
from crmbridge.store.connections import Account, get_account, pin

_UNTOLD = (RecordError, CannotError)
"""What an account that lacks an address answers: 404, or that it does not offer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection that is open.

    Args:
        objects: stream -> objects that are read.
        mappings: stream -> object -> canonical field -> source, overlaid by the settings.
        explicit: stream -> object -> fields that the settings name themselves.
        organisation: the account's id, once it was asked for; None while only looking.
        fence: our lease; None while only looking.
        findings: what the account does not tell of itself, though its adapter can ask.
        quota: calls used and allowed when it was leased; None where nobody tells.
    """

    name: str
    settings: ConnectionSettings
    adapter: Adapter
    connection: Connection
    objects: Mapping[str, tuple[str, ...]]
    mappings: Mapping[str, Mapping[str, Mapping[str, FieldSource]]]
    explicit: Mapping[str, Mapping[str, frozenset[str]]]
    organisation: str | None = None
    fence: Fence | None = None
    findings: tuple[Finding, ...] = ()
    quota: Quota | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter can do."""
        return self.adapter.capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What an adapter needs to open a connection, or to sign a person in."""

    settings: ConnectionSettings
    adapter: Adapter
    options: BaseModel
    context: Context


@dataclass(kw_only=True)
class Workspace:
    """What a run works with. The clock may be set by ``--now``; leases keep the machine's time."""

    settings: Settings
    store: Store
    extensions: Extensions
    clock: Clock
    run_id: int = 0
    redactor: Redactor = field(default_factory=Redactor)
    _budgets: dict[str, list[DailyBudget]] = field(default_factory=dict)

    @cached_property
    def state_folder(self) -> Path:
        """Folder of tokens and budgets: beside the store's file, or the configuration."""
        beside = self.store.path.parent if self.store.path else self.settings.base
        return beside / ".crmbridge"

    @cached_property
    def log(self) -> Any:
        """The log, secrets blotted out."""
        from crmbridge.jobs.log import run_log

        return run_log(self.redactor)

    def adapter(self, settings: ConnectionSettings) -> Adapter:
        """The adapter of a connection.

        Raises:
            ConfigError: no loaded plugin has it.
        """
        return self.extensions.adapter(settings.adapter, f"{settings.where}.adapter")

    @property
    def tokens(self) -> TokenStore:
        """Where connections' tokens are kept."""
        return TokenStore(self.state_folder / "tokens", watch=self.redactor.add)

    @contextmanager
    def prepare(self, name: str) -> Iterator[Prepared]:
        """Gather what an adapter needs, and open nothing yet.

        Raises:
            ConfigError: no plugin has the adapter, or a secret is not where the settings say.
        """
        settings = self.settings.connection(name)
        adapter = self.adapter(settings)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmbridge-")))
            objects = objects_of(settings, adapter)
            context = self._context(settings, folder, objects, stack)
            own = own_objects(adapter.capabilities, objects, settings.write)
            context = replace(context, own=own)
            options = adapter_options(settings, adapter.settings)
            self.learn_secrets()
            yield Prepared(settings=settings, adapter=adapter, options=options, context=context)

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        """Open a connection to look at it; nothing is pinned and no lease is taken."""
        with self.prepare(name) as ready, ready.adapter.open(ready.options, ready.context) as open_:
            adapter, objects = ready.adapter, ready.context.objects
            conventions = conventions_of(ready.options)
            mappings, explicit = mappings_of(ready.settings, adapter, objects, conventions)
            yield Opened(
                name=name,
                settings=ready.settings,
                adapter=adapter,
                connection=open_,
                objects=objects,
                mappings=mappings,
                explicit=explicit,
            )

    @contextmanager
    def lease(self, name: str) -> Iterator[Opened]:
        """Open a connection to work on it: one run at a time, always the same account.

        Raises:
            RetryLaterError: another run holds it.
            ConfigError: it is another account than the one first met.
        """
        with self.reserve(name) as fence, self.open(name) as opened:
            untold: list[Finding] = []
            quota = self._learn_quota(opened, untold)
            organisation = self._organisation(opened, untold)
            self.pin(opened, organisation)
            yield replace(
                opened,
                organisation=organisation,
                fence=fence,
                findings=tuple(untold),
                quota=quota,
            )

    @contextmanager
    def reserve(self, name: str) -> Iterator[Fence]:
        """Keep other runs away from a connection that is not open yet.

        Raises:
            RetryLaterError: another run holds it.
        """
        with reserved(self.store, name) as fence:
            yield fence

    @contextmanager
    def web(self, url: str) -> Iterator[HttpClient]:
        """A client for an address of the settings that belongs to no connection.

        Raises:
            ConfigError: plain http to another machine.
        """
        log = self.log.bind(connection="web")
        traffic = Traffic(
            connection="web", clock=self.clock, log=log, limits=Limits(), redactor=self.redactor
        )
        try:
            yield HttpClient(traffic=traffic, origin=origin_of("address", url))
        finally:
            traffic.close()

    def calls(self) -> dict[str, int]:
        """Connection -> calls made so far by this run."""
        made = {name: sum(one.calls for one in some) for name, some in self._budgets.items()}
        return {name: count for name, count in sorted(made.items()) if count}

    def calls_today(self, name: str) -> int:
        """Calls of this day by all our processes, as far as a share of the quota is kept to."""
        held = self._budgets.get(name)
        return held[-1].used_today() if held else 0

    def _learn_quota(self, opened: Opened, untold: list[Finding]) -> Quota | None:
        """Tell the day's budget what the CRM says of its quota, before anything is used of it."""
        if not opened.capabilities.has_quota:
            return None
        try:
            quota = opened.connection.quota()
        except _UNTOLD as error:
            untold.append(
                Finding(
                    code=f"{opened.name}.quota_untold",
                    example=error.got,
                    remedy="Let this user see the account's limits; until then none is kept to",
                )
            )
            return None
        if self._budgets.get(opened.name):
            self._budgets[opened.name][-1].learn(quota)
        return quota

    def _organisation(self, opened: Opened, untold: list[Finding]) -> str:
        """Which account this is; "" where it does not tell and nobody has heard it before.

        Raises:
            ConfigError: it told once, and does not tell now: it may be another.
        """
        try:
            return opened.connection.organisation()
        except _UNTOLD as error:
            with self.store.read() as tx:
                known = get_account(tx, opened.name)
            if known is not None and known.organisation:
                raise
            untold.append(
                Finding(
                    code=f"{opened.name}.account_untold",
                    example=error.got,
                    remedy="Let this user see the account, so that another one is noticed",
                )
            )
            return ""

    def learn_secrets(self) -> None:
        """Blot out of logs and errors every secret that was resolved so far."""
        for secret in self.settings.secrets.revealed():
            self.redactor.add(secret)

    def pin(self, opened: Opened, organisation: str) -> None:
        """Keep which account this is, or make sure that it is the one first met.

        Raises:
            ConfigError: it is another.
        """
        account = Account(
            name=opened.name,
            adapter=opened.settings.adapter,
            organisation=organisation,
            completes=opened.settings.completes,
            first_seen_at=int(self.clock.now().timestamp() * 1000),
        )
        with self.store.write() as tx:
            pin(tx, account)

    def _context(
        self,
        settings: ConnectionSettings,
        folder: Path,
        objects: Mapping[str, tuple[str, ...]],
        stack: ExitStack,
    ) -> Context:
        auth = settings.resolved_auth()
        self.learn_secrets()
        return Context(
            connection=settings.name,
            base=self.settings.base,
            folder=folder,
            clock=self.clock,
            log=self.log.bind(connection=settings.name),
            url=settings.url,
            auth=auth,
            http=self._http(settings, stack),
            tokens=self.tokens,
            write_fields=write_fields(settings, objects),
            objects=objects,
        )

    def _http(self, settings: ConnectionSettings, stack: ExitStack) -> HttpClient | None:
        if not settings.url:
            return None
        limits = Limits(**settings.limits.model_dump())
        budget = DailyBudget(self.state_folder / "budget.db", settings.name, limits, self.clock)
        self._budgets.setdefault(settings.name, []).append(budget)
        traffic = Traffic(
            connection=settings.name,
            clock=self.clock,
            log=self.log.bind(connection=settings.name),
            limits=limits,
            redactor=self.redactor,
            budget=budget,
        )
        stack.callback(traffic.close)
        return HttpClient(traffic=traffic, origin=origin_of(settings.where, settings.url))


def objects_of(settings: ConnectionSettings, adapter: Adapter) -> dict[str, tuple[str, ...]]:
    """stream -> objects that are read: those that the settings name, else the adapter's own."""
    found: dict[str, tuple[str, ...]] = {}
    for stream in STREAMS:
        own = settings.streams.get(stream)
        if own is not None and own.disabled:
            continue
        objects = (own.objects if own is not None else ()) or adapter.objects.get(stream, ())
        if objects:
            found[stream] = tuple(objects)
    return found


def mappings_of(
    settings: ConnectionSettings,
    adapter: Adapter,
    objects: Mapping[str, tuple[str, ...]],
    conventions: Conventions = Conventions(),  # noqa: B008  frozen
) -> tuple[dict[str, dict[str, dict[str, FieldSource]]], dict[str, dict[str, frozenset[str]]]]:
    """The adapter's mappings with the settings laid over them, field by field.

    Args:
        conventions: how the connection's dates and numbers are written, where no mapping says.

    Returns:
        The mappings; and the fields that the settings name themselves, which must exist.
    """
    own = settings.mappings()
    merged: dict[str, dict[str, dict[str, FieldSource]]] = {}
    explicit: dict[str, dict[str, frozenset[str]]] = {}
    for stream, names in objects.items():
        defaults = adapter.mappings.get(stream, {})
        for object_ in names:
            base = defaults.get(object_) or defaults.get("*") or {}
            laid = own.get(stream, {}).get(object_, {})
            fields = conventions.under(STREAMS[stream], {**base, **laid})
            merged.setdefault(stream, {})[object_] = fields
            explicit.setdefault(stream, {})[object_] = frozenset(laid)
    return merged, explicit


def conventions_of(options: BaseModel) -> Conventions:
    """What an adapter's own settings say of how dates and numbers are written."""
    names = ("date_format", "decimal", "zone")
    return Conventions(**{name: str(getattr(options, name, "")) for name in names})


def write_fields(
    settings: ConnectionSettings, objects: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """object -> the CRM's fields on customers that the allow-list names."""
    names = (settings.write.segment, settings.write.score, settings.write.reasons)
    fields = tuple(name for name in names if name)
    return dict.fromkeys(objects.get("customers", ()), fields) if fields else {}
