"""Evaluates what customers will buy and what that is worth, from the orders of a file."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from crmbridge.engine.repeat_buying import DAY_MILLIS, repeat_summary
from crmbridge.engine.value import COLUMNS, CustomerValues, ValueParameters, value_customers
from crmbridge.jobs.evaluating.answer import Answer
from crmbridge.jobs.evaluating.reading import millis, read_table, with_numbers
from crmbridge.jobs.showing.tables import table_text, write_text
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAsked:
    """What is asked of a file.

    Args:
        until: the last day that counts; the last of the file if None.
        output: where customers go with their values; None for nowhere.
    """

    file: Path
    customer: str
    at: str
    amount: str
    until: date | None = None
    unit_days: float = 7.0
    output: Path | None = None


def answer_value(asked: ValueAsked) -> Answer:
    """Fit repeat buying and spending, and value each customer.

    Raises:
        UsageError: a column is not in the file, or holds no days or no numbers.
        StorageError: the output cannot be written.
    """
    where = str(asked.file)
    table = read_table(asked.file, (asked.customer, asked.at, asked.amount))
    table = with_numbers(table, [asked.amount], where)
    orders = pd.DataFrame(
        {
            "customer_id": table[asked.customer],
            "ordered_at": millis(table, asked.at, where),
            "amount": table[asked.amount],
        }
    )
    orders, findings = _usable(orders)
    until = _until(orders, asked.until)
    # The age of a customer is counted to the last day, on which orders still count.
    summary = repeat_summary(orders.assign(ordered_at=_days(orders)), until + 1, asked.unit_days)
    found = value_customers(summary, ValueParameters(unit_days=asked.unit_days))
    if asked.output is not None:
        _write(asked.output, found)
    return Answer(document=_document(found, len(summary)), findings=(*findings, *found.findings))


def _days(orders: pd.DataFrame) -> "pd.Series[float]":
    return orders["ordered_at"] // DAY_MILLIS * DAY_MILLIS


def _until(orders: pd.DataFrame, asked: date | None) -> int:
    if asked is not None:
        return int(datetime(asked.year, asked.month, asked.day, tzinfo=UTC).timestamp() * 1000)
    return int(_days(orders).max()) if len(orders) else 0


def _usable(orders: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    whole = orders.notna().all(axis=1) & (orders["customer_id"].fillna("").str.strip() != "")
    returned = whole & (orders["amount"] < 0)
    sentences = {
        "value.rows": (int((~whole).sum()), "rows lack customer, day or amount"),
        "value.returns": (int(returned.sum()), "rows have an amount below 0, which is no purchase"),
    }
    findings = tuple(
        Finding(code=code, count=count, example=f"{count} of {len(orders)} {text}: left out")
        for code, (count, text) in sentences.items()
        if count
    )
    return orders[whole & ~returned].reset_index(drop=True), findings


def _document(found: CustomerValues, customers: int) -> dict[str, object]:
    buying, spending = found.orders_model, found.spending_model
    return {
        "bg_nbd": None
        if buying is None
        else {name: getattr(buying, name) for name in ("r", "alpha", "a", "b", "log_likelihood")},
        "gamma_gamma": None
        if spending is None
        else {name: getattr(spending, name) for name in ("p", "q", "v")},
        "customers": customers,
    }


def _write(path: Path, found: CustomerValues) -> None:
    headers = ("customer", "chance_alive", "orders_365", "amount", "value_365",
               "orders_low", "orders_high", "value_low", "value_high")  # fmt: skip
    columns = [np.asarray(found.frame[name], float) for name in COLUMNS]
    rows = zip(found.frame.index, *columns, strict=True)
    write_text(path, table_text(headers, [(c, *map(float, values)) for c, *values in rows]))
