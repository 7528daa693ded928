"""The parts of a visit's score: each a value in [0, 1] and the sentence that explains it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers, texts, unit_column
from crmbridge.engine.parameters import Curve, ScoreParameters
from crmbridge.engine.trend import amount_before, amount_lately, usual_gap_days

DAY_MILLIS = 86_400_000
STRONG, SLIGHT = 2 / 3, 1 / 3
"""Bounds of the words for a share: strong, good and well from the one, slight and weak below the
other. A word stays the same while the number behind it drifts from day to day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part for all customers.

    Args:
        values: in [0, 1]; NaN where nothing is known.
        codes: the kind of reason, one per customer, such as `need.open`.
        sentences: the reason in plain words, one per customer.
    """

    name: str
    values: Numbers
    codes: list[str]
    sentences: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """How a part that was looked up is said.

    Args:
        unknown: where nothing is known.
        sentence: of (column, its value, the part's value); the first two are empty where the
            source says the value itself.
    """

    unknown: str
    sentence: Callable[[str, str, float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When customers were last visited and how often they should be.

    Args:
        since: days since the last visit, with fractions; NaN where not known.
        interval: days between visits; NaN where not known.
    """

    since: Numbers
    interval: Numbers


def need_part(
    customers: pd.DataFrame, features: pd.DataFrame, parameters: ScoreParameters, now: datetime
) -> Part:
    """How much a customer needs us: the strongest sign counts.

    Signs are the source's own need column, the strongest open need, an open service case, an open
    deal, satisfaction below what was expected, orders that fell against the year before, and an
    order overdue by the customer's usual gap. Where needs
    are kept at all, a customer without a sign has `need_none`; where none are kept, the part is
    missing.
    """
    signs = _need_signs(customers, features, parameters, now)
    values = np.full(len(customers), np.nan)
    codes = ["need.unknown"] * len(customers)
    sentences = ["Need not known, counted as average"] * len(customers)
    for code, strength, spoken in signs:
        for row in np.flatnonzero(~np.isnan(strength)):
            if np.isnan(values[row]) or strength[row] > values[row]:
                values[row], codes[row], sentences[row] = strength[row], code, spoken[row]
    return Part(name="need", values=values, codes=codes, sentences=sentences)


def _need_signs(
    customers: pd.DataFrame, features: pd.DataFrame, parameters: ScoreParameters, now: datetime
) -> list[tuple[str, Numbers, list[str]]]:
    said = unit_column(customers, "need", parameters.scales.get("need"), parameters.words)
    opened = _open_need(features)
    names = texts(features, "need_name")
    deals = numbers(features, "open_deals")
    deal = np.where(deals > 0, parameters.need_deal, np.nan)
    cases = numbers(features, "open_cases")
    case = np.where(cases > 0, parameters.need_case, np.nan)
    given, below = _satisfied(features), parameters.unhappy
    unhappy = np.where(given < below[-1][0], _curve(given, below), np.nan)
    share, (late, waiting) = _share_of_last_year(features), _overdue(features, now)
    fell = np.where(share < parameters.falling[-1][0], _curve(share, parameters.falling), np.nan)
    due = np.where(late > parameters.overdue[0][0], _curve(late, parameters.overdue), np.nan)
    kept = bool((numbers(features, "open_needs") > 0).any() or (deals > 0).any())
    none = np.where(kept & np.isnan(said), parameters.need_none, np.nan)
    return [
        ("need.said", said, [f"Need on record: {_hundredths(value)}" for value in said]),
        ("need.open", opened, [_need_sentence(*pair) for pair in zip(names, opened, strict=True)]),
        ("need.deal", deal, [f"{_count(count, 'open deal')}" for count in deals]),
        ("need.case", case, [f"{_count(count, 'open service case')}" for count in cases]),
        (
            "need.unhappy",
            unhappy,
            [f"Satisfied to {_percent(x)} of what it expected" for x in given],
        ),
        ("need.falling", fell, [f"Orders at {_percent(x)} of the year before" for x in share]),
        ("need.overdue", due, waiting),
        ("need.none", none, ["No open need on record"] * len(customers)),
    ]


def _open_need(features: pd.DataFrame) -> Numbers:
    strength = np.clip(numbers(features, "need_strength_max"), 0, 1)
    is_open = numbers(features, "open_needs") > 0
    # A need of unknown strength still is one: it counts as slightly more than average.
    return np.where(is_open, np.where(np.isnan(strength), 0.6, strength), np.nan)


def _need_sentence(name: str, strength: float) -> str:
    how = "strong" if strength >= STRONG else "slight" if strength < SLIGHT else "medium"
    return f"Open need: {name} ({how})" if name else f"Open need ({how})"


def _share_of_last_year(features: pd.DataFrame) -> Numbers:
    before, lately = amount_before(features), amount_lately(features)
    return np.where(before > 0, lately / np.where(before > 0, before, 1), np.nan)


def _satisfied(features: pd.DataFrame) -> Numbers:
    """Satisfaction given over expected."""
    given = numbers(features, "feedback_actual_mean")
    expected = numbers(features, "feedback_expected_mean")
    return np.where(expected > 0, given / np.where(expected > 0, expected, 1), np.nan)


def _satisfied_sentence(share: float) -> str:
    return f"Satisfied to {_percent(share)} of what it expected"


def _overdue(features: pd.DataFrame, now: datetime) -> tuple[Numbers, list[str]]:
    gap, since = usual_gap_days(features), numbers(features, "last_order_days")
    spoken = [
        f"Last order on {_day(now, x)}, usually every {_count(y, 'day')}"
        for x, y in zip(since, gap, strict=True)
    ]
    return since / gap, spoken


def market_part(customers: pd.DataFrame, parameters: ScoreParameters) -> Part:
    """The market's situation: the customer's own column, else the table by segment or region."""
    own = unit_column(customers, "situation", parameters.scales.get("situation"), parameters.words)
    table = [("segment", "segment"), ("region", "region")]
    spoken = Spoken(unknown="Market not known, counted as average", sentence=_market_sentence)
    return _looked_up("market", spoken, own, customers, table, parameters.market)


def product_part(
    customers: pd.DataFrame, features: pd.DataFrame, parameters: ScoreParameters
) -> Part:
    """How well our products fit: own column, else what similar buyers bought, else the table."""
    scale = parameters.scales.get("feature")
    own = unit_column(customers, "feature", scale, parameters.words)
    table = [("industry", "industry"), ("segment", "segment")]
    spoken = Spoken(unknown="Product fit not known, counted as average", sentence=_fit_sentence)
    part = _looked_up("product", spoken, own, customers, table, parameters.fit)
    fits = np.clip(numbers(features, "product_fit"), 0, 1)
    offers = texts(features, "product_fit_name")
    for row in np.flatnonzero(np.isnan(own) & ~np.isnan(fits)):
        part.values[row], part.codes[row] = fits[row], "product.bought_together"
        part.sentences[row] = f"Similar customers also buy {offers[row] or 'more of our products'}"
    return part


def _market_sentence(column: str, key: str, value: float) -> str:
    how = "good" if value >= STRONG else "weak" if value < SLIGHT else "fair"
    whose = {"segment": f"The market for {key}", "region": f"The market in {key}"}
    return f"{whose.get(column, 'Its market')} is {how} ({_hundredths(value)})"


def _fit_sentence(column: str, key: str, value: float) -> str:
    how = "well" if value >= STRONG else "little" if value < SLIGHT else "fairly well"
    return f"Our products suit {key if column else 'it'} {how} ({_hundredths(value)})"


def chance_part(features: pd.DataFrame) -> Part:
    """The learned chance that a visit has an effect, against what is usual: p / (p + usual).

    0.5 is who says yes as often as all do, as with `affinity`'s fits; it does not depend on how
    rare a yes is.
    """
    chance, usual = numbers(features, "chance"), numbers(features, "chance_usual")
    whole = chance + usual
    values = np.where(whole > 0, chance / np.where(whole > 0, whole, 1), np.nan)
    unknown = "Chance of an order not known, counted as average"
    return Part(
        name="chance",
        values=values,
        codes=["chance.unknown" if np.isnan(x) else "chance.learned" for x in values],
        sentences=[
            unknown
            if np.isnan(value)
            else f"A visit leads to an order in {_tenths(p)}, usually in {_tenths(u)}"
            for value, p, u in zip(values, chance, usual, strict=True)
        ],
    )


def uplift_part(features: pd.DataFrame) -> Part:
    """What a visit adds to the chance of an order, against what it usually adds.

    u / (u + usual), as with `chance_part`; 0 for whom a visit moves not at all or away.
    """
    adds, usual = np.maximum(numbers(features, "uplift"), 0), numbers(features, "uplift_usual")
    whole = adds + usual
    values = np.where(whole > 0, adds / np.where(whole > 0, whole, 1), np.nan)
    return Part(
        name="chance",
        values=values,
        codes=["chance.unknown" if np.isnan(x) else "chance.moved" for x in values],
        sentences=[
            "What a visit adds is not known, counted as average"
            if np.isnan(value)
            else f"A visit adds an order in {_tenths(u)}, usually in {_tenths(usually)}"
            for value, u, usually in zip(values, adds, usual, strict=True)
        ],
    )


def _hundredths(share: float) -> str:
    return "?" if np.isnan(share) else f"{round(100 * share)} of 100"


def _tenths(share: float) -> str:
    # In tenths, so that the text does not change with every fit.
    return f"{round(10 * share)} of 10 cases"


def _looked_up(
    name: str,
    spoken: Spoken,
    own: Numbers,
    customers: pd.DataFrame,
    keys: list[tuple[str, str]],
    table: Mapping[str, float],
) -> Part:
    values = own.copy()
    codes = [f"{name}.said" if known else f"{name}.unknown" for known in ~np.isnan(own)]
    sentences = [spoken.unknown if np.isnan(x) else spoken.sentence("", "", x) for x in own]
    for column, word in keys:
        for row, key in enumerate(texts(customers, column)):
            if np.isnan(values[row]) and key.lower() in table:
                values[row], codes[row] = table[key.lower()], f"{name}.{word}"
                sentences[row] = spoken.sentence(word, key, values[row])
    return Part(name=name, values=values, codes=codes, sentences=sentences)


def rhythm(
    customers: pd.DataFrame, features: pd.DataFrame, parameters: ScoreParameters, now: datetime
) -> Rhythm:
    """Days since the last visit, the later of what the CRM says and what we counted."""
    counted = numbers(features, "last_visit_days")
    said = (now.timestamp() * 1000 - numbers(customers, "last_visit_at")) / DAY_MILLIS
    since = np.fmin(counted, said)
    own = numbers(customers, "visit_interval_days")
    by_class = [parameters.intervals.get(text, np.nan) for text in texts(customers, "class")]
    interval = np.where(own >= 1, own, by_class)
    return Rhythm(since=np.maximum(since, 0), interval=np.asarray(interval, dtype=np.float64))


def urgency_part(beat: Rhythm, parameters: ScoreParameters, now: datetime) -> Part:
    """How due a visit is; a customer never visited has `urgency_never` where visits are kept."""
    values = urgency_at(beat, 0, parameters)
    kept = bool((~np.isnan(beat.since)).any())
    never = np.isnan(beat.since)
    codes, sentences = [], []
    for since, interval in zip(beat.since, beat.interval, strict=True):
        code, sentence = _urgency_reason(_day(now, since), interval, kept=kept)
        codes.append(code)
        sentences.append(sentence)
    if kept:
        values = np.where(never, parameters.urgency_never, values)
    return Part(name="urgency", values=values, codes=codes, sentences=sentences)


def urgency_at(beat: Rhythm, days_ahead: int, parameters: ScoreParameters) -> Numbers:
    """Urgency some days from now; NaN where the last visit or the interval is not known."""
    return _curve(np.maximum(beat.since + days_ahead, 0) / beat.interval, parameters.urgency)


def _urgency_reason(day: str, interval: float, *, kept: bool) -> tuple[str, str]:
    if not day:
        sentence = "Never visited" if kept else "No visits on record, counted as average"
        return ("urgency.never" if kept else "urgency.unknown"), sentence
    # The day, not how long ago it is: the text stands in calendars and CRMs for weeks, and one
    # that changed each night would be written each night.
    seen = f"Last visit on {day}"
    if np.isnan(interval):
        return "urgency.no_interval", f"{seen}, no visit interval known, counted as average"
    return "urgency.interval", f"{seen}, due every {_count(interval, 'day')}"


def _day(now: datetime, days_ago: float) -> str:
    if np.isnan(days_ago):
        return ""
    return (now - timedelta(days=min(float(days_ago), 100_000.0))).date().isoformat()


def _curve(values: Numbers, points: Curve) -> Numbers:
    xs, ys = zip(*points, strict=True)
    result = np.interp(values, xs, ys)
    return np.where(np.isnan(values), np.nan, result)


def _count(number: float, noun: str) -> str:
    whole = 0 if np.isnan(number) else int(number)
    return f"{whole} {noun}{'' if whole == 1 else 's'}"


def _percent(share: float) -> str:
    # In steps of ten, so that the text does not change with every order.
    return "?" if np.isnan(share) else f"about {10 * round(10 * share)} %"
