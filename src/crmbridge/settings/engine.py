"""What the configuration says of scores, segments, value and where the work is done."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from crmbridge.settings.table import Count, Listed, NonEmpty, Share, Table, expected

Weight = Annotated[float, Field(ge=0, le=10)]


def _curve(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    xs = [x for x, _ in points]
    if not points or xs != sorted(set(xs)) or any(not 0 <= y <= 1 for _, y in points):
        raise expected("points [x, y], x growing and y from 0 to 1")
    return points


Point = Annotated[tuple[float, float], Field(strict=False)]
Curve = Annotated[tuple[Point, ...], Field(strict=False), AfterValidator(_curve)]


class ScoreWeights(Table):
    """How much each part of a score counts, 0 to 10; 0 leaves it out."""

    need: Weight = 1.0
    "How strong the customer's need is."
    market: Weight = 1.0
    "The situation of the customer's market."
    product: Weight = 1.0
    "How well the product fits."
    urgency: Weight = 1.0
    "How overdue a visit is."
    chance: Weight = 1.0
    "How probable an order is after a visit, as learned from past visits, where they tell."

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not any((self.need, self.market, self.product, self.urgency)):  # chance may be missing
            raise expected("one weight above 0")
        return self


class ScoreSettings(Table):
    """What a visit is worth. Curves are points [x, y], x growing and y from 0 to 1."""

    scorer: str = ""
    "A plugin's way to score customers; by default crmbridge's own."
    weights: ScoreWeights = Field(default_factory=ScoreWeights)
    "How much each part counts."
    neutral: Annotated[float, Field(ge=0.01, le=0.99)] = 0.5
    "What a missing part counts as."
    words: Mapping[str, Share] = Field(default_factory=dict)
    "What words count as, over those that are built in."
    scales: Mapping[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    "The value that counts as 1, for need, situation and feature; by default found out."
    market: Mapping[str, Share] = Field(default_factory=dict)
    "The market's part by segment or region."
    fit: Mapping[str, Share] = Field(default_factory=dict)
    "The product's part by industry or segment."
    need_deal: Share = 0.7
    "Need of a customer with an open deal and nothing stronger."
    need_none: Share = 0.3
    "Need where needs are kept and the customer has no open one."
    need_case: Share = 0.75
    "Need of a customer with an open service case and nothing stronger."
    unhappy: Curve = ((0.5, 0.9), (0.8, 0.7), (1.0, 0.5))
    "Need by the satisfaction that a customer gave over what it expected."
    falling: Curve = ((0.0, 0.9), (0.5, 0.75), (0.9, 0.5))
    "Need by this year's orders over last year's."
    urgency: Curve = ((0.0, 0.05), (0.5, 0.2), (1.0, 0.5), (1.5, 0.8), (2.0, 1.0))
    "Urgency by the days since the last visit over the days between visits."
    urgency_never: Share = 0.7
    "Urgency of a customer never visited."
    high: Share = 0.6
    "Least score that is called high."
    medium: Share = 0.4
    "Least score that is called medium."
    refit_days: Annotated[int, Field(ge=1)] = 7
    "Days between two fits of the chances that are learned; in between they are kept."
    effect_days: Annotated[int, Field(ge=1, le=365)] = 28
    "Days after a visit within which an order counts as its effect."
    learn_from: Listed[NonEmpty] = ("kind", "industry", "region", "country")
    "Fields of customers, extra ones too, to learn chances from; none that an outcome changes."

    @model_validator(mode="after")
    def _medium_below_high(self) -> Self:
        if self.medium > self.high:
            raise expected("medium to be at most high")
        return self


class SegmentSettings(Table):
    """How customers are grouped."""

    method: Literal["rfm", "kmeans"] = "rfm"
    "Rules on recency, number and amount of orders, or clusters."
    on: Listed[NonEmpty] = ()
    "Columns that clusters are made from."
    k: Annotated[int, Field(ge=2, le=50)] | None = None
    "Number of clusters; by default the best that is stable."
    scale: Literal["log", "standard"] = "log"
    "Columns are amounts and counts, or ages and ratings."
    largest: Annotated[int, Field(ge=2, le=20)] = 8
    "Most clusters tried."
    stability: Share = 0.8
    "Least agreement between samples that admits a number of clusters."
    smallest_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    "Least share of customers in the smallest cluster."
    bootstraps: Annotated[int, Field(ge=2, le=200)] = 20
    "Samples drawn to see how stable clusters are."
    hysteresis: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    "How much nearer another segment must be before a customer moves."
    min_dwell_days: Count = 14
    "Days that a customer stays in a segment at least."
    refit_days: Annotated[int, Field(ge=1)] = 30
    "Days between two fits; in between the model is frozen."
    orders: Mapping[str, Listed[NonEmpty]] = Field(default_factory=dict)
    "Known orders of a column's words, lowest first."

    @model_validator(mode="after")
    def _columns_for_clusters(self) -> Self:
        if self.method == "kmeans" and not self.on:
            raise expected("the columns to make clusters from, as on = [...]")
        return self


class ValueSettings(Table):
    """What customers will buy."""

    horizon_days: Annotated[int, Field(ge=1)] = 365
    "Days looked ahead."
    discount_rate: Share = 0.10
    "Discount a year."


class SatisfactionSettings(Table):
    """What customers expect, where no feedback says it."""

    expected: Annotated[float, Field(gt=0)] | None = None
    "Satisfaction expected of every customer, on the scale of customers.satisfaction."


class OfferSettings(Table):
    """What to talk about with customers."""

    offered: Literal["new", "any"] = "new"
    "Only products that a customer never bought, or those bought again and again, too."
    count: Annotated[int, Field(ge=1, le=50)] = 3
    "Most offers for each customer."


class IdentitySettings(Table):
    """When two records of different connections are the same customer."""

    link_from: Share = 0.95
    "Least probability that links them without asking."
    review_from: Share = 0.5
    "Least probability that keeps them for review."

    @model_validator(mode="after")
    def _review_below_link(self) -> Self:
        if self.review_from > self.link_from:
            raise expected("review_from to be at most link_from")
        return self


class EngineSettings(Table):
    """How customers are analysed, and where."""

    backend: Literal["local", "dask"] = "local"
    "Processes of this machine, or a Dask cluster."
    scheduler: str = ""
    "Address of the Dask scheduler, like tcp://host:8786."
    workers: Count = 0
    "Processes; 0 for one per core."
    score: ScoreSettings = Field(default_factory=ScoreSettings)
    "What a visit is worth."
    segments: SegmentSettings = Field(default_factory=SegmentSettings)
    "How customers are grouped."
    satisfaction: SatisfactionSettings = Field(default_factory=SatisfactionSettings)
    "What customers expect."
    value: ValueSettings = Field(default_factory=ValueSettings)
    "What customers will buy."
    offers: OfferSettings = Field(default_factory=OfferSettings)
    "What to talk about with customers."
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    "When two records are the same customer."

    @model_validator(mode="after")
    def _has_scheduler(self) -> Self:
        if (self.backend == "dask") != bool(self.scheduler):
            raise expected('backend = "dask" and scheduler to be given together')
        return self
