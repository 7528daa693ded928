"""Reads the exceptions that reps made for single customers, each with a reason and an end."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from crmbridge.errors import ConfigError, StorageError
from crmbridge.records import Finding
from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.policy import DAYS

REQUIRED = ("customer", "reason", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One exception.

    Args:
        customer: the customer's key, or its id alone.
        until: last day on which it holds.
        values: part of the policy -> what holds instead.
        line: of the file, for people.
    """

    customer: str
    reason: str
    until: date
    rep: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""

    @property
    def origin(self) -> str:
        """Where it is from and why, for people."""
        by = f" by {self.rep}" if self.rep else ""
        return f"{self.line}{by} until {self.until.isoformat()}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """The exceptions that hold today, in the order of the file."""

    all: tuple[Override, ...] = ()
    findings: tuple[Finding, ...] = ()

    def of(self, key: str, id_: str) -> tuple[Override, ...]:
        """Those for one customer."""
        return tuple(one for one in self.all if one.customer in (key, id_))


def read_overrides(path: Path, today: date) -> Overrides:
    """The exceptions of a CSV file that have not ended.

    A row that cannot be read is a finding and holds nothing: the others do.

    Raises:
        StorageError: there is no such file.
        ConfigError: a column is missing, or one is there that nobody knows.
    """
    found, ended, unread = [], 0, []
    for number, row in enumerate(_rows(path), start=2):
        where = f"{path.name} line {number}"
        try:
            one = _override(row, where)
        except ValueError as error:
            unread.append(f"{where}: expected {error}")
            continue
        if one.until >= today:
            found.append(one)
        else:
            ended += 1
    return Overrides(all=tuple(found), findings=tuple(_findings(unread, ended, path)))


def _rows(path: Path) -> list[dict[str, str | None]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = tuple(reader.fieldnames or ())
            rows: list[dict[str, str | None]] = list(reader)
    except (OSError, UnicodeDecodeError) as cause:
        raise StorageError(str(path), "a table of exceptions", type(cause).__name__) from cause
    for name in REQUIRED:
        if name not in names:
            raise ConfigError(path.name, f"a column {name}", ", ".join(names) or "none")
    for name in names:
        if name not in (*REQUIRED, *OPTIONAL):
            step = did_you_mean(name, (*REQUIRED, *OPTIONAL))
            raise ConfigError(path.name, "a known column", repr(name), step)
    return rows


def _override(row: Mapping[str, str | None], where: str) -> Override:
    texts = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    for name in REQUIRED:
        if not texts[name]:
            raise ValueError(f"a {name}, got none")
    values = {name: read(texts[name]) for name, read in _COLUMNS.items() if texts.get(name)}
    return Override(
        customer=texts["customer"],
        reason=texts["reason"],
        until=_day(texts["until"]),
        rep=texts.get("rep", ""),
        values=values,
        line=where,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a day like 2026-12-24, got {text!r}") from None


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"a whole number from {least} to {most}, got {text!r}")
    return int(text)


def _factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise ValueError(f"a number from 0 to 1000, got {text!r}")
    return value


def _weekdays(text: str) -> tuple[str, ...]:
    days = tuple(text.lower().replace(",", " ").split())
    for day in days:
        if day not in DAYS:
            raise ValueError(f"weekdays such as mon tue, got {text!r}")
    return days


def _hours(text: str) -> tuple[int, int]:
    """Minutes of the day from and to."""
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise ValueError(f"hours like 08:00-12:00, got {text!r}") from None
    if start >= end:
        raise ValueError(f"hours that start before they end, got {text!r}")
    return start.hour * 60 + start.minute, end.hour * 60 + end.minute


def _closed(text: str) -> tuple[tuple[date, date], ...]:
    """Days, and stretches written as first..last."""
    found = []
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("..")
        span = (_day(first), _day(last or first))
        if span[0] > span[1]:
            raise ValueError(f"a first day that is not after the last, got {part!r}")
        found.append(span)
    return tuple(found)


def _agenda(text: str) -> tuple[str, ...]:
    return tuple(line for part in text.split(";") if (line := part.strip()))


def _findings(unread: list[str], ended: int, path: Path) -> list[Finding]:
    found = []
    if unread:
        remedy = f"Correct {path.name}; until then the line holds nothing"
        finding = Finding(
            code="policy.override_unread", count=len(unread), example=unread[0], remedy=remedy
        )
        found.append(finding)
    if ended:
        remedy = "Nothing to do: its time is over. Remove the line, or give it a later day"
        found.append(
            Finding(code="policy.override_ended", count=ended, example=path.name, remedy=remedy)
        )
    return found


_COLUMNS: Mapping[str, Callable[[str], Any]] = {
    "every_days": lambda text: _number(text, 1, 3660),
    "minutes": lambda text: _number(text, 1, 1440),
    "min_gap_days": lambda text: _number(text, 0, 3660),
    "priority": _factor,
    "barred": str,
    "days": _weekdays,
    "hours": _hours,
    "closed": _closed,
    "agenda": _agenda,
}
OPTIONAL = ("rep", *_COLUMNS)
