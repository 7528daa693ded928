"""The demo company: made up from a seed, the same on every machine."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

from crmbridge.testing.demo_data.agenda import BUSY_FILE, add_agenda, busy_calendar
from crmbridge.testing.demo_data.campaigns import campaign_tables
from crmbridge.testing.demo_data.dirt import add_dirt
from crmbridge.testing.demo_data.history import make_history
from crmbridge.testing.demo_data.market import (
    deals_table,
    feedback_table,
    market_table,
    needs_table,
    products_table,
)
from crmbridge.testing.demo_data.people import (
    consents_table,
    contacts_table,
    customers_table,
    make_clients,
    make_reps,
    reps_table,
)
from crmbridge.testing.demo_data.shape import DemoData, Table

DEFAULT_END = date(2026, 11, 2)
"""The demo's today, a Monday: history ends the day before, appointments begin on it."""

HISTORY_DAYS = 761
"""25 months: two whole years can be compared, and a month is over."""


def generate(seed: int = 1, start: date | None = None, end: date = DEFAULT_END) -> DemoData:
    """Make up 600 customers, 12 reps and 25 months of their history.

    Args:
        start: first day of the history; 25 months before `end` unless given.
        end: the demo's today: appointments and absences lie in the fortnight from it on.

    Returns:
        one table per stream, under the stream's name.
    """
    first = start or end - timedelta(days=HISTORY_DAYS)
    reps = make_reps()
    clients = make_clients(seed, reps, end)
    history = make_history(seed, clients, first, end)
    add_agenda(seed, history, clients, reps, end)
    tables = [
        reps_table(reps),
        customers_table(clients),
        contacts_table(seed, clients),
        consents_table(seed, clients, first, end),
        products_table(),
        history.activities,
        history.orders,
        history.lines,
        deals_table(seed, clients, first, end),
        needs_table(seed, clients, end),
        market_table(seed, first, end),
        feedback_table(seed, clients, first, end),
        *campaign_tables(seed, clients, end),
    ]
    named = {table.name: table for table in tables}
    files = {BUSY_FILE: busy_calendar(seed, end)}
    return DemoData(tables=named, files=files, dirty=add_dirt(named), start=first, end=end)


def csv_text(table: Table) -> str:
    """A table as CSV: UTF-8 text, lines end with a line feed, a missing value is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return out.getvalue()


def write_csv(data: DemoData, folder: Path) -> tuple[Path, ...]:
    """Write each table as ``<stream>.csv``, and the other files; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {f"{name}.csv": csv_text(table) for name, table in data.tables.items()}
    written = []
    for name, text in {**contents, **data.files}.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="")
        written.append(path)
    return tuple(written)
