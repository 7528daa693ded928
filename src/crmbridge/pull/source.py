"""What a pull is told and what it tells: sources, reports, problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crmbridge.adapters import Capabilities, Clock, Connection, FieldSource, RemoteObject
from crmbridge.errors import CrmbridgeError, ExitCode
from crmbridge.pull.mapping import MappingOptions
from crmbridge.records import STREAMS, Counts, Finding, Stream
from crmbridge.store import Fence
from crmbridge.store.positions import bind

SEVERITY = (
    ExitCode.SIGN_IN,
    ExitCode.STORAGE,
    ExitCode.GUARD,
    ExitCode.CONFIG,
    ExitCode.TRY_LATER,
    ExitCode.DONE_WITH_REJECTS,
)
"""Which exit code a report with several problems has: the first of these that occurred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceObject:
    """One object of a CRM, and how its rows become records of a stream.

    Args:
        fields: canonical field -> source.
        optional: canonical fields whose source field the CRM may lack; those of an adapter's
            default mapping that the configuration does not name.
        extra: unmapped source fields to keep; ``("*",)`` for all.
        write_fields: source fields that the allow-list lets us write.
    """

    stream: str
    object: str
    fields: Mapping[str, FieldSource]
    optional: frozenset[str] = frozenset()
    extra: tuple[str, ...] = ()
    write_fields: tuple[str, ...] = ()

    @property
    def records(self) -> Stream:
        """The stream's definition."""
        return STREAMS[self.stream]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open connection and all that a pull of it needs to know.

    Args:
        objects: what to read; read in the order of the streams' definition.
        run_id: of the run that pulls; marks what changed.
        adapter: the adapter's name, kept with the connection.
        zone: IANA name of the zone of times that name none; "" for UTC, with a finding.
        full: read everything again, whatever positions say.
        accept_shrink: the exact number of records of one object that may become missing or
            deleted, past the guard.
        sweep_days: how often all ids are compared, where only that shows deletions.
        completes: the connection whose records this one completes; "" for none.
        organisation: the account's id; None to ask for it.
        formula_refresh_hours: how often records with fields that the CRM works out are read
            again; 0 for never.
        described: object -> what the CRM described, filled when it is first asked for.
        owner_from: "deals" to take a missing owner from the customer's latest deal.
    """

    connection: str
    open: Connection
    capabilities: Capabilities
    objects: tuple[SourceObject, ...]
    clock: Clock
    run_id: int
    adapter: str = ""
    fence: Fence | None = None
    zone: str = ""
    full: bool = False
    accept_shrink: int | None = None
    sweep_days: float = 1.0
    completes: str = ""
    owner_from: str = ""
    organisation: str | None = None
    formula_refresh_hours: float = 0.0
    described: dict[str, RemoteObject] = field(default_factory=dict)

    def account(self) -> str:
        """The account's id."""
        return self.open.organisation() if self.organisation is None else self.organisation

    def in_order(self) -> list[SourceObject]:
        """The objects, referred-to streams first; deals before customers that take owners there."""
        order = list(STREAMS)
        if self.owner_from == "deals":
            order.insert(0, "deals")
        return sorted(self.objects, key=lambda item: order.index(item.stream))

    def options(self, item: SourceObject) -> MappingOptions:
        """What the mapping of an object needs to know."""
        return MappingOptions(
            connection=self.connection,
            where=f"connections.{self.connection}.mapping",
            zone=self.zone,
            extra=item.extra,
            write_fields=item.write_fields,
            optional=item.optional,
        )

    def binding(self, item: SourceObject, organisation: str) -> str:
        """Digest of what the positions of an object are valid for."""
        mapping: dict[str, Any] = {
            "fields": dict(item.fields),
            "extra": item.extra,
            "write": item.write_fields,
            "zone": self.zone,
        }
        return bind(organisation, mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What stopped an object of a stream; the others went on, unless the error is about all."""

    stream: str
    object: str
    error: CrmbridgeError


@dataclass(slots=True, kw_only=True)
class PullReport:
    """What a pull did.

    Args:
        counts: per stream; read = new + changed + unchanged + quarantined in each.
        echoed: rows counted unchanged whose only news was our own last write.
        resume_at: from when the CRM allows calls again, where a quota stopped the pull.
    """

    connection: str
    counts: dict[str, Counts] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    echoed: int = 0
    resume_at: datetime | None = None

    def of(self, stream: str) -> Counts:
        """The counts of a stream, to add to."""
        return self.counts.setdefault(stream, Counts())

    @property
    def exit_code(self) -> ExitCode:
        """The worst of what happened."""
        met = {problem.error.exit_code for problem in self.problems}
        if any(counts.quarantined for counts in self.counts.values()):
            met.add(ExitCode.DONE_WITH_REJECTS)
        return next((code for code in SEVERITY if code in met), ExitCode.DONE)
