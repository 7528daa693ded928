"""Dates and times as CRMs write them, parsed into days and milliseconds.

A day (`Kind.DATE`) has no zone and is never shifted; an instant (`Kind.INSTANT`) without a zone
takes the one that the mapping or the connection names. Where one stands for the other, or no zone
is named, the value is still taken, by the connection's zone, and a note says so.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crmbridge.errors import ConfigError
from crmbridge.pull.unfit import UnfitError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  the difference to naive times is what is wanted
MILLISECOND = timedelta(milliseconds=1)
EPOCH_FORMATS = {"epoch_ms": 1, "epoch_s": 1000}

NAIVE = "pull.naive_time"
"""Note: a time without a zone was read in the connection's zone, or UTC."""
DAY_OF_INSTANT = "pull.instant_as_day"
"""Note: a day was wanted and an instant found; its day in the zone was taken."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PATTERNS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d\d?)",
    "d": r"(?P<d>\d\d?)",
    "H": r"(?P<H>\d\d?)",
    "I": r"(?P<I>\d\d?)",
    "p": r"(?P<p>[AaPp][Mm])",
    "M": r"(?P<M>\d\d?)",
    "S": r"(?P<S>\d\d?)",
    "f": r"(?P<f>\d{1,6})",
    "z": r"(?P<z>Z|[+-]\d\d:?\d\d)",
    "b": r"(?P<b>[A-Za-z]{3})",
    "B": r"(?P<b>[A-Za-z]{3})[A-Za-z]*",
    "%": "%",
}
_TEXTS = {str, type(None)}

Parser = Callable[[str], datetime]
Note = Callable[[str, int], None]
"""Takes a code and how many values it is about."""


def zone_of(name: str, where: str) -> tzinfo:
    """The zone of an IANA name.

    Raises:
        ConfigError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            where, "an IANA zone such as Europe/Berlin", repr(name), "Correct the zone"
        ) from error


def compile_format(pattern: str, where: str) -> Parser:
    """A parser of texts written in a strptime-like format, with English month names.

    Returns:
        text -> datetime, naive unless the format has ``%z``; it raises `UnfitError`.

    Raises:
        ConfigError: the format has a directive that is not known.
    """
    parts = re.split(r"%(.)", pattern, flags=re.DOTALL)
    unknown = [f"%{name}" for name in parts[1::2] if name not in _PATTERNS]
    if unknown:
        known = " ".join(f"%{name}" for name in _PATTERNS)
        raise ConfigError(where, f"directives among {known}", ", ".join(unknown))
    parts[0::2] = [re.escape(literal) for literal in parts[0::2]]
    parts[1::2] = [_PATTERNS[name] for name in parts[1::2]]
    try:
        match = re.compile("".join(parts), re.ASCII).fullmatch
    except re.error as error:
        raise ConfigError(where, "each part of a date once", repr(pattern)) from error

    def parse(text: str) -> datetime:
        found = match(text.strip())
        if found is None:
            raise UnfitError(f"a time like {pattern}")
        return _from_parts(found.groupdict(), pattern)

    return parse


def _from_parts(parts: dict[str, str], pattern: str) -> datetime:
    try:
        return datetime(
            _year(parts),
            _month(parts),
            int(parts.get("d", 1)),
            _hour(parts),
            int(parts.get("M", 0)),
            int(parts.get("S", 0)),
            int(parts.get("f", "0").ljust(6, "0")),
            _offset(parts.get("z")),
        )
    except ValueError as error:
        raise UnfitError(f"a time like {pattern}") from error


def _year(parts: dict[str, str]) -> int:
    if "y" in parts:  # the POSIX pivot: 69 is 1969, 68 is 2068
        short = int(parts["y"])
        return short + (1900 if short >= 69 else 2000)
    return int(parts.get("Y", 1900))


def _month(parts: dict[str, str]) -> int:
    if "b" in parts:
        return _MONTHS.index(parts["b"].lower()) + 1
    return int(parts.get("m", 1))


def _hour(parts: dict[str, str]) -> int:
    hour = int(parts.get("H", parts.get("I", 0)))
    if "p" in parts:
        return hour % 12 + (12 if parts["p"].lower() == "pm" else 0)
    return hour


def _offset(text: str | None) -> tzinfo | None:
    return None if text is None else datetime.fromisoformat(f"2000-01-01T00:00{text}").tzinfo


class Times:
    """Reads one source field's dates and times.

    Args:
        parse: text -> datetime; None for ISO 8601.
        unit: milliseconds per unit of an epoch number; 0 where values are texts.
        zone: of times that name none.
        note: called with a code and a number when no zone was named and one was needed.
    """

    def __init__(self, parse: Parser | None, unit: int, zone: tzinfo, note: Note | None) -> None:
        self._parse = parse or _from_iso
        self._iso = parse is None and not unit
        self._unit = unit
        self._zone = zone
        self._noted = note

    def instant(self, raw: Any) -> int:
        """Milliseconds since 1970 of one value; raises `UnfitError`."""
        at = self._read(raw)
        if at.tzinfo is None:
            self._note(NAIVE)
            at = at.replace(tzinfo=self._zone)
        return (at - EPOCH) // MILLISECOND

    def instants(self, column: Sequence[Any]) -> list[int | None]:
        """A whole column at once; raises when any value is anything but ISO 8601 text.

        Subtracting tells aware from naive: with the wrong epoch it raises TypeError, so that a
        column that mixes both is left to `instant`.
        """
        if not self._iso or not _TEXTS.issuperset(map(type, column)):
            raise TypeError
        parse = datetime.fromisoformat
        try:
            return _millis([parse(v) - EPOCH if v else None for v in column])
        except TypeError:
            if self._zone is not UTC:
                raise
            found = _millis([parse(v) - NAIVE_EPOCH if v else None for v in column])
            self._note(NAIVE, len(found) - found.count(None))
            return found

    def day(self, raw: Any) -> str:
        """One value as ``YYYY-MM-DD``; raises `UnfitError`."""
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return raw.isoformat()
        at = self._read(raw)
        if at.tzinfo is None or at.timetz().replace(tzinfo=None) == datetime.min.time():
            return at.date().isoformat()  # midnight as written is that day, whatever the offset
        self._note(DAY_OF_INSTANT)
        return at.astimezone(self._zone).date().isoformat()

    def _read(self, raw: Any) -> datetime:
        if isinstance(raw, datetime):
            return raw
        if self._unit:
            return _from_epoch(raw, self._unit)
        if isinstance(raw, date):
            return datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001  the zone comes later
        if not isinstance(raw, str):
            raise UnfitError("a date or time as text")
        return self._parse(raw)

    def _note(self, code: str, count: int = 1) -> None:
        if self._noted is not None:
            self._noted(code, count)


def _millis(deltas: Sequence[timedelta | None]) -> list[int | None]:
    return [
        None if d is None else (d.days * 86_400 + d.seconds) * 1000 + d.microseconds // 1000
        for d in deltas
    ]


def _from_iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UnfitError("a date or time like 2026-01-31 or 2026-01-31T08:30:00Z") from error


def _from_epoch(raw: Any, unit: int) -> datetime:
    try:
        if isinstance(raw, bool):
            raise TypeError
        number = raw if isinstance(raw, int) else float(raw)
        return EPOCH + timedelta(milliseconds=number * unit)
    except (TypeError, ValueError, OverflowError) as error:
        raise UnfitError("a number counted from 1970") from error
