"""What the configuration says of scores, segments, value and where the work is done."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crmbridge.settings.table import Amount, Count, Listed, NonEmpty, Share, Table, expected


class ScorePart(Table):
    """One part of a customer's score."""

    weight: Amount = 1.0
    "Its weight beside the other parts; 0 leaves it out."
    full: Annotated[float, Field(gt=0)] | None = None
    "The value from which the part counts fully; by default the 95th percentile."


class ScoreSettings(Table):
    """What a visit is worth."""

    half_life_days: Annotated[float, Field(gt=0)] = 90.0
    "Days after which an activity counts half."
    need: ScorePart = Field(default_factory=ScorePart)
    "How strong the customer's need is."
    market: ScorePart = Field(default_factory=ScorePart)
    "The situation of the customer's market."
    product: ScorePart = Field(default_factory=ScorePart)
    "How well the product fits."
    urgency: ScorePart = Field(default_factory=ScorePart)
    "How overdue a visit is."
    value: ScorePart = Field(default_factory=ScorePart)
    "What the customer is expected to buy."


class SegmentSettings(Table):
    """How customers are grouped."""

    method: Literal["rfm", "kmeans"] = "rfm"
    "Rules on recency, frequency and money, or clusters."
    on: Listed[NonEmpty] = ()
    "Features that clusters are made from; by default those of the rules."
    k: Annotated[int, Field(ge=2, le=20)] | None = None
    "Number of clusters; by default the most stable of 2 to 8."
    hysteresis: Share = 0.10
    "How much nearer another segment must be before a customer changes to it."
    refit_days: Annotated[int, Field(ge=1)] = 30
    "Days between two fits; in between the model is frozen."


class ValueSettings(Table):
    """What customers will buy."""

    horizon_days: Annotated[int, Field(ge=1)] = 365
    "Days looked ahead."
    discount_rate: Share = 0.10
    "Discount a year."


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
    value: ValueSettings = Field(default_factory=ValueSettings)
    "What customers will buy."

    @model_validator(mode="after")
    def _has_scheduler(self) -> Self:
        if (self.backend == "dask") != bool(self.scheduler):
            raise expected('backend = "dask" and scheduler to be given together')
        return self
