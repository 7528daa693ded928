"""Applies changesets under the leases of their connections, and brings plans into force."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

from crmbridge.jobs.campaigning.running import campaign_channels
from crmbridge.jobs.pulling import names_in_order, pull_streams
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.workspace import Opened, Workspace
from crmbridge.jobs.writing.allowed import source_fields
from crmbridge.jobs.writing.deciding import allows_writes
from crmbridge.pull.garbage import rarely_collecting
from crmbridge.push.apply import Bars, Orders, apply, settle_open
from crmbridge.push.consent import BarredNow, barred_in_store, bars
from crmbridge.push.journal import Journal
from crmbridge.push.ledger import latest_open, reopen_rejected
from crmbridge.push.report import ApplyReport
from crmbridge.push.settle import Target
from crmbridge.records import from_millis, to_millis
from crmbridge.store.connections import list_accounts
from crmbridge.store.plans import publish_plan

CONSENT_STREAMS = ("customers", "contacts", "consents")
FRESH = timedelta(minutes=10)
"""Consent that was pulled longer ago is read again before anything is sent."""


def apply_changeset(
    workspace: Workspace,
    changeset: str,
    report: RunReport,
    accept: int | None = None,
    actor: str = "",
) -> ApplyReport:
    """Apply a changeset under the leases of its connections, and publish its plan.

    Raises:
        RefusedError: altered, stale, of another account, or stopped by a guard.
        RetryLaterError: another run holds one of the connections.
    """
    journal = journal_of(workspace, changeset)
    if journal.changeset.items:
        refresh_consent(workspace, report)
    names = list(journal.changeset.organisations)
    with rarely_collecting(), _targets(workspace, names) as (targets, orders):
        result = apply(
            workspace.store,
            changeset,
            targets,
            replace(
                orders,
                accept=accept,
                actor=actor,
                bars=_bars(workspace, journal),
            ),
        )
    publish(workspace, journal.changeset.plan_id)
    report.outcomes = {
        name: count + result.outcomes.get(name, 0) for name, count in report.outcomes.items()
    }
    report.find(result.findings)
    for error in result.stops.values():
        report.stop(error)
    report.codes.add(result.exit_code)
    return result


def settle(workspace: Workspace, report: RunReport) -> None:
    """Look up what a push that died left under way, before anything is decided anew."""
    names = [n for n in workspace.settings.connections if allows_writes(workspace, n)]
    with _targets(workspace, names) as (targets, orders):
        for error in settle_open(workspace.store, targets, orders).values():
            report.stop(error)


def retry_rejected(workspace: Workspace, report: RunReport) -> None:
    """Send writes that were rejected once more, after their cause is gone."""
    for changeset in reopen_rejected(workspace.store):
        apply_changeset(workspace, changeset, report, actor="retry")


@contextmanager
def _targets(
    workspace: Workspace, names: Sequence[str]
) -> Iterator[tuple[Mapping[str, Target], Orders]]:
    with ExitStack() as stack:
        opened = {name: stack.enter_context(workspace.lease(name)) for name in names}
        targets = {name: _target(one) for name, one in opened.items()}
        fences = {name: one.fence for name, one in opened.items() if one.fence is not None}
        orders = Orders(
            clock=workspace.clock,
            fences=fences,
            run_id=workspace.run_id,
            concurrent={name: one.settings.limits.concurrent for name, one in opened.items()},
        )
        yield targets, orders


def _bars(workspace: Workspace, journal: Journal) -> Bars:
    channels = campaign_channels(workspace)
    barred_now = _barred_now(workspace)
    return bars(workspace.store, journal.changeset, barred_now, channels=channels)


def _barred_now(workspace: Workspace) -> BarredNow:
    unknown = workspace.settings.consent.unknown
    rules = {"visit": unknown.visit, "call": unknown.call, "email": unknown.email}
    return barred_in_store(
        workspace.store, {channel: rule == "allow" for channel, rule in rules.items()}
    )


def refresh_consent(workspace: Workspace, report: RunReport) -> None:
    """Read people and consents again where they were pulled too long ago to rely on.

    A connection that cannot be read now stops the push: somebody may have opted out there.

    Raises:
        CrmbridgeError: as the pull of the connection says.
    """
    now = workspace.clock.now()
    with workspace.store.read() as tx:
        pulled = {one.name: one.pulled_at for one in list_accounts(tx)}
    for name in names_in_order(workspace, ()):
        at = pulled.get(name)
        if at is not None and now - from_millis(at) > FRESH:
            pull_streams(workspace, name, CONSENT_STREAMS, report)


def journal_of(workspace: Workspace, changeset: str) -> Journal:
    """A kept changeset with its progress.

    Raises:
        UsageError: there is none of that id.
    """
    return Journal(workspace.store, changeset)


def publish(workspace: Workspace, plan_id: str) -> None:
    """Bring plans into force: the next plans are measured against them."""
    at = to_millis(workspace.clock.now())
    with workspace.store.write() as tx:
        for one in filter(None, plan_id.split("+")):
            publish_plan(tx, one, at)


_OWN_STREAMS = ("activities", "campaigns")
"""Streams that records of ours are written to."""


def _target(opened: Opened) -> Target:
    streams = {o: stream for stream in _OWN_STREAMS for o in opened.objects.get(stream, ())}
    return Target(
        name=opened.name,
        connection=opened.connection,
        capabilities=opened.capabilities,
        source_fields={o: source_fields(opened, o, stream) for o, stream in streams.items()},
    )


def newest_changeset(workspace: Workspace) -> str:
    """The changeset that was decided last and waits; "" if none does."""
    return latest_open(workspace.store) or ""
