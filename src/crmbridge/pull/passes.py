"""Decides which stretches of an object a pull reads, from where its positions stand.

An object that is read by windows has two passes. The *quick* one reads up to now, by the CRM's
clock, beginning an overlap before its last end, since CRMs publish changes late. The *trailing*
one follows `Capabilities.lag_minutes` behind, where reading is complete, and is the proof. Where
reading is complete at once (no lag) the quick pass proves alone.

What is saved of a pass is `Mark`, wrapped around the adapter's own position.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from crmbridge.adapters import Capabilities, Reading
from crmbridge.errors import ConfigError
from crmbridge.pull.held import Tally
from crmbridge.store.positions import Saved

SAFETY_MS = 5_000
"""Without an overlap a window ends this long ago, so that nothing appears in it afterwards."""
CLOCK_JUMP_MS = 300_000
"""A position this far in the CRM's future is not believed."""

QUICK, TRAILING, SWEEP = "quick", "trailing", "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a pass stands.

    Args:
        at: the adapter's position.
        since, until: bounds in ms of the window being read, or read last.
        done: all of it was read, and nothing remains to be decided about it.
        read: rows read of the stretch so far, also by earlier pulls that broke off.
        tally: of the ids read so far, where a snapshot is read.
        doomed: live records listed as deleted so far; marked at the end, past the shrink guard.
    """

    at: Mapping[str, Any] = field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    done: bool = False
    read: int = 0
    tally: Tally = (0, 0)
    doomed: frozenset[str] = frozenset()

    @classmethod
    def load(cls, saved: Saved | None) -> Self | None:
        """The mark that was saved, if any."""
        if saved is None:
            return None
        kept = saved.position
        return cls(
            at=kept.get("at", {}),
            since=kept.get("since"),
            until=kept.get("until"),
            done=kept.get("done", False),
            read=kept.get("read", 0),
            tally=(kept.get("tally", (0, 0))[0], kept.get("tally", (0, 0))[1]),
            doomed=frozenset(kept.get("doomed", ())),
        )

    def saved(self, now: int) -> Saved:
        """As the store keeps it."""
        position = {
            "at": dict(self.at),
            "since": self.since,
            "until": self.until,
            "done": self.done,
            "read": self.read,
            "tally": list(self.tally),
            "doomed": sorted(self.doomed),
        }
        return Saved(position=position, until=self.until, saved_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One stretch to read.

    Args:
        mark: where it begins; ``done`` is False.
        resumes: an earlier pull began it.
        proves: a complete reading is proof that nothing is missing.
    """

    pass_: str
    mark: Mark
    proves: bool
    resumes: bool = False


def plan_passes(
    reading: Reading,
    capabilities: Capabilities,
    marks: Mapping[str, Mark | None],
    now: int,
    where: str,
) -> list[Plan]:
    """The stretches to read, in order.

    Args:
        marks: pass -> where it stands; None to begin anew.
        now: the CRM's clock, ms.
        where: the object, for errors.

    Raises:
        ConfigError: a position lies in the CRM's future.
    """
    quick = marks.get(QUICK)
    if reading is not Reading.WINDOW:
        return [_go_on(quick)]
    for mark in marks.values():
        _believe(mark, now, where)
    overlap = _minutes(capabilities.overlap_minutes)
    lag = _minutes(capabilities.lag_minutes)
    end = now + 1 if overlap else now - SAFETY_MS
    if not lag:
        return _windows(QUICK, quick, end, overlap, None, proves=True)
    plans = _windows(TRAILING, marks.get(TRAILING), now - lag, 0, None, proves=True)
    return plans + _windows(QUICK, quick, end, overlap, now - lag, proves=False)


def _minutes(number: int) -> int:
    return timedelta(minutes=number) // timedelta(milliseconds=1)


def _believe(mark: Mark | None, now: int, where: str) -> None:
    if mark is not None and (mark.until or 0) > now + CLOCK_JUMP_MS:
        raise ConfigError(
            where,
            "a position before the CRM's present",
            f"one {((mark.until or 0) - now) // 1000} seconds after it",
            "Correct the clock, or pull this connection with --full",
        )


def _go_on(mark: Mark | None) -> Plan:
    """A snapshot's or token's next reading begins where the last one stands."""
    if mark is not None and not mark.done:
        return Plan(pass_=QUICK, mark=mark, proves=True, resumes=True)
    at = {} if mark is None else mark.at
    return Plan(pass_=QUICK, mark=Mark(at=at), proves=True)


def _windows(
    pass_: str, mark: Mark | None, end: int, overlap: int, floor: int | None, *, proves: bool
) -> list[Plan]:
    """What is left of the window under way, then one more up to `end`."""
    if mark is None or mark.until is None:
        return [Plan(pass_=pass_, mark=Mark(since=floor, until=end), proves=proves)]
    plans = [] if mark.done else [Plan(pass_=pass_, mark=mark, proves=proves, resumes=True)]
    since = mark.until - overlap
    if floor is not None:
        since = max(since, floor)
    if since < end:
        plans.append(Plan(pass_=pass_, mark=Mark(since=since, until=end), proves=proves))
    return plans
