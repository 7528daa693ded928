"""What the configuration says of reps, of visit plans and of consent."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crmbridge.settings.nearest import did_you_mean
from crmbridge.settings.places import GeocodingSettings, TravelSettings
from crmbridge.settings.policy import (
    DAYS,
    ClassSettings,
    Day,
    PressureSettings,
    RuleSettings,
)
from crmbridge.settings.secrets import Text
from crmbridge.settings.table import (
    Amount,
    Count,
    DayRange,
    GapDays,
    IntervalDays,
    Listed,
    Place,
    Share,
    Table,
    VisitMinutes,
    Window,
    Zone,
    expected,
)


class LunchSettings(Table):
    """The lunch break."""

    at: time = time(12)
    "When it should start."
    minutes: Count = 0
    "Its length; 0 for none."
    slack_minutes: Count = 60
    "How far it may move to make room for an appointment."


class HolidaySettings(Table):
    """Public holidays, on which nobody is visited."""

    country: str = ""
    "ISO 3166 code of the country; none by default."
    region: str = ""
    "Code of the state or province."

    @model_validator(mode="after")
    def _has_country(self) -> Self:
        if self.region and not self.country:
            raise expected("a country beside the region", "Set country", at=["region"])
        return self


class RepSettings(Table):
    """One rep's working days."""

    active: bool = True
    "Leaves the rep out of plans if false."
    zone: Zone | None = None
    "Where the rep's clock is, as an IANA name; by default what the CRM says, else UTC."
    home: Place | None = None
    "[latitude, longitude] where days start and end; by default what the CRM says."
    days: Listed[Day] = DAYS[:5]
    "Working days."
    start: time = time(8)
    "When the day starts, at home."
    end: time = time(17)
    "When the rep is home again."
    hours: Mapping[Day, Window] = Field(default_factory=dict)
    "Days that start or end at other times, such as fri = [08:00:00, 13:00:00]."
    start_places: Mapping[Day, Place] = Field(default_factory=dict)
    "Days that start elsewhere than at home, such as mon = [52.52, 13.40]."
    end_places: Mapping[Day, Place] = Field(default_factory=dict)
    "Days that end elsewhere than at home."
    lunch: LunchSettings = Field(default_factory=LunchSettings)
    "The lunch break."
    busy: Listed[Text] = ()
    "ICS files, or URLs of ICS feeds, with times that are taken."
    off: Listed[DayRange] = ()
    "Days off: a day, or [first, last]."
    holidays: HolidaySettings | None = None
    "Public holidays of the rep's own country or region; `planning.holidays` by default."
    max_visits: Count = 0
    "Most visits a day; 0 for no limit."
    max_travel_minutes: Count = 0
    "Most minutes on the road a day; 0 for no limit."
    nights: Count = 0
    "Most nights away from home in a plan, between two working days; 0 for none."
    night_price: Amount = 100.0
    "What a night must bring more in visits' scores, each from 0 to 100, to be proposed."
    connection: str = ""
    "Connection the rep's visits are written to, where several could take them."


class SpeedSettings(Table):
    """How long the way takes."""

    kmh: Annotated[float, Field(gt=0, le=300)] = 50.0
    "Mean speed on the road."
    detour_factor: Annotated[float, Field(ge=1, le=5)] = 1.3
    "Length of the road over the straight line."
    minutes_per_stop: Amount = 5.0
    "Parking and walking, for each visit."


class OpeningSettings(Table):
    """When customers are open whose own hours nobody knows: windows per weekday, [] closed."""

    mon: Listed[Window] = ((time(8), time(18)),)
    "Monday."
    tue: Listed[Window] = ((time(8), time(18)),)
    "Tuesday."
    wed: Listed[Window] = ((time(8), time(18)),)
    "Wednesday."
    thu: Listed[Window] = ((time(8), time(18)),)
    "Thursday."
    fri: Listed[Window] = ((time(8), time(18)),)
    "Friday."
    sat: Listed[Window] = ()
    "Saturday."
    sun: Listed[Window] = ()
    "Sunday."


class PlanningSettings(Table):
    """How visits are planned."""

    horizon_days: Annotated[int, Field(ge=1, le=92)] = 14
    "Days that a plan covers."
    iterations_per_rep: Count = 40_000
    "The solver's budget; a plan depends on it and on the seed alone."
    seconds_per_rep: Annotated[float, Field(gt=0)] = 20.0
    "A cap on the time; a plan that it cut short says so."
    seed: Count = 1
    "Seed of all chance."
    freeze_days: Count = 0
    "Visits on the first days of a plan that are no longer moved."
    keep_bonus: Annotated[float, Field(ge=0, le=100)] = 0.15
    "What staying on its day adds to a planned visit's value, as a share of it."
    churn_share: Share = 0.1
    "The largest share of a rep's planned visits that a new plan may move to another day."
    grid_minutes: Annotated[int, Field(ge=1, le=30)] = 5
    "Visits start on multiples of it."
    unknown_travel_minutes: Annotated[int, Field(ge=0, le=720)] = 30
    "Time allowed for a way whose length nobody knows."
    early_share: Share = 0.25
    "How early a visit may be, as a share of the days between visits."
    decline_days: GapDays = 30
    "Days for which a customer is left alone after a visit was declined or deleted."
    holdout_share: Share = 0.0
    "Share of customers left out of plans, to measure what visits are worth."
    visit_minutes: VisitMinutes = 45
    "Length of a visit, where neither customer nor class says."
    every_days: IntervalDays = 60
    "Days between visits, where neither customer nor class says."
    min_gap_days: GapDays = 7
    "Fewest days between visits, where neither customer nor class says."
    class_default: str = ""
    "Class of customers that have none."
    classes: Mapping[str, ClassSettings] = Field(default_factory=dict)
    "Visits by class."
    rules: Mapping[str, RuleSettings] = Field(default_factory=dict)
    "Visits by segment, market, need, product or country, over what the class says."
    overrides: str = ""
    "CSV file of exceptions for single customers, each with a reason and an end."
    pressure: PressureSettings = Field(default_factory=PressureSettings)
    "How often a customer is contacted at most."
    opening: OpeningSettings = Field(default_factory=OpeningSettings)
    "Opening hours where nobody knows them."
    speed: SpeedSettings = Field(default_factory=SpeedSettings)
    "How long the way takes."
    travel: TravelSettings = Field(default_factory=TravelSettings)
    "Who measures the ways."
    geocoding: GeocodingSettings = Field(default_factory=GeocodingSettings)
    "Who finds addresses."
    holidays: HolidaySettings = Field(default_factory=HolidaySettings)
    "Public holidays."
    rep_defaults: RepSettings = Field(default_factory=RepSettings)
    "What holds for every rep whose own table does not say otherwise."

    @model_validator(mode="after")
    def _known_classes(self) -> Self:
        """A rule for a class that no table describes is a slip of the pen."""
        known = {*self.classes, self.class_default} - {""}
        for name, rule in self.rules.items():
            for index, class_ in enumerate(rule.classes):
                if known and class_ not in known:
                    at = ("rules", name, "classes", index)
                    step = did_you_mean(class_, known)
                    raise expected("a class of planning.classes", step, got=repr(class_), at=at)
        return self


Rule = Literal["allow", "deny"]


class UnknownConsent(Table):
    """What holds where a person's consent is not known."""

    visit: Rule = "allow"
    "Visits."
    call: Rule = "allow"
    "Calls."
    email: Rule = "deny"
    "E-mail and campaigns."


class ConsentSettings(Table):
    """How consent is treated; the strictest fact of any connected system counts."""

    unknown: UnknownConsent = Field(default_factory=UnknownConsent)
    "What holds where it is not known."
