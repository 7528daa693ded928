"""The demo's products, markets, needs, deals and feedback."""

from dataclasses import dataclass
from datetime import date, timedelta

from crmbridge.testing.demo_data.people import SEGMENTS, Client
from crmbridge.testing.demo_data.shape import Draws, Table, instant, months, workday

FAMILIES = {"Pumps": 900.0, "Valves": 180.0, "Filters": 60.0, "Seals": 25.0, "Sensors": 240.0,
            "Service": 400.0}  # fmt: skip
_MODELS = ("Basic", "Plus", "Pro", "Max")
_FIT = (0.4, 0.6, 0.8, 0.7)

ADVERTISING_EFFECT, PROMOTION_EFFECT, PRICE_EFFECT = 4.0, 1.5, -900.0
"""Planted: a market's sales per unit of advertising, promotion and price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product on offer."""

    id: str
    name: str
    family: str
    price: float
    fit: float


def _products() -> tuple[Product, ...]:
    return tuple(
        Product(
            id=f"{family[:3].upper()}-{model + 1}",
            name=f"{family[:-1] if family != 'Service' else family} {_MODELS[model]}",
            family=family,
            price=round(base * (1 + 0.4 * model), 2),
            fit=_FIT[model],
        )
        for family, base in FAMILIES.items()
        for model in range(len(_MODELS))
    )


PRODUCTS = _products()


def products_table() -> Table:
    """All products; the fit is the source's own estimate."""
    header = ("id", "name", "sku", "family", "active", "list_price", "feature")
    rows = [(p.id, p.name, p.id, p.family, "true", p.price, p.fit) for p in PRODUCTS]
    return Table(name="products", header=header, rows=list(rows))


def market_table(seed: int, start: date, end: date) -> Table:
    """Each market segment's situation, spending and sales by month."""
    draws = Draws(seed, "market")
    header = ("id", "key", "period_on", "situation", "price", "advertising", "promotion", "sales")
    table = Table(name="market_facts", header=header)
    for at, segment in enumerate(SEGMENTS):
        situation = 0.35 + 0.12 * at
        for month in months(start, end):
            situation = min(0.95, max(0.1, situation + draws.about(0.0, 0.04)))
            price = draws.between(9, 12)
            spent, promoted = draws.between(500, 5000), draws.between(200, 2000)
            sales = 60_000 * situation + PRICE_EFFECT * price + draws.about(0, 1500)
            sales += ADVERTISING_EFFECT * spent + PROMOTION_EFFECT * promoted
            row = (segment, month.isoformat(), round(situation, 3), round(price, 2))
            money = (round(spent, 2), round(promoted, 2), round(sales, 2))
            table.rows.append((f"M{len(table.rows) + 1:04}", *row, *money))
    return table


def needs_table(seed: int, clients: list[Client], end: date) -> Table:
    """What customers are known to need: some met, most open, each of one product family."""
    draws = Draws(seed, "needs")
    header = ("id", "customer_id", "product_id", "family", "strength", "due_on", "evidence",
              "source", "met")  # fmt: skip
    table = Table(name="needs", header=header)
    for client in clients:
        for _ in range(draws.count(0.9)):
            product = draws.pick(PRODUCTS)
            due = end + timedelta(days=draws.whole(-60, 90))
            source = draws.pick(("survey", "ticket", "opportunity", "order-gap"))
            met = "true" if draws.chance(0.45) else "false"
            strength = round(draws.between(0.2, 1.0), 2)
            row = (client.id, product.id, product.family, strength, due.isoformat())
            told = f"{product.family} asked for"
            table.rows.append((f"D{len(table.rows) + 1:04}", *row, told, source, met))
    return table


def deals_table(seed: int, clients: list[Client], start: date, end: date) -> Table:
    """Deals: open, won and lost; water and food win more often than the others."""
    draws = Draws(seed, "deals")
    header = ("id", "name", "customer_id", "owner_id", "product_id", "stage", "amount",
              "opened_on", "closed_on", "closed", "won")  # fmt: skip
    table = Table(name="deals", header=header)
    for client in clients:
        for _ in range(draws.count(0.8)):
            table.rows.append(_deal(draws, client, len(table.rows) + 1, (start, end)))
    return table


def _deal(
    draws: Draws, client: Client, number: int, period: tuple[date, date]
) -> tuple[str | float | None, ...]:
    start, end = period
    product = draws.pick(PRODUCTS)
    opened = workday(start + timedelta(days=draws.whole(0, (end - start).days - 1)))
    closed = workday(opened + timedelta(days=draws.whole(10, 120)))
    chance = 0.65 if client.segment in ("Water", "Food") else 0.4
    won, amount = draws.chance(chance), round(product.price * draws.whole(5, 60), 2)
    first = (f"E{number:04}", f"{product.name} for {client.name}", client.id, client.rep.id)
    if closed >= end:
        stage = draws.pick(("offer", "negotiation"))
        return (*first, product.id, stage, amount, opened.isoformat(), None, "false", "false")
    stage, is_won = ("won", "true") if won else ("lost", "false")
    days = (opened.isoformat(), closed.isoformat())
    return (*first, product.id, stage, amount, *days, "true", is_won)


def feedback_table(seed: int, clients: list[Client], start: date, end: date) -> Table:
    """What customers expected and got, 1 to 5; who cools got less than expected."""
    draws = Draws(seed, "feedback")
    header = ("id", "customer_id", "expected", "actual", "needs", "needs_met", "given_at")
    table = Table(name="feedback", header=header)
    for client in clients:
        for _ in range(draws.count(0.7)):
            expected = draws.whole(3, 5)
            shift = -1 if client.trend in ("cooling", "lapsed") else draws.whole(-1, 1)
            actual = min(5, max(1, expected + shift))
            asked = draws.whole(1, 4)
            day = workday(start + timedelta(days=draws.whole(0, (end - start).days - 4)))
            met = min(asked, draws.whole(0, 3) + (actual >= expected))
            row = (client.id, expected, actual, asked, met, instant(day, 10))
            table.rows.append((f"F{len(table.rows) + 1:04}", *row))
    return table
