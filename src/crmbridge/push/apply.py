"""Applies exactly one reviewed changeset, or fewer items: intent, send, outcome, batch by batch."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from crmbridge.adapters import Clock, ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import CrmbridgeError
from crmbridge.failpoint import reach
from crmbridge.push.admit import admit, stale, unfit
from crmbridge.push.batches import calls, waves, write_item
from crmbridge.push.changeset import Item
from crmbridge.push.flight import Steps, fly
from crmbridge.push.journal import Journal, Landed
from crmbridge.push.ledger import State, under_way_elsewhere
from crmbridge.push.notes import Notes
from crmbridge.push.report import ApplyReport, no_outcomes
from crmbridge.push.settle import Target
from crmbridge.push.takeup import take_up
from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.leases import Fence

Bars = Callable[[Sequence[Item]], frozenset[str]]
"""Names of those items whose customer or contact is opted out, asked just before sending."""


def bars_nobody(items: Sequence[Item]) -> frozenset[str]:
    """For changesets that reach nobody: scores and segments."""
    del items
    return frozenset()


def go_on() -> None:
    """Let the next batch be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """How a changeset is applied.

    Args:
        fences: connection -> the lease we hold; checked in each commit and before each send.
        accept: the number that ``--accept`` named, None without it.
        actor: who asked, for the audit.
        threads: most batches in flight per connection, within what the adapter allows; >= 1.
        concurrent: connection -> the same for it alone.
        bars: who may not be reached any more.
        between: called before each batch: renew a lease, or raise to stop.
    """

    clock: Clock
    fences: Mapping[str, Fence] = field(default_factory=dict)
    accept: int | None = None
    actor: str = ""
    run_id: int | None = None
    threads: int = 4
    concurrent: Mapping[str, int] = field(default_factory=dict)
    bars: Bars = bars_nobody
    between: Callable[[], None] = go_on

    def threads_of(self, target: Target) -> int:
        """Most batches in flight to a connection."""
        return min(self.concurrent.get(target.name, self.threads), target.capabilities.workers)


def apply(
    store: Store, changeset_id: str, targets: Mapping[str, Target], orders: Orders
) -> ApplyReport:
    """Write what a changeset says, as far as it still holds.

    Applying again does nothing; applying after a crash first looks up what was under way.

    Args:
        targets: connection -> open target, for every connection of the changeset.

    Returns:
        counts of this call; errors of a connection are in `ApplyReport.stops`, and the others go
        on.

    Raises:
        RefusedError: the changeset was altered, belongs to another store, account or plan, or a
            guard stops it. Nothing was sent.
        RetryLaterError: a lease was lost; what is under way is looked up next time.
        StorageError: the store cannot be written; likewise.
    """
    journal = Journal(store, changeset_id, orders.actor)
    admit(journal, targets, orders.accept, orders.clock.now())
    work = _Work(journal=journal, orders=orders)
    for name in journal.changeset.organisations:
        stop = _take_up_others(store, targets[name], changeset_id, orders)
        stop = stop or take_up(targets[name], journal, orders.fences.get(name), work.recorder(name))
        if stop is None:
            _apply_to(targets[name], work)
        else:
            work.stops[name] = stop
    journal.finish(orders.clock.now())
    reach("push.finished")
    return work.report()


@dataclass(slots=True, kw_only=True)
class _Work:
    """What one call of apply has done so far."""

    journal: Journal
    orders: Orders
    counts: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    stops: dict[str, CrmbridgeError] = field(default_factory=dict)

    def record(self, name: str, pairs: Sequence[tuple[Item, Outcome]]) -> None:
        """Commit outcomes, one line of audit each."""
        if not pairs:
            return
        orders = self.orders
        self.journal.record(orders.fences.get(name), pairs, orders.clock.now(), orders.run_id)
        reach("push.outcome.committed")
        self.count(pairs)

    def turn(self, name: str, landed: Landed, next_: Sequence[Item]) -> None:
        """Commit outcomes, and the intent to send others, at once."""
        orders = self.orders
        fence, now = orders.fences.get(name), orders.clock.now()
        self.journal.turn(fence, landed, next_, now, orders.run_id)
        if landed.outcomes:
            reach("push.outcome.committed")
            self.count(landed.outcomes)
        if next_:
            reach("push.intent.committed")

    def steps(self, name: str) -> Steps:
        """What a flight to a connection asks of us."""
        fence = self.orders.fences.get(name)
        return Steps(
            between=self.orders.between,
            check=lambda: self.journal.check(fence),
            writes=self.writes,
            turn=lambda landed, next_: self.turn(name, landed, next_),
        )

    def writes(self, batch: Sequence[Item]) -> list[WriteItem]:
        """The writes of a batch, with what this call has learned since they were decided."""
        depends = any(item.depends_on for item in batch)
        remote_ids = self.journal.remote_ids if depends else {}
        return [
            write_item(item, remote_ids, self.versions.get((item.object, item.id), ""))
            for item in batch
        ]

    def count(self, pairs: Sequence[tuple[Item, Outcome]]) -> None:
        """Know what was committed."""
        for item, outcome in pairs:
            self.counts[outcome.status.value] += 1
            self.versions[item.object, outcome.id or item.id] = outcome.version
            if outcome.status in _BAD:
                self.notes.add(outcome.status.value, f"{_place(item)}: {outcome.error}")

    def recorder(self, name: str) -> Callable[[Sequence[tuple[Item, Outcome]]], None]:
        """`record` for one connection."""
        return lambda pairs: self.record(name, pairs)

    def skip(self, name: str, reasons: Mapping[str, str]) -> None:
        """Commit that items are left out on purpose."""
        if reasons:
            orders = self.orders
            self.journal.skip(orders.fences.get(name), reasons, orders.clock.now(), orders.run_id)
            self.skipped += len(reasons)
            for item, reason in reasons.items():
                self.notes.add("skipped", f"{_place(self.journal.item(item))}: {reason}")

    def report(self) -> ApplyReport:
        """The counts of this call."""
        return ApplyReport(
            changeset=self.journal.changeset.id,
            outcomes={**no_outcomes(), **self.counts},
            skipped=self.skipped,
            pending=self.journal.count(State.PENDING) + self.journal.count(State.SENDING),
            stops=dict(self.stops),
            findings=self.notes.findings(),
        )


_BAD = frozenset({Status.REJECTED, Status.CONFLICT, Status.UNKNOWN})


def _place(item: Item) -> RecordKey:
    return RecordKey(item.connection, item.object, item.id or item.key)


def settle_open(
    store: Store, targets: Mapping[str, Target], orders: Orders
) -> dict[str, CrmbridgeError]:
    """Look up what earlier pushes left under way, before anything is decided; writes nothing.

    Returns:
        connection -> why it cannot be asked now.
    """
    stops = {name: _take_up_others(store, target, "", orders) for name, target in targets.items()}
    return {name: stop for name, stop in stops.items() if stop is not None}


def _take_up_others(
    store: Store, target: Target, changeset_id: str, orders: Orders
) -> CrmbridgeError | None:
    """Look up what other changesets left under way, so that nothing is written twice."""
    for other_id in under_way_elsewhere(store, target.name, changeset_id):
        other = _Work(journal=Journal(store, other_id, orders.actor), orders=orders)
        fence = orders.fences.get(target.name)
        stop = take_up(target, other.journal, fence, other.recorder(target.name))
        if stop is not None:
            return stop
    return None


def _apply_to(target: Target, work: _Work) -> None:
    for wave in waves(work.journal.pending(target.name)):
        _send_wave(target, wave, work)
        if target.name in work.stops:
            return


def _send_wave(target: Target, wave: Sequence[Item], work: _Work) -> None:
    fit = _still_fit(target, wave, work)
    if not fit:
        return
    batches = list(calls(fit, target.capabilities.of(fit[0].object)))
    threads = max(1, min(work.orders.threads_of(target), len(batches)))
    stop = fly(target, batches, threads, work.orders.clock, work.steps(target.name))
    if stop is not None:
        work.stops.setdefault(target.name, stop)


def _still_fit(target: Target, wave: Sequence[Item], work: _Work) -> list[Item]:
    """The items that may still be written; of the others the reason is kept."""
    reasons = unfit(work.journal, wave, work.orders.clock.now())
    barred = work.orders.bars([item for item in wave if item.operation in _REACHING])
    reasons.update(dict.fromkeys(barred, "opted out since it was decided"))
    work.skip(target.name, reasons)
    fit = [item for item in wave if item.item not in reasons]
    changed = stale(work.journal, fit)
    clashes = [(item, _clash(item, changed[item.item])) for item in fit if item.item in changed]
    work.record(target.name, clashes)
    return [item for item in fit if item.item not in changed]


def _clash(item: Item, why: str) -> Outcome:
    return Outcome(
        item=item.item,
        status=Status.CONFLICT,
        id=item.id,
        version=item.version,
        error_class=ErrorClass.CONFLICT,
        error=why,
    )


_REACHING = frozenset(
    {Operation.CREATE, Operation.UPDATE, Operation.ADD_MEMBER, Operation.SET_MEMBER}
)


__all__ = ["ApplyReport", "Bars", "Orders", "apply", "bars_nobody", "settle_open"]
