"""The demo's reps, customers, contacts and consents."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

from crmbridge.testing.demo_data.shape import Cell, Draws, Table, instant, workday
from crmbridge.testing.demo_data.towns import TOWNS, Town

CUSTOMERS = 600

_REPS = (
    ("Ann Berger", "Hamburg"), ("Ben Carstens", "Bremen"), ("Clara Dietz", "Hannover"),
    ("David Engel", "Berlin"), ("Eva Fuchs", "Leipzig"), ("Felix Graf", "Dortmund"),
    ("Gina Hahn", "Köln"), ("Hugo Ihle", "Frankfurt"), ("Ina Jung", "Stuttgart"),
    ("Jan Kern", "Nürnberg"), ("Kim Lang", "München"), ("Leo Marx", "Erfurt"),
)  # fmt: skip
_FIRST = (
    "Anna", "Bernd", "Carla", "Dirk", "Elif", "Frank", "Greta", "Hans", "Ingrid", "Jonas", "Katrin",
    "Lars", "Maria", "Nils", "Olga", "Peter", "Ruth", "Sven", "Tanja", "Uwe", "Vera", "Yusuf",
)  # fmt: skip
_LAST = (
    "Albrecht", "Bauer", "Conrad", "Dietrich", "Ernst", "Fischer", "Günther", "Hoffmann", "Jansen",
    "Keller", "Lehmann", "Möller", "Neumann", "Otto", "Peters", "Richter", "Schäfer", "Thomas",
    "Ullrich", "Vogt", "Weber", "Yılmaz", "Zimmermann",
)  # fmt: skip
_ROLES = ("Purchasing", "Production", "Maintenance", "Management")
_STREETS = ("Hauptstraße", "Bahnhofstraße", "Industrieweg", "Gartenstraße", "Am Hafen", "Lindenweg")
SEGMENTS = ("Water", "Food", "Chemicals", "Machinery", "Energy")
_TRADES = {
    "Water": ("Wasserwerk", "Klärtechnik"),
    "Food": ("Molkerei", "Brauerei", "Bäckerei"),
    "Chemicals": ("Farben", "Labor"),
    "Machinery": ("Maschinenbau", "Metallbau"),
    "Energy": ("Stadtwerke", "Biogas"),
}
_FORMS = ("GmbH", "GmbH & Co. KG", "AG", "e. K.")
TRENDS = ("steady", "growing", "cooling", "seasonal", "lapsed", "new")
_TREND_WEIGHTS = (40, 18, 16, 14, 7, 5)
INTERVALS = {"A": 14, "B": 28, "C": 56}
_MINUTES = {"A": 60, "B": 45, "C": 30}
_REVENUE = {"A": 400_000.0, "B": 120_000.0, "C": 30_000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A rep or a contact."""

    id: str
    name: str
    email: str
    town: Town | None = None
    customer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A customer, with what only the generator knows.

    Args:
        trend: how its orders develop, one of `TRENDS`; planted for the engine to find.
        size: orders in a usual month.
    """

    id: str
    name: str
    rep: Person
    town: Town
    grade: str
    segment: str
    trend: str
    size: float
    contacts: tuple[Person, ...]
    row: tuple[Cell, ...]


REP_COLUMNS = ("id", "name", "email", "active", "zone", "home_latitude", "home_longitude", "region",
               "team")  # fmt: skip
CUSTOMER_COLUMNS = (
    "id", "name", "number", "kind", "owner_id", "class", "status", "street", "postcode", "city",
    "region", "country", "latitude", "longitude", "geo_quality", "zone", "opening", "blocked",
    "visit_interval_days", "visit_minutes", "revenue", "employees", "industry", "segment", "email",
    "phone",
)  # fmt: skip
CONTACT_COLUMNS = ("id", "customer_id", "first_name", "last_name", "email", "phone", "role",
                   "email_valid", "owner_id")  # fmt: skip
CONSENT_COLUMNS = ("id", "customer_id", "contact_id", "address", "channel", "state", "source",
                   "stated_at")  # fmt: skip


def make_reps() -> list[Person]:
    """Twelve reps, each at home in a large town."""
    towns = {town.name: town for town in TOWNS}
    return [
        Person(
            id=f"R{number:02}",
            name=name,
            email=f"{name.split()[0].lower()}@example.com",
            town=towns[home],
        )
        for number, (name, home) in enumerate(_REPS, start=1)
    ]


def reps_table(reps: list[Person]) -> Table:
    """The reps' records; the first and the seventh lead a team."""
    table = Table(name="reps", header=REP_COLUMNS)
    for at, rep in enumerate(reps):
        home = rep.town or TOWNS[0]
        team = "North" if at < 6 else "South"
        place = (home.latitude, home.longitude, home.region)
        table.rows.append((rep.id, rep.name, rep.email, "true", "Europe/Berlin", *place, team))
    return table


def nearest(reps: list[Person], town: Town) -> Person:
    """The rep who lives nearest; a degree of longitude is about 0.63 of one of latitude here."""

    def squared(rep: Person) -> float:
        home = rep.town or town
        east = (home.longitude - town.longitude) * 0.63
        return (home.latitude - town.latitude) ** 2 + east**2

    return min(reps, key=lambda rep: (squared(rep), rep.id))


def make_clients(seed: int, reps: list[Person], end: date) -> list[Client]:
    """The customers, in order of id."""
    draws = Draws(seed, "customers")
    return [_client(draws, number, reps, end) for number in range(1, CUSTOMERS + 1)]


def _client(draws: Draws, number: int, reps: list[Person], end: date) -> Client:
    town = draws.weighted(TOWNS, [town.weight for town in TOWNS])
    rep = nearest(reps, town)
    grade = draws.weighted("ABC", (15, 35, 50))
    segment = draws.pick(SEGMENTS)
    id_ = f"C{number:04}"
    name = f"{draws.pick(_TRADES[segment])} {draws.pick(_LAST)} {draws.pick(_FORMS)}"
    contacts = tuple(_contact(draws, id_, at) for at in range(1, 2 + draws.chance(0.4)))
    trend = draws.weighted(TRENDS, _TREND_WEIGHTS)
    revenue = round(draws.about(_REVENUE[grade], _REVENUE[grade] * 0.6), 2)
    place = _place(draws, town, number)
    employees = int(revenue / 9_000) + draws.whole(1, 12)
    status = "lapsed" if trend == "lapsed" else "active"
    row = (
        id_, name, f"1{number:05}", "org", rep.id, grade, status,
        f"{draws.pick(_STREETS)} {draws.whole(1, 140)}", town.postcode, town.name, town.region,
        "DE", *place, "Europe/Berlin", _opening(draws), _blocked(draws, end),
        INTERVALS[grade] if draws.chance(0.9) else None, _MINUTES[grade], revenue, employees,
        name.split(maxsplit=1)[0], segment, f"info@{id_.lower()}.example", f"+49 30 55{number:05}",
    )  # fmt: skip
    return Client(
        id=id_, name=name, rep=rep, town=town, grade=grade, segment=segment, trend=trend,
        size=draws.about({"A": 2.2, "B": 1.1, "C": 0.5}[grade], 0.3), contacts=contacts, row=row,
    )  # fmt: skip


def _place(draws: Draws, town: Town, number: int) -> tuple[Cell, Cell, Cell]:
    latitude = round(town.latitude + draws.about(0, 0.04), 4)
    longitude = round(town.longitude + draws.about(0, 0.06), 4)
    if number % 150 == 149:  # a few have no place: the plan must say so, not guess
        return None, None, "none"
    return latitude, longitude, "exact" if draws.chance(0.8) else "street"


def _opening(draws: Draws) -> str | None:
    day = [["08:00", "17:00"]]
    split = [["08:00", "12:00"], ["13:00", "17:00"]]
    hours = draws.weighted((None, day, split, [["09:00", "15:00"]]), (40, 30, 20, 10))
    if hours is None:
        return None
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours)
    odd = draws.weighted(("", "mon", "wed"), (70, 10, 20))
    if odd == "mon":
        week["mon"] = []
    elif odd == "wed":
        week["wed"] = [["08:00", "12:00"]]
    return json.dumps(week, separators=(",", ":"))


def _blocked(draws: Draws, end: date) -> str | None:
    if not draws.chance(0.06):
        return None
    first = end + timedelta(days=draws.whole(1, 20))
    days = [[first.isoformat(), (first + timedelta(days=draws.whole(2, 14))).isoformat()]]
    return json.dumps(days, separators=(",", ":"))


def _contact(draws: Draws, customer_id: str, at: int) -> Person:
    name = f"{draws.pick(_FIRST)} {draws.pick(_LAST)}"
    email = f"{name.split(maxsplit=1)[0].lower()}{at}@{customer_id.lower()}.example"
    return Person(id=f"P{customer_id[1:]}{at}", name=name, email=email, customer_id=customer_id)


def customers_table(clients: list[Client]) -> Table:
    """The customers' records."""
    return Table(name="customers", header=CUSTOMER_COLUMNS, rows=[client.row for client in clients])


def contacts_table(seed: int, clients: list[Client]) -> Table:
    """The contacts' records; two in a hundred mail addresses bounce."""
    draws = Draws(seed, "contacts")
    table = Table(name="contacts", header=CONTACT_COLUMNS)
    for client in clients:
        for contact in client.contacts:
            first, last = contact.name.split()
            valid = "false" if draws.chance(0.02) else "true"
            phone = f"+49 170 {draws.whole(1000000, 9999999)}"
            role = draws.pick(_ROLES)
            row = (contact.id, client.id, first, last, contact.email, phone, role, valid)
            table.rows.append((*row, client.rep.id))
    return table


def consents_table(seed: int, clients: list[Client], start: date, end: date) -> Table:
    """Facts on consent: most said yes to mails, some opted out of mails, calls or visits."""
    draws = Draws(seed, "consents")
    table = Table(name="consents", header=CONSENT_COLUMNS)
    for client in clients:
        for contact in client.contacts:
            day = workday(start + timedelta(days=draws.whole(0, (end - start).days - 7)))
            said = draws.weighted(("granted", "denied", ""), (78, 8, 14))
            if said:
                about = (client.id, contact.id, contact.email, "email", said, "web form")
                table.rows.append((f"N{contact.id[1:]}", *about, instant(day, 9)))
        for channel, share in (("visit", 0.02), ("call", 0.04)):
            if draws.chance(share):
                told = (client.id, None, None, channel, "denied", "told the rep")
                table.rows.append((f"N{client.id[1:]}{channel[0]}", *told, instant(end, 8)))
    return table
