"""Keeps in the store what a changeset says and how far each of its items has come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from crmbridge.adapters import Operation, Outcome
from crmbridge.errors import RetryLaterError, UsageError
from crmbridge.push.changeset import Changeset, Item
from crmbridge.push.effects import keep_written, mark_states
from crmbridge.push.guards import describe, guarded_number
from crmbridge.push.ledger import UNDER_WAY, State, last_of_keys, supersede_others
from crmbridge.push.meanwhile import newer_plan, seen_values
from crmbridge.push.rows import OUTCOME, changeset_of, outcome_row
from crmbridge.push.values import Value
from crmbridge.records import to_millis
from crmbridge.store import Fence, Store
from crmbridge.store.audit import AuditLine, add_audit
from crmbridge.store.leases import check
from crmbridge.store.schema import audit, changeset_items, changesets
from crmbridge.store.writing import in_parts, update_rows


@dataclass(slots=True, kw_only=True)
class _Progress:
    state: State
    remote_id: str
    handle: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What became of items that were sent.

    Args:
        unsent: names of those that certainly did not land.
    """

    outcomes: Sequence[tuple[Item, Outcome]] = ()
    unsent: Sequence[str] = ()


def load_changeset(store: Store, changeset_id: str) -> Changeset:
    """A changeset as it was kept.

    Raises:
        UsageError: there is none of this id.
    """
    return Journal(store, changeset_id).changeset


_IF_STATE = ("changeset", "item", "state")


class Journal:
    """One changeset in the store. All writes come from one thread, each in one transaction."""

    def __init__(self, store: Store, changeset_id: str, actor: str = "") -> None:
        """Read the changeset.

        Args:
            actor: who works on it, for the audit.

        Raises:
            UsageError: there is none of this id.
        """
        self._store = store
        self._actor = actor
        with store.read() as tx:
            head, rows = _read(tx, changeset_id)
        self.changeset = changeset_of(head, rows)
        self.digest = str(head.digest)
        self.state = str(head.state)
        self._items = {item.item: item for item in self.changeset.items}
        self._progress = {
            row.item: _Progress(
                state=State(row.state),
                remote_id=row.remote_id,
                handle=row.handle,
                error=row.error,
            )
            for row in rows
        }

    @property
    def epoch(self) -> str:
        """The store's epoch now."""
        return self._store.epoch

    @property
    def remote_ids(self) -> dict[str, str]:
        """item -> id of the record it wrote; what found its values there already wrote nothing."""
        return {
            name: progress.remote_id or self._items[name].id
            for name, progress in self._progress.items()
            if progress.state is State.APPLIED
            or (progress.state is State.UNCHANGED and _is_new(self._items[name]))
        }

    def newer_plan(self) -> str:
        """A plan for the same calendars made after the changeset was decided, "" if none was."""
        return newer_plan(self._store, self.changeset)

    def is_accepted(self) -> bool:
        """Whether the guarded number of this very changeset was accepted before."""
        query = select(func.count()).where(
            audit.c.changeset == self.changeset.id, audit.c.action == "accept"
        )
        with self._store.read() as tx:
            return bool(tx.scalar(query))

    def begin(self, accept: int, now: datetime) -> None:
        """Keep that applying began, who accepted what, and that older changesets are void."""
        with self._store.write() as tx:
            self._set_state(tx, "applying")
            supersede_others(tx, self.changeset)
            if accept and not tx.scalar(self._accepted()):
                tripped = [one for one in self.changeset.guards if one.tripped]
                detail = "; ".join(describe(verdict) for verdict in tripped)
                said = ("accept", str(guarded_number(self.changeset)), detail)
                add_audit(tx, [self._line(now, None, said, None)])

    def count(self, state: State) -> int:
        """How many items are in a state."""
        return sum(progress.state is state for progress in self._progress.values())

    def item(self, name: str) -> Item:
        """An item by its name."""
        return self._items[name]

    def item_state(self, name: str) -> State | None:
        """The state of an item; None if it is not of this changeset."""
        progress = self._progress.get(name)
        return progress.state if progress else None

    def results(self) -> list[tuple[Item, State, str]]:
        """Each item with its state and what the CRM, or a check of ours, said against it."""
        progress = self._progress
        return [
            (item, progress[item.item].state, progress[item.item].error)
            for item in self.changeset.items
        ]

    def is_unknown(self, name: str) -> bool:
        """Whether an item's outcome was looked up in vain before."""
        return self._progress[name].state is State.UNKNOWN

    def handle(self, name: str) -> str:
        """The long job that an item is part of, "" for none."""
        return self._progress[name].handle

    def pending(self, connection: str) -> list[Item]:
        """Items still to be sent, in their order."""
        return self._in({State.PENDING}, connection)

    def under_way(self, connection: str) -> list[Item]:
        """Items that were being sent, or whose outcome is unknown, in their order."""
        return self._in(UNDER_WAY, connection)

    def seen_values(self, items: Iterable[Item]) -> dict[str, dict[str, Value]]:
        """item -> field -> what the CRM showed last, of fields that the item changes."""
        return seen_values(self._store, self.changeset.id, items)

    def written_elsewhere(self, items: Iterable[Item]) -> dict[str, str]:
        """Creates whose key another changeset has written since: item -> that changeset."""
        keys = {
            (item.connection, item.object, item.key): item.item
            for item in items
            if item.operation is Operation.CREATE and item.key
        }
        with self._store.read() as tx:
            last = last_of_keys(tx, [key for _, _, key in keys])
        return {
            keys[place]: row.changeset
            for place, row in last.items()
            if place in keys
            and row.changeset != self.changeset.id
            and row.operation != Operation.DELETE.value
        }

    def turn(
        self,
        fence: Fence | None,
        landed: Landed,
        next_: Sequence[Item],
        now: datetime,
        run_id: int | None,
    ) -> None:
        """Commit at once what became of some items, and that others are about to be sent.

        One commit for both: waiting for the disk costs as much as a hundred items.

        Raises:
            RetryLaterError: the lease is lost, or another process sends them.
        """
        if not (landed.outcomes or landed.unsent or next_):
            return
        names = [item.item for item in next_]
        with self._store.write(fence) as tx:
            self._record(tx, landed.outcomes, now, run_id)
            self._reopen(tx, landed.unsent)
            self._intend(tx, names, to_millis(now))
        self._keep(landed.outcomes)
        self._move(landed.unsent, State.PENDING)
        self._move(names, State.SENDING)

    def check(self, fence: Fence | None) -> None:
        """Make sure that a lease is still ours.

        Raises:
            RetryLaterError: it is not.
        """
        if fence is not None:
            check(self._store, fence)

    def reopen(self, fence: Fence | None, names: Sequence[str]) -> None:
        """Commit that items certainly did not land."""
        if not names:
            return
        with self._store.write(fence) as tx:
            self._reopen(tx, names)
        self._move(names, State.PENDING)

    def record(
        self,
        fence: Fence | None,
        pairs: Sequence[tuple[Item, Outcome]],
        now: datetime,
        run_id: int | None,
    ) -> None:
        """Commit outcomes: the items' states, what the CRM now holds, and the audit."""
        with self._store.write(fence) as tx:
            self._record(tx, pairs, now, run_id)
        self._keep(pairs)

    def skip(
        self, fence: Fence | None, reasons: Mapping[str, str], now: datetime, run_id: int | None
    ) -> None:
        """Commit that items are left out, with the reason."""
        state = State.SKIPPED.value
        with self._store.write(fence) as tx:
            at = to_millis(now)
            rows = [(state, reason, at, name) for name, reason in reasons.items()]
            self._set_each(tx, ("state", "error", "done_at"), rows)
            lines = (
                self._line(now, run_id, ("push", state, reason), self._items[name])
                for name, reason in reasons.items()
            )
            add_audit(tx, lines)
        self._move(reasons, State.SKIPPED)

    def _intend(self, tx: Connection, names: Sequence[str], at: int) -> None:
        id_, sending, pending = self.changeset.id, State.SENDING.value, State.PENDING.value
        rows = [(sending, at, id_, name, pending) for name in names]
        changed = update_rows(tx, changeset_items, ("state", "sent_at"), _IF_STATE, rows)
        if changed != len(names):
            raise RetryLaterError(
                f"changeset {self.changeset.id}",
                f"{len(names)} items to be pending",
                str(changed),
                "Another push is at work: wait until it has ended",
            )

    def _reopen(self, tx: Connection, names: Sequence[str]) -> None:
        for part in in_parts(names):
            tx.execute(self._these(part).values(state=State.PENDING.value, handle=""))

    def _record(
        self,
        tx: Connection,
        pairs: Sequence[tuple[Item, Outcome]],
        now: datetime,
        run_id: int | None,
    ) -> None:
        if not pairs:
            return
        at = to_millis(now)
        rows = [(*outcome_row(item, outcome, at), item.item) for item, outcome in pairs]
        self._set_each(tx, OUTCOME, rows)
        add_audit(tx, [self._outcome_line(at, run_id, *pair) for pair in pairs])
        keep_written(tx, pairs, self.changeset.id, at)
        mark_states(tx, pairs, run_id or 0)

    def _keep(self, pairs: Sequence[tuple[Item, Outcome]]) -> None:
        """Know what was committed."""
        for item, outcome in pairs:
            progress = self._progress[item.item]
            progress.state = State(outcome.status.value)
            progress.remote_id, progress.handle = outcome.id or item.id, outcome.handle
            progress.error = outcome.error

    def finish(self, now: datetime) -> None:
        """Commit how far the changeset has come; one that was taken back whole is undone."""
        states = {progress.state for progress in self._progress.values()}
        open_ = states & {State.PENDING, *UNDER_WAY}
        with self._store.write() as tx:
            self._set_state(tx, "partial" if open_ else "applied", to_millis(now))
            if self.changeset.undoes and not open_:
                undone = changesets.c.id == self.changeset.undoes
                tx.execute(changesets.update().where(undone).values(state="undone"))

    def _in(self, states: Iterable[State], connection: str) -> list[Item]:
        wanted = set(states)
        return [
            item
            for item in self.changeset.items
            if item.connection == connection and self._progress[item.item].state in wanted
        ]

    def _move(self, names: Iterable[str], state: State) -> None:
        for name in names:
            self._progress[name].state = state

    def _these(self, names: Sequence[str]) -> Any:
        return changeset_items.update().where(
            changeset_items.c.changeset == self.changeset.id, changeset_items.c.item.in_(names)
        )

    def _set_each(
        self, tx: Connection, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Set columns of many items at once; each row ends with the name of its item."""
        id_ = self.changeset.id
        keyed = ((*row[:-1], id_, row[-1]) for row in rows)
        update_rows(tx, changeset_items, names, ("changeset", "item"), keyed)

    def _accepted(self) -> Any:
        return select(audit.c.number).where(
            audit.c.changeset == self.changeset.id, audit.c.action == "accept"
        )

    def _set_state(self, tx: Connection, state: str, applied_at: int | None = None) -> None:
        self.state = state
        mine = changesets.c.id == self.changeset.id
        tx.execute(changesets.update().where(mine).values(state=state, applied_at=applied_at))

    def _outcome_line(self, at: int, run_id: int | None, item: Item, outcome: Outcome) -> AuditLine:
        return AuditLine(
            at=at,
            actor=self._actor,
            action="push",
            run_id=run_id,
            changeset=self.changeset.id,
            item=item.item,
            connection=item.connection,
            object=item.object,
            record_id=outcome.id or item.id,
            operation=item.operation.value,
            status=outcome.status.value,
            detail=outcome.error,
        )

    def _line(
        self, now: datetime, run_id: int | None, said: tuple[str, str, str], item: Item | None
    ) -> AuditLine:
        """A line of audit; `said` is action, status and detail."""
        action, status, detail = said
        line = AuditLine(
            at=to_millis(now),
            actor=self._actor,
            action=action,
            run_id=run_id,
            changeset=self.changeset.id,
            status=status,
            detail=detail,
        )
        if item is None:
            return line
        return replace(
            line,
            item=item.item,
            connection=item.connection,
            object=item.object,
            record_id=item.id,
            operation=item.operation.value,
        )


def _is_new(item: Item) -> bool:
    return item.operation in {Operation.CREATE, Operation.ADD_MEMBER}


def _read(tx: Connection, changeset_id: str) -> tuple[Row[Any], Sequence[Row[Any]]]:
    head = tx.execute(select(changesets).where(changesets.c.id == changeset_id)).one_or_none()
    if head is None:
        raise UsageError(
            f"changeset {changeset_id}", "one that was decided", "none", "Run `crmbridge diff`"
        )
    mine = changeset_items.c.changeset == changeset_id
    query = select(changeset_items).where(mine).order_by(changeset_items.c.sequence)
    return head, tx.execute(query).all()
