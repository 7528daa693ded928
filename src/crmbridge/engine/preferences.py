"""What each customer responds to: which channel, weekday and hour, and which kinds of product."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.parameters import within
from crmbridge.records import Finding

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ASPECTS = ("channel", "weekday", "hour")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceParameters:
    """How preferences are read from what happened.

    Args:
        zone: IANA name; hours are told in it where an activity names no zone of its own.
        strength: tries that everybody's rate is worth, 0.1 to 1,000: few tries prove little.
        least_responses: responses of a customer from which on it has preferences, 1 to 100.
        products: kinds of product named for each customer, 1 to 10.
    """

    zone: str = "UTC"
    strength: float = 5.0
    least_responses: int = 3
    products: int = 2

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.preferences.strength", self.strength, 0.1, 1000)
        within("engine.preferences.least_responses", self.least_responses, 1, 100)
        within("engine.preferences.products", self.products, 1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What customers respond to.

    Args:
        frame: by customer id, in order: `tries`, `responses`, `channel`, `weekday` (0 is Monday;
            -1 not known), `hour` (0 to 23, local; -1 not known), `products` (commonest first, by
            commas), `sentence`.
        channel, weekday, hour: everybody's best, for customers of whom too little is known.
    """

    frame: pd.DataFrame
    channel: str
    weekday: int
    hour: int
    findings: tuple[Finding, ...] = ()


def preferences_of(
    activities: pd.DataFrame,
    lines: pd.DataFrame,
    parameters: PreferenceParameters,
    now: datetime,
) -> Preferences:
    """Reduce activities and order lines to preferences; nothing from `now` on counts.

    A customer responded where it began the contact itself, accepted what was proposed, or the
    column `responded` says so. The best channel, weekday and hour are those with the highest
    rate of responses, drawn to everybody's rate (the mean of a beta posterior), so that one
    lucky call on a Sunday is no preference.

    Args:
        activities: `customer_id`, `kind`, `start_at` in milliseconds, and where known `status`,
            `direction`, `reply`, `responded`, `zone`; planned and cancelled ones do not count.
        lines: order lines with `customer_id` and `family`.
    """
    tried = _tried(activities, parameters, now)
    bought = _products(lines, parameters.products)
    best = {aspect: _best(tried, aspect, parameters.strength) for aspect in _ASPECTS}
    everybody = {aspect: _first(_rates(tried, aspect)) for aspect in _ASPECTS}
    groups = tried.groupby("customer")["came"]
    tries, came = (
        {str(key): int(number) for key, number in each.items()}
        for each in (groups.size(), groups.sum())
    )
    ids = sorted({*tries, *bought})
    rows = []
    for key in ids:
        own = {aspect: best[aspect].get(key, "") for aspect in _ASPECTS}
        is_known = came.get(key, 0) >= parameters.least_responses
        told = own if is_known else dict.fromkeys(_ASPECTS, "")
        rows.append(_row(tries.get(key, 0), came.get(key, 0), told, bought.get(key, [])))
    columns = ["tries", "responses", "channel", "weekday", "hour", "products", "sentence"]
    frame = pd.DataFrame(rows, columns=columns, index=pd.Index(ids, dtype=object))
    return Preferences(
        frame=frame,
        channel=everybody["channel"],
        weekday=_number(everybody["weekday"]),
        hour=_number(everybody["hour"]),
        findings=_findings(frame, parameters),
    )


def _tried(
    activities: pd.DataFrame, parameters: PreferenceParameters, now: datetime
) -> pd.DataFrame:
    at = numbers(activities, "start_at")
    frame = pd.DataFrame(
        {
            "customer": pd.Series(texts(activities, "customer_id"), dtype=object),
            "channel": pd.Series(texts(activities, "kind"), dtype=object),
            "at": at,
            "came": _came(activities),
            "zone": pd.Series(texts(activities, "zone"), dtype=object),
        }
    )
    status = np.array(texts(activities, "status"), dtype=object)
    counts = (frame["customer"] != "") & (at < now.timestamp() * 1000)
    frame = frame[counts.to_numpy() & ~np.isin(status, ["planned", "cancelled"])]
    days, hours = _local(frame, parameters.zone)
    return frame.assign(weekday=days, hour=hours)


def _came(activities: pd.DataFrame) -> Numbers:
    said = numbers(activities, "responded")
    began = np.array(texts(activities, "direction"), dtype=object) == "in"
    accepted = np.array(texts(activities, "reply"), dtype=object) == "accepted"
    return np.where(np.isnan(said), began | accepted, said > 0).astype(np.float64)


def _local(frame: pd.DataFrame, default: str) -> tuple[list[str], list[str]]:
    """Weekday and hour of each row where it took place, as texts."""
    days, hours = np.full(len(frame), "", object), np.full(len(frame), "", object)
    zones = np.array([zone or default for zone in frame["zone"]], dtype=object)
    for zone in sorted(set(zones)):
        mine = zones == zone
        at = pd.to_datetime(frame["at"][mine], unit="ms", utc=True)
        local = at.dt.tz_convert(_zone(zone, default))
        days[mine] = local.dt.day_of_week.astype(str)
        hours[mine] = local.dt.hour.astype(str)
    return days.tolist(), hours.tolist()


def _zone(name: str, default: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(default)


def _rates(tried: pd.DataFrame, aspect: str) -> "pd.Series[float]":
    """Everybody's rate by value, smoothed to the overall rate."""
    known = tried[tried[aspect] != ""]
    sums = known.groupby(aspect)["came"].agg(["sum", "size"])
    overall = float(known["came"].mean()) if len(known) else 0.0
    return (sums["sum"] + 20 * overall) / (sums["size"] + 20)


def _best(tried: pd.DataFrame, aspect: str, strength: float) -> dict[str, str]:
    """The value each customer responds to most readily; ties go to the first in order."""
    known = tried[tried[aspect] != ""]
    sums = known.groupby(["customer", aspect])["came"].agg(["sum", "size"]).reset_index()
    prior = sums[aspect].map(_rates(tried, aspect))
    sums["rate"] = (sums["sum"] + strength * prior) / (sums["size"] + strength)
    ranked = sums.sort_values(
        ["customer", "rate", "sum", aspect], ascending=[True, False, False, True], kind="stable"
    )
    first = ranked.drop_duplicates("customer")
    return dict(zip(first["customer"], first[aspect], strict=True))


def _first(rates: "pd.Series[float]") -> str:
    return str(rates.idxmax()) if len(rates) and rates.max() > 0 else ""


def _products(lines: pd.DataFrame, count: int) -> dict[str, list[str]]:
    frame = pd.DataFrame({"customer": texts(lines, "customer_id"), "kind": texts(lines, "family")})
    frame = frame[(frame["customer"] != "") & (frame["kind"] != "")]
    sizes = frame.value_counts(sort=False).rename("lines").reset_index()
    ranked = sizes.sort_values(["customer", "lines", "kind"], ascending=[True, False, True])
    heads = ranked.groupby("customer", sort=True).head(count)
    return {str(key): list(group["kind"]) for key, group in heads.groupby("customer")}


def _row(tries: int, came: int, told: dict[str, str], products: list[str]) -> tuple[object, ...]:
    weekday, hour = _number(told["weekday"]), _number(told["hour"])
    parts = []
    if told["channel"]:
        when = f" on {WEEKDAYS[weekday]} about {hour}:00" if weekday >= 0 else ""
        parts.append(f"Responds best to a {told['channel']}{when} ({came} of {tries})")
    elif tries:
        parts.append(f"{came} responses to {tries} contacts: too few to know what works")
    if products:
        parts.append(f"buys {' and '.join(products)}")
    return tries, came, told["channel"], weekday, hour, ", ".join(products), "; ".join(parts)


def _number(text: str) -> int:
    return int(text) if text else -1


def _findings(frame: pd.DataFrame, parameters: PreferenceParameters) -> tuple[Finding, ...]:
    if frame.empty:
        sentence = "No contacts and no orders on record, so there are no preferences"
        return (Finding(code="preferences.empty", count=0, example=sentence),)
    count = int((frame["responses"] < parameters.least_responses).sum())
    if not count:
        return ()
    least = parameters.least_responses
    sentence = f"{count} of {len(frame)} customers responded fewer than {least} times"
    return (Finding(code="preferences.few", count=count, example=sentence),)
