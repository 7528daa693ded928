"""What a made-up CRM holds: the truth that a test compares crmbridge's view with."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crmbridge.adapters import Link, WriteItem
from crmbridge.clock import FixedClock
from crmbridge.errors import ConfigError, CrmbridgeError, QuotaError, RetryLaterError, SignInError
from crmbridge.records import to_millis
from crmbridge.testing.faults import Fault, FaultPlan

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""When a made-up CRM's clock starts: a Monday."""


@dataclass(slots=True, kw_only=True)
class Held:
    """One record as the CRM holds it.

    Args:
        modified: milliseconds by the CRM's clock, as the record says it.
        visible: milliseconds from which readers see this change; later than `modified` for a
            change that was committed late.
        number: running number of the change, over all objects.
    """

    id: str
    values: dict[str, Any]
    modified: int
    visible: int
    number: int
    is_deleted: bool = False
    merged_into: str = ""

    @property
    def version(self) -> str:
        """Changes whenever the record does."""
        return str(self.number)


def as_it_is(value: Any) -> Any:
    """Keep a value as it was written."""
    return value


def rounded(value: Any) -> Any:
    """Keep floats to two digits and texts to 255 characters without outer space, as CRMs do."""
    if isinstance(value, float):
        return round(value, 2)
    return value.strip()[:255] if isinstance(value, str) else value


@dataclass(slots=True, kw_only=True)
class MemoryCrm:
    """A CRM in memory: its records, its clock, a log of calls, and faults on command.

    Every change moves the clock by `tick`, so that no two fall into one instant; set it to zero
    to make them do so.

    Several threads may use it.

    Args:
        keeps: what becomes of a value that is written; `normalise` says the same.
        lacking: fields that are not there until they are provisioned.
        formulas: fields that the CRM works out: they change without the record's being modified.
        jobs: handle -> items of long jobs that are still under way.
        late: how long changes stay invisible to readers after their own time of modification.
    """

    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    tick: timedelta = timedelta(seconds=1)
    late: timedelta = timedelta(0)
    keeps: Callable[[Any], Any] = rounded
    organisation: str = "memory-1"
    faults: FaultPlan = field(default_factory=FaultPlan)
    calls: list[str] = field(default_factory=list)
    records: dict[str, dict[str, Held]] = field(default_factory=dict)
    links: dict[tuple[str, str], list[Link]] = field(default_factory=dict)
    new_fields: dict[str, list[str]] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    formulas: set[str] = field(default_factory=set)
    jobs: dict[str, list[WriteItem]] = field(default_factory=dict)
    number: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def put(self, object_: str, values: Mapping[str, Any], id_: str = "") -> str:
        """Create a record, or replace the one with this id; returns its id."""
        with self.lock:
            self._step()
            id_ = id_ or f"{object_}-{self.number}"
            self._keep(object_, id_, dict(values))
            return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change fields of a record; a value of None empties a field."""
        with self.lock:
            self._step()
            self._keep(object_, id_, {**self.records[object_][id_].values, **values})

    def delete(self, object_: str, id_: str) -> None:
        """Delete a record."""
        with self.lock:
            self._step()
            self._keep(object_, id_, self.records[object_][id_].values).is_deleted = True

    def merge(self, object_: str, loser: str, winner: str) -> None:
        """Merge a record into another, which keeps its values."""
        with self.lock:
            self.delete(object_, loser)
            self.records[object_][loser].merged_into = winner
            self.edit(object_, winner, {})

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """Associate a record with one of another object."""
        self._step()
        link = Link(from_id=id_, to_id=to_id)
        self.links.setdefault((object_, to), []).append(link)

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """id -> values of all records that are not deleted, whoever may see them yet."""
        records = self.records.get(object_, {}).values()
        return {record.id: dict(record.values) for record in records if not record.is_deleted}

    def visible(self, object_: str) -> list[Held]:
        """Records, deleted ones too, that a reader sees now, in order of their changes."""
        now = to_millis(self.clock.now())
        seen = [one for one in self.records.get(object_, {}).values() if one.visible <= now]
        return sorted(seen, key=lambda one: one.number)

    def reach(self, call: str) -> Fault | None:
        """Log a call and raise the error that is planned for it, or return a planned fault.

        Raises:
            SignInError, QuotaError, RetryLaterError, ConfigError: as planned.
        """
        self.calls.append(call)
        fault = self.faults.reach(call)
        if fault in _ERRORS:
            raise _ERRORS[fault](call, self.clock.now())
        return fault

    def _step(self) -> None:
        self.number += 1
        self.clock.at += self.tick

    def _keep(self, object_: str, id_: str, values: dict[str, Any]) -> Held:
        now = to_millis(self.clock.now())
        kept = {name: self.keeps(value) for name, value in values.items()}
        held = Held(
            id=id_,
            values=kept,
            modified=now,
            visible=now + int(self.late.total_seconds() * 1000),
            number=self.number,
        )
        self.records.setdefault(object_, {})[id_] = held
        return held


def _transient(call: str, now: datetime) -> CrmbridgeError:
    return RetryLaterError(f"memory: {call}", "an answer", f"none at {now:%H:%M:%S}")


def _quota(call: str, now: datetime) -> CrmbridgeError:
    resume_at = now + timedelta(hours=1)
    return QuotaError(f"memory: {call}", "calls left", "none", resume_at=resume_at)


def _sign_in(call: str, now: datetime) -> CrmbridgeError:
    return SignInError(f"memory: {call}", "a session", f"none at {now:%H:%M:%S}")


def _config(call: str, now: datetime) -> CrmbridgeError:
    return ConfigError(f"memory: {call}", "permission", f"none at {now:%H:%M:%S}")


_ERRORS: dict[Fault | None, Callable[[str, datetime], CrmbridgeError]] = {
    Fault.TRANSIENT: _transient,
    Fault.QUOTA: _quota,
    Fault.SIGN_IN: _sign_in,
    Fault.CONFIG: _config,
}
