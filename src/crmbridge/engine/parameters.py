"""What can be set in the engine, each value with its meaning and range."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from crmbridge.errors import ConfigError

WORDS: Mapping[str, float] = {
    "none": 0.0,
    "no": 0.0,
    "very low": 0.1,
    "very weak": 0.1,
    "very poor": 0.1,
    "bad": 0.2,
    "low": 0.25,
    "weak": 0.25,
    "poor": 0.25,
    "cold": 0.25,
    "declining": 0.25,
    "shrinking": 0.25,
    "medium": 0.5,
    "average": 0.5,
    "neutral": 0.5,
    "stable": 0.5,
    "fair": 0.5,
    "warm": 0.5,
    "good": 0.75,
    "high": 0.75,
    "strong": 0.75,
    "growing": 0.75,
    "hot": 0.9,
    "very good": 0.9,
    "very high": 0.9,
    "very strong": 0.9,
    "booming": 0.9,
    "excellent": 1.0,
    "yes": 1.0,
}
"""What a word in a need, situation or feature column counts as, in [0, 1]."""

Curve = tuple[tuple[float, float], ...]
"""(x, y) points, x growing; linear between them, flat outside."""


def within(where: str, value: float, low: float, high: float) -> None:
    """Refuse a setting outside [low, high]; NaN is outside.

    Raises:
        ConfigError: it is outside.
    """
    if not low <= value <= high:
        raise ConfigError(where, f"a number from {low:g} to {high:g}", f"{value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWeights:
    """How much each part of a score counts: exponents of a weighted geometric mean, 0 to 10.

    0 leaves a part out. With equal weights the order of customers is that of the plain product
    need x market x product fit x urgency, and x chance where one was learned.
    """

    need: float = 1.0
    market: float = 1.0
    product: float = 1.0
    urgency: float = 1.0
    chance: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in self.__slots__:
            within(f"engine.score.weights.{name}", getattr(self, name), 0, 10)
        # The chance is a part only where one was learned: alone it could leave a score of nothing.
        if not any((self.need, self.market, self.product, self.urgency)):
            raise ConfigError("engine.score.weights", "one weight above 0", "all 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreParameters:
    """How visits are scored.

    Args:
        neutral: what a missing part counts as, and the score of a customer about whom nothing
            is known; above 0, below 1. It is a constant, not the population's mean, so that a
            customer's reasons change only when the customer changes.
        words: what a word counts as, in [0, 1]; compared in lower case.
        scales: the value that counts as 1 in a column (`need`, `situation`, `feature`); where
            absent, the least of 1, 5, 10 and 100 that no value exceeds.
        market: market part by segment or region, in [0, 1]; lower-case keys.
        fit: product fit by industry or segment, in [0, 1]; lower-case keys.
        need_deal: need of a customer with an open deal and nothing stronger, in [0, 1].
        need_none: need where needs are kept and the customer has no open one, in [0, 1].
        need_case: need of a customer with an open service case and nothing stronger, in [0, 1].
        unhappy: satisfaction given over expected -> need, as a curve, below its last x only.
        falling: orders against the year before -> need, as a curve.
        overdue: days since the last order over the customer's usual gap -> need, as a curve.
        urgency: days since the last visit over the visit interval -> urgency, as a curve.
        urgency_never: urgency of a customer never visited, where visits are kept, in [0, 1].
        intervals: days between visits by customer class, >= 1, where the customer has none.
        high: least score of the tier "high"; an absolute cut-off, never a quantile.
        medium: least score of the tier "medium"; not above `high`.
    """

    weights: PartWeights = field(default_factory=PartWeights)
    neutral: float = 0.5
    words: Mapping[str, float] = field(default_factory=lambda: dict(WORDS))
    scales: Mapping[str, float] = field(default_factory=dict)
    market: Mapping[str, float] = field(default_factory=dict)
    fit: Mapping[str, float] = field(default_factory=dict)
    need_deal: float = 0.7
    need_none: float = 0.3
    need_case: float = 0.75
    unhappy: Curve = ((0.5, 0.9), (0.8, 0.7), (1.0, 0.5))
    falling: Curve = ((0.0, 0.9), (0.5, 0.75), (0.9, 0.5))
    overdue: Curve = ((1.2, 0.5), (2.0, 0.7), (3.0, 0.85))
    urgency: Curve = ((0.0, 0.05), (0.5, 0.2), (1.0, 0.5), (1.5, 0.8), (2.0, 1.0))
    urgency_never: float = 0.7
    intervals: Mapping[str, int] = field(default_factory=lambda: {"A": 14, "B": 30, "C": 60})
    high: float = 0.6
    medium: float = 0.4

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.score.neutral", self.neutral, 0.01, 0.99)
        for name in ("need_deal", "need_none", "need_case", "urgency_never", "high"):
            within(f"engine.score.{name}", getattr(self, name), 0, 1)
        within("engine.score.medium", self.medium, 0, self.high)
        for name in ("words", "market", "fit"):
            for key, value in getattr(self, name).items():
                within(f"engine.score.{name}.{key}", value, 0, 1)
        for key, value in self.scales.items():
            within(f"engine.score.scales.{key}", value, 1e-9, 1e12)
        for key, days in self.intervals.items():
            within(f"engine.score.intervals.{key}", days, 1, 3650)
        for name in ("unhappy", "falling", "overdue", "urgency"):
            check_curve(f"engine.score.{name}", getattr(self, name))


def check_curve(where: str, points: Curve) -> None:
    """Refuse a curve that is empty, runs back in x or leaves [0, 1] in y.

    Raises:
        ConfigError: it does.
    """
    xs = [x for x, _ in points]
    if not points or xs != sorted(set(xs)):
        raise ConfigError(where, "points with growing x", f"{points}")
    for _, y in points:
        within(where, y, 0, 1)


class Scale(Enum):
    """How columns are made comparable before clustering."""

    LOG = "log"
    "log(1 + x) where no value is negative, then mean 0 and deviation 1; for amounts and counts."
    STANDARD = "standard"
    "Mean 0 and deviation 1 only; for ages, incomes, ratings."


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentParameters:
    """How customers are segmented.

    Args:
        columns: what they are compared by; none for the rules on recency, number and amount.
        segments: number of segments asked for, 2 to 50; none lets the data admit one.
        largest: most segments tried when none is asked for, 2 to 20.
        stability: least mean adjusted Rand index over bootstraps that admits a number, 0 to 1.
        smallest_share: least share of customers in the smallest segment that admits it, 0 to 0.5.
        bootstraps: samples drawn for the stability, 2 to 200.
        hysteresis: how much nearer another segment must be before a customer moves, 0 to 0.5.
        min_dwell_days: days a customer stays in a segment at least, >= 0.
        orders: known orders of words, lowest first, by column; they become 0, 1, 2, ...
    """

    columns: tuple[str, ...] = ()
    scale: Scale = Scale.LOG
    segments: int | None = None
    largest: int = 8
    stability: float = 0.8
    smallest_share: float = 0.05
    bootstraps: int = 20
    hysteresis: float = 0.1
    min_dwell_days: int = 14
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.segments is not None:
            within("engine.segments.segments", self.segments, 2, 50)
        within("engine.segments.largest", self.largest, 2, 20)
        within("engine.segments.stability", self.stability, 0, 1)
        within("engine.segments.smallest_share", self.smallest_share, 0, 0.5)
        within("engine.segments.bootstraps", self.bootstraps, 2, 200)
        within("engine.segments.hysteresis", self.hysteresis, 0, 0.5)
        within("engine.segments.min_dwell_days", self.min_dwell_days, 0, 3650)
