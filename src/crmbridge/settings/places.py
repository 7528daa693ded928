"""What the configuration says of places: who measures the ways between them, and finds them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from crmbridge.settings.secrets import Secret, Url
from crmbridge.settings.table import Count, NonEmpty, Positive, Table, expected

Seconds = Annotated[float, Field(gt=0, le=600)]


class TravelSettings(Table):
    """Who measures the ways; where a service does not answer, the straight line does."""

    service: Literal["great_circle", "osrm", "valhalla", "openrouteservice"] = "great_circle"
    "Straight lines with `planning.speed`, or a routing service of yours."
    url: Url = ""
    "Where the service is."
    key: Secret | None = None
    "Its key, where it wants one."
    profile: str = ""
    "Its profile, such as driving; by default the one for cars."
    block: Annotated[int, Field(ge=2, le=500)] = 50
    "Most places on either side of one request; services limit their tables."
    timeout_seconds: Seconds = 20.0
    "How long one answer may take."
    requests_per_run: Count = 2000
    "Most requests of a run; what is left is measured by the straight line until the next."
    keep_days: Positive = 90
    "Days after which a way is measured anew."

    @model_validator(mode="after")
    def _has_url(self) -> Self:
        if self.service != "great_circle" and not self.url:
            raise expected("the service's url", "Set planning.travel.url", at=["service"])
        return self


class GeocodingSettings(Table):
    """Who finds the places of addresses whose coordinates nobody gives."""

    url: Url = ""
    "A service that speaks Nominatim's search; none by default."
    user_agent: NonEmpty = "crmbridge"
    "How we introduce ourselves; a public service wants a name and an address to write to."
    per_second: Annotated[float, Field(gt=0, le=100)] = 1.0
    "Most requests a second."
    timeout_seconds: Seconds = 10.0
    "How long one answer may take."
    requests_per_run: Count = 300
    "Most requests of a run; the other addresses wait for the next."
    keep_days: Positive = 180
    "Days after which an address is looked up anew."
    postcodes: str = ""
    "CSV file with the columns country, postcode, latitude and longitude, asked after the service."
