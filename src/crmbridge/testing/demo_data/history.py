"""The demo's past: visits, calls, mails and orders, with seasons and trends to be found."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from crmbridge.testing.demo_data.market import PRODUCTS, Product
from crmbridge.testing.demo_data.people import INTERVALS, Client
from crmbridge.testing.demo_data.shape import Draws, Table, instant, months, workday

ACTIVITY_COLUMNS = (
    "id", "kind", "direction", "subject", "location", "start_at", "end_at", "all_day", "status",
    "outcome", "rep_id", "customer_id", "contact_id", "busy", "zone",
)  # fmt: skip
ORDER_COLUMNS = ("id", "customer_id", "ordered_at", "amount", "currency", "status")
LINE_COLUMNS = ("id", "order_id", "customer_id", "product_id", "ordered_at", "quantity", "amount")

SEASON = (0.4, 0.5, 0.8, 1.2, 1.7, 1.9, 1.7, 1.3, 0.9, 0.6, 0.5, 0.5)
"""A seasonal customer's orders by month against its mean: most in June, few in January."""

VISIT_EFFECT = 1.5
"""Planted: a month with a visit has half as many orders again as one without."""


@dataclass(slots=True, kw_only=True)
class History:
    """What happened, as tables that grow while it is made up."""

    activities: Table = field(
        default_factory=lambda: Table(name="activities", header=ACTIVITY_COLUMNS)
    )
    orders: Table = field(default_factory=lambda: Table(name="orders", header=ORDER_COLUMNS))
    lines: Table = field(default_factory=lambda: Table(name="order_lines", header=LINE_COLUMNS))

    def next_id(self, table: Table, letter: str) -> str:
        """The id of a table's next row."""
        return f"{letter}{len(table.rows) + 1:06}"


def make_history(seed: int, clients: list[Client], start: date, end: date) -> History:
    """Everything that happened from `start` to the day before `end`."""
    history = History()
    calendar = months(start, end - timedelta(days=1))
    for client in clients:
        draws = Draws(seed, f"history of {client.id}")
        favourites = [draws.pick(PRODUCTS) for _ in range(2)]
        visited = _visits(history, draws, client, (start, end))
        for at, month in enumerate(calendar):
            share = at / max(1, len(calendar) - 1)
            wanted = client.size * pace(client.trend, share, month.month)
            wanted *= VISIT_EFFECT if (month.year, month.month) in visited else 1.0
            _orders(history, draws, client, _days(month, start, end), wanted, favourites)
            _contacts(history, draws, client, _days(month, start, end))
    return history


def pace(trend: str, share: float, month: int) -> float:
    """Orders against a usual month, `share` of the way through the history."""
    if trend == "growing":
        return 0.5 + 1.1 * share
    if trend == "cooling":
        return 1.6 - 1.3 * share
    if trend == "seasonal":
        return SEASON[month - 1]
    if trend == "lapsed":
        return 1.2 if share < 0.3 else 0.0
    if trend == "new":
        return 1.0 if share > 0.6 else 0.0
    return 1.0


def _days(month: date, start: date, end: date) -> list[date]:
    days = (month + timedelta(days=at) for at in range(31))
    inside = (day for day in days if day.month == month.month and start <= day < end)
    return [day for day in inside if day.weekday() < 5]


def _visits(
    history: History, draws: Draws, client: Client, period: tuple[date, date]
) -> set[tuple[int, int]]:
    """Visits about every interval, later than due more often than not; months with one."""
    start, end = period
    gap = INTERVALS[client.grade]
    # Some customers are neglected: the plan should find them first.
    gap = gap * 3 if draws.chance(0.12) else gap
    day, found = start + timedelta(days=draws.whole(0, gap)), set()
    while (day := workday(day)) < end:
        status = draws.weighted(("done", "missed", "cancelled"), (90, 5, 5))
        _activity(history, draws, client, "visit", day, status)
        if status == "done":
            found.add((day.year, day.month))
        day += timedelta(days=max(5, int(draws.about(gap * 1.1, gap * 0.5))))
    return found


_SUBJECTS = {
    "visit": ("Visit", "Review of the year", "New products", "Service talk"),
    "call": ("Call", "Call back", "Offer discussed"),
    "email": ("Offer", "Price list", "Follow-up"),
}
_LENGTH = {"visit": 45, "call": 15, "email": 0}
_OUTCOMES = ("interested", "neutral", "ordered", "no interest")


def _activity(
    history: History, draws: Draws, client: Client, kind: str, day: date, status: str
) -> None:
    start, length = draws.whole(16, 31), _LENGTH[kind]  # half hours: 08:00 to 15:30
    end = start * 30 + length
    outcome = draws.pick(_OUTCOMES) if status == "done" and kind != "email" else None
    direction = "in" if kind != "visit" and draws.chance(0.3) else "out"
    contact = draws.pick(client.contacts)
    history.activities.rows.append(
        (
            history.next_id(history.activities, "A"), kind, direction,
            draws.pick(_SUBJECTS[kind]), client.town.name if kind == "visit" else None,
            instant(day, start // 2, start % 2 * 30), instant(day, end // 60, end % 60), "false",
            status, outcome, client.rep.id, client.id, contact.id,
            "true" if kind == "visit" else "false", "Europe/Berlin",
        )
    )  # fmt: skip


def _contacts(history: History, draws: Draws, client: Client, days: list[date]) -> None:
    for kind, monthly in (("call", 0.7), ("email", 0.9)):
        for _ in range(draws.count(monthly) if days else 0):
            _activity(history, draws, client, kind, draws.pick(days), "done")


def _orders(
    history: History,
    draws: Draws,
    client: Client,
    days: list[date],
    wanted: float,
    favourites: list[Product],
) -> None:
    for _ in range(draws.count(wanted) if days else 0):
        at = instant(draws.pick(days), draws.whole(8, 16), draws.whole(0, 59))
        order_id = history.next_id(history.orders, "O")
        lines = _lines(draws, client, favourites)
        total = round(sum(amount for _, _, amount in lines), 2)
        history.orders.rows.append((order_id, client.id, at, total, "EUR", "delivered"))
        for product, quantity, amount in lines:
            line_id = history.next_id(history.lines, "L")
            row = (line_id, order_id, client.id, product.id, at, quantity, amount)
            history.lines.rows.append(row)


def _lines(
    draws: Draws, client: Client, favourites: list[Product]
) -> list[tuple[Product, int, float]]:
    scale = {"A": 6, "B": 3, "C": 1}[client.grade]
    chosen = [draws.pick(favourites) if draws.chance(0.7) else draws.pick(PRODUCTS)]
    # Planted: who buys a pump mostly buys seals with it.
    if chosen[0].family == "Pumps" and draws.chance(0.6):
        chosen.append(draws.pick([item for item in PRODUCTS if item.family == "Seals"]))
    lines = []
    for product in chosen:
        quantity = draws.whole(1, 4 * scale)
        amount = round(quantity * product.price * draws.about(0.95, 0.05), 2)
        lines.append((product, quantity, amount))
    return lines
