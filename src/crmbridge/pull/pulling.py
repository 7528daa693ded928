"""Pulls a source into the store: all its objects, one after the other, each on its own."""

from crmbridge.adapters import Reading
from crmbridge.errors import (
    CannotError,
    ConfigError,
    CrmbridgeError,
    QuotaError,
    RecordError,
    RetryLaterError,
    SignInError,
    StorageError,
)
from crmbridge.pull.absence import close_snapshot, sweep
from crmbridge.pull.formulas import refresh_formulas
from crmbridge.pull.garbage import rarely_collecting
from crmbridge.pull.held import blank
from crmbridge.pull.links import pull_links
from crmbridge.pull.owners import fill_owners
from crmbridge.pull.passes import QUICK, TRAILING, Mark, Plan, plan_passes
from crmbridge.pull.reading import Ended, read_stretch
from crmbridge.pull.references import look_at_references
from crmbridge.pull.source import Problem, PullReport, Source, SourceObject
from crmbridge.pull.work import Work, begin_work
from crmbridge.records import Finding, to_millis
from crmbridge.store import Store
from crmbridge.store.connections import Account, mark_pulled, pin
from crmbridge.store.positions import (
    Certificate,
    add_certificate,
    get_position,
    list_positions,
)

ALL_STOP = (SignInError, QuotaError, StorageError)
"""Errors about the whole connection: the objects after it are not tried."""


def pull(store: Store, source: Source) -> PullReport:
    """Pull all objects of a source.

    An error about one object stops that object and goes into the report; an error about the
    account stops the rest. Pages committed before stay.

    Returns:
        counts, findings and problems; `PullReport.exit_code` sums them up.

    Raises:
        ConfigError: the connection is another organisation's than the store holds.
        RetryLaterError: the lease has gone to another run.
    """
    report = PullReport(connection=source.connection)
    try:
        organisation = source.account()
    except CrmbridgeError as error:
        report.problems.append(Problem(stream="", object="", error=error))
        return report
    _pin(store, source, organisation)
    with rarely_collecting():
        for item in source.in_order():
            if not _pull_or_tell(store, source, item, organisation, report):
                break
    _afterwards(store, source, report)
    return report


def _pin(store: Store, source: Source, organisation: str) -> None:
    account = Account(
        name=source.connection,
        adapter=source.adapter,
        organisation=organisation,
        completes=source.completes,
        first_seen_at=to_millis(source.clock.now()),
    )
    with store.write(source.fence) as tx:
        pin(tx, account)


def _pull_or_tell(
    store: Store, source: Source, item: SourceObject, organisation: str, report: PullReport
) -> bool:
    """Pull one object into the report; False if the others need not be tried."""
    try:
        work = begin_work(store, source, item, organisation)
    except CrmbridgeError as error:
        report.problems.append(Problem(stream=item.stream, object=item.object, error=error))
        return True
    try:
        _pull_object(work)
    except CrmbridgeError as error:
        report.problems.append(Problem(stream=item.stream, object=item.object, error=error))
        if isinstance(error, QuotaError):
            report.resume_at = error.resume_at
            report.findings.append(_partial(work, error))
        return not isinstance(error, ALL_STOP)
    finally:
        tell(work, report)
    return True


def _partial(work: Work, error: QuotaError) -> Finding:
    when = f"{error.resume_at:%Y-%m-%d %H:%M}Z" if error.resume_at else "when the quota is renewed"
    return Finding(
        code="pull.partial_quota",
        example=str(work.place),
        remedy=f"What was read is kept. Pull again after {when}.",
    )


def tell(work: Work, report: PullReport) -> None:
    """Add what was counted and noted of an object to a report; the counts must reconcile."""
    counts = work.counts
    parts = counts.new + counts.changed + counts.unchanged + counts.quarantined
    assert counts.read == parts, f"{work.place}: read {counts}"  # noqa: S101  counts reconcile
    report.of(work.item.stream).add(counts)
    if work.consents.read:
        report.of("consents").add(work.consents)
    report.findings += work.noted()
    report.echoed += work.echoed


def _pull_object(work: Work) -> None:
    now = crm_now(work)
    marks = _marks(work)
    for plan in plan_passes(
        work.ability.reading, work.source.capabilities, marks, now, str(work.place)
    ):
        _close(work, plan, read_stretch(work, plan))
    for what, step in _STEPS:
        try:
            step(work)
        except _NOT_THERE as error:
            work.findings.append(_untold(work, what, error))


_STEPS = (("ids", sweep), ("formulas", refresh_formulas), ("links", pull_links))

_NOT_THERE = (RecordError, CannotError)
"""What an account that lacks an address answers: 404, or that it does not offer it."""


def _untold(work: Work, what: str, error: CrmbridgeError) -> Finding:
    return Finding(
        code=f"pull.no_{what}",
        example=f"{work.place}: {error.got}",
        remedy=f"The records are read; their {what} are not to be had from this account.",
    )


def crm_now(work: Work) -> int:
    """The CRM's clock; ours only where it has none to show."""
    source = work.source
    if source.capabilities.has_clock:
        return to_millis(source.open.server_time())
    return work.now


def _marks(work: Work) -> dict[str, Mark | None]:
    with work.store.read() as tx:
        found = {name: Mark.load(get_position(tx, work.spot(name))) for name in (QUICK, TRAILING)}
        ever = list_positions(tx, work.place.connection)
    if found[QUICK] is None and any(object_ == work.item.object for object_, _ in ever):
        with work.store.write(work.source.fence) as tx:
            blank(tx, work.place, work.item.fields, work.source.run_id)
    return dict.fromkeys(found) if work.source.full else found


def _close(work: Work, plan: Plan, ended: Ended) -> None:
    if not ended.is_complete:
        raise RetryLaterError(
            str(work.place),
            "all pages of what was asked for",
            "an end before the last one",
            "What was read is kept; pull again",
        )
    if ended.is_unchanged and not plan.resumes:
        return
    if work.ability.reading is Reading.SNAPSHOT:
        close_snapshot(work, plan, ended.mark)
    if plan.proves:
        _certify(work, plan, ended.mark.read)


def _certify(work: Work, plan: Plan, read: int) -> None:
    expected = _counted(work, plan)
    if expected is not None and read < expected:
        work.findings.append(
            Finding(
                code="pull.fewer_than_counted",
                count=expected - read,
                example=str(work.place),
                remedy="The CRM counts more than it gave: run verify, then pull with --full.",
            )
        )
        return
    connection, object_ = work.place.key
    certificate = Certificate(
        connection=connection,
        object=object_,
        pass_=plan.pass_,
        since=plan.mark.since,
        until=plan.mark.until,
        expected=expected,
        read=read,
        closed_at=work.now,
        run_id=work.source.run_id,
    )
    with work.store.write(work.source.fence) as tx:
        add_certificate(tx, certificate)


def _counted(work: Work, plan: Plan) -> int | None:
    """The CRM's own count of a stretch; None where it does not tell: what was read is here."""
    if not work.ability.counts or work.ability.reading is Reading.SNAPSHOT:
        return None
    try:
        return work.source.open.count(work.item.object, work.window(plan.mark))
    except (*_NOT_THERE, ConfigError) as error:
        work.findings.append(_untold(work, "count", error))
        return None


def _afterwards(store: Store, source: Source, report: PullReport) -> None:
    """What looks at all streams together."""
    if source.owner_from == "deals":
        with store.write(source.fence) as tx:
            fill_owners(tx, source)
    with store.read() as tx:
        report.findings += look_at_references(tx, source)
    if not any(isinstance(problem.error, ALL_STOP) for problem in report.problems):
        with store.write(source.fence) as tx:
            mark_pulled(tx, source.connection, to_millis(source.clock.now()))
