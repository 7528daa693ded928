"""The demo's coming fortnight: fixed appointments, absences, and one rep's busy calendar."""

from datetime import UTC, date, datetime, time, timedelta

from crmbridge.testing.demo_data.history import History
from crmbridge.testing.demo_data.people import Client, Person
from crmbridge.testing.demo_data.shape import ZONE, Cell, Draws, instant, workday

BUSY_FILE = "ann.ics"
"""Times at which the first rep is busy, in a calendar of her own."""

HORIZON_DAYS = 14


def add_agenda(
    seed: int, history: History, clients: list[Client], reps: list[Person], end: date
) -> None:
    """Add each rep's appointments and absences of the fortnight from `end` on."""
    for rep in reps:
        draws = Draws(seed, f"agenda of {rep.id}")
        own = [client for client in clients if client.rep.id == rep.id]
        away = workday(end + timedelta(days=draws.whole(0, HORIZON_DAYS - 5)))
        is_away = draws.chance(0.4)
        if is_away:
            _absence(history, rep, away, days=draws.whole(1, 2))
        days = [workday(end + timedelta(days=draws.whole(0, 11))) for _ in range(3)]
        for at, day in enumerate(sorted(set(days))):
            if not is_away or not away <= day <= away + timedelta(days=2):
                _appointment(history, draws, rep, draws.pick(own) if own and at else None, day)


def _appointment(
    history: History, draws: Draws, rep: Person, client: Client | None, day: date
) -> None:
    hour = draws.whole(9, 14)
    kind, subject = ("visit", "Agreed with the customer") if client else ("meeting", "Team talk")
    place = client.town.name if client else None
    who = (client.id, client.contacts[0].id) if client else (None, None)
    times = (instant(day, hour), instant(day, hour + 1), "false")
    _add(history, kind, subject, place, times, rep, who)


def _absence(history: History, rep: Person, first: date, days: int) -> None:
    # Whole days are midnights of UTC, the later one excluded, as calendars have it.
    times = (_midnight(first), _midnight(first + timedelta(days=days)), "true")
    _add(history, "absence", "Holiday", None, times, rep, (None, None))


def _add(
    history: History,
    kind: str,
    subject: str,
    place: str | None,
    times: tuple[str, str, str],
    rep: Person,
    who: tuple[str | None, str | None],
) -> None:
    id_ = history.next_id(history.activities, "A")
    row: tuple[Cell, ...] = (
        id_, kind, "na", subject, place, *times, "planned", None, rep.id, *who, "true",
        "Europe/Berlin",
    )  # fmt: skip
    history.activities.rows.append(row)


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def busy_calendar(seed: int, end: date) -> str:
    """Ann's private appointments of the fortnight as an iCalendar file."""
    draws = Draws(seed, "busy")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//crmbridge//demo//EN"]
    for number in range(1, 5):
        day = workday(end + timedelta(days=3 * number - draws.whole(0, 1)))
        hour = draws.whole(8, 15)
        lines += [
            "BEGIN:VEVENT",
            f"UID:busy-{number}@example.com",
            f"DTSTAMP:{_stamp(end, 0)}",
            f"DTSTART:{_stamp(day, hour)}",
            f"DTEND:{_stamp(day, hour + 2)}",
            "SUMMARY:Private",
            "TRANSP:OPAQUE",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _stamp(day: date, hour: int) -> str:
    local = datetime.combine(day, time(hour), ZONE)
    return local.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
