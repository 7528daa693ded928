"""What each department reads: needs by product and region, the market by segment, service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from crmbridge.jobs.showing.charts import bars, lines
from crmbridge.records import from_millis
from crmbridge.store.departments import (
    Row,
    deals_by_product,
    feedback_times,
    market_by_segment,
    needs_by_product,
    service_cases,
)

MOST_ROWS = 30
"""Rows of a table; the tables are sorted so that the first matter most."""
_MOST_BARS = 10
_YEAR = 365 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table with its chart.

    Args:
        department: product, marketing or service.
        chart: SVG; "" where there is none.
        more: rows that were cut off.
    """

    department: str
    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    chart: str = ""
    more: int = 0


def department_sheets(
    tx: Connection, sources: Sequence[str], now: int, currency: str = ""
) -> list[Sheet]:
    """The sheets of a base connection that hold anything.

    Args:
        now: ms.
        currency: of the amounts; "" where it is not known.
    """
    sheets = [
        _needs(needs_by_product(tx, sources)),
        _deals(deals_by_product(tx, sources), currency),
        _market(market_by_segment(tx, sources, now, _YEAR), currency),
        _cases(service_cases(tx, sources)),
        _satisfaction(feedback_times(tx, sources)),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def _sheet(
    department: str, title: str, headers: tuple[str, ...], rows: Iterable[Row], chart: str
) -> Sheet:
    found = tuple(rows)
    return Sheet(
        department=department,
        title=title,
        headers=headers,
        rows=found[:MOST_ROWS],
        chart=chart,
        more=max(0, len(found) - MOST_ROWS),
    )


def _needs(found: list[Row]) -> Sheet:
    rows = [
        (product, region or "-", count, "" if strength is None else f"{strength:.2f}",
         f"{100 * met / (count + met):.0f} %")
        for product, region, count, strength, met in found
    ]  # fmt: skip
    headers = ("Product", "Region", "Open needs", "Mean strength, 0 to 1", "Met of all")
    top = _summed((product, count) for product, _, count, _, _ in found)
    chart = bars(*_bars(top, "open needs"), "open needs")
    return _sheet("Product", "What customers need, by product and region", headers, rows, chart)


def _deals(found: list[Row], currency: str) -> Sheet:
    rows = [
        (product, region or "-", count, f"{sum_:,.0f}") for product, region, count, sum_ in found
    ]
    headers = ("Product", "Region", "Open deals", _in("Amount", currency))
    return _sheet("Product", "Open deals, by product and region", headers, rows, "")


def _market(found: list[Row], currency: str) -> Sheet:
    total = sum(last for _, _, last, _ in found)
    rows = [
        (segment, count, f"{last:,.0f}", f"{before:,.0f}", _change(last, before),
         f"{100 * last / total:.0f} %" if total else "")
        for segment, count, last, before in found
    ]  # fmt: skip
    orders = _in("Orders, last year", currency)
    headers = ("Market segment", "Customers", orders, "Year before", "Change", "Share")
    top = found[:_MOST_BARS] if total else []
    series = {
        "last year": [last for _, _, last, _ in top],
        "year before": [before for _, _, _, before in top],
    }
    chart = bars([segment for segment, *_ in top], series, _in("amount of orders", currency))
    return _sheet("Marketing", "The market, by segment", headers, rows, chart)


def _in(title: str, currency: str) -> str:
    return f"{title} ({currency})" if currency else title


def _change(last: float, before: float) -> str:
    return f"{100 * (last / before - 1):+.0f} %" if before else ""


def _cases(found: list[Row]) -> Sheet:
    headers = ("About", "Open cases", "Solved cases")
    top = found[:_MOST_BARS]
    series = {"open": [row[1] for row in top], "solved": [row[2] for row in top]}
    chart = bars([row[0] for row in top], series, "cases")
    return _sheet("Service", "Service cases", headers, found, chart)


def _satisfaction(found: list[Row]) -> Sheet:
    months: dict[str, list[Row]] = {}
    for row in found:
        months.setdefault(f"{from_millis(row[0]):%Y-%m}", []).append(row)
    means = {month: (_mean(rows, 1), _mean(rows, 2), len(rows)) for month, rows in months.items()}
    rows = [
        (month, count, _figure(expected), _figure(actual))
        for month, (expected, actual, count) in reversed(means.items())
    ]
    series = {
        "expected": [expected for expected, _, _ in means.values()],
        "given": [actual for _, actual, _ in means.values()],
    }
    chart = lines(list(means), series, "satisfaction") if len(means) > 1 else ""
    headers = ("Month", "Answers", "Expected", "Given")
    return _sheet("Service", "Satisfaction, by month", headers, rows, chart)


def _mean(rows: list[Row], column: int) -> float | None:
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known) / len(known) if known else None


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _summed(pairs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    sums: dict[str, float] = {}
    for name, value in pairs:
        sums[name] = sums.get(name, 0) + value
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_BARS]


def _bars(
    top: list[tuple[str, float]], name: str
) -> tuple[list[str], dict[str, list[float | None]]]:
    return [label for label, _ in top], {name: [value for _, value in top]}
