"""Finds where an address is: by a service that speaks Nominatim's search, or by its postcode."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from crmbridge.errors import ConfigError, CrmbridgeError, StorageError
from crmbridge.travel.cache import KnownPlace, PlaceCache
from crmbridge.travel.points import Point, locate
from crmbridge.travel.service import Fetch

HOUSE_RANK, STREET_RANK = 28, 26
"""Nominatim's ranks from which on a result is a house, or at least a street."""
MOST_ODD = 3
"""Answers that nobody understands after which a service is not asked again in a run."""
_DEGREES = "degrees in the columns latitude and longitude"
_PARTS = ("street", "city", "postalcode", "country")


class Quality(StrEnum):
    """How well a place is known."""

    EXACT = "exact"
    "The house."
    STREET = "street"
    "The street, or a house near by."
    CITY = "city"
    "The town or postcode."
    GIVEN = "given"
    "Coordinates that the CRM has, without a word on how good they are."
    NONE = "none"
    "No place at all: ways to it are unknown."


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where somebody is, in words."""

    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""

    @property
    def is_enough(self) -> bool:
        """Whether there is something to look for: a town or a postcode."""
        return bool(self.city or self.postcode)

    def query(self) -> Mapping[str, str]:
        """The parts that are there, as Nominatim names them."""
        values = (self.street, self.city, self.postcode, self.country)
        return {name: value for name, value in zip(_PARTS, values, strict=True) if value}

    def without_street(self) -> "Address":
        """The town alone."""
        return Address(postcode=self.postcode, city=self.city, country=self.country)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place with its quality."""

    point: Point
    quality: Quality


@dataclass(slots=True, kw_only=True)
class Geocoder:
    """Looks addresses up, each once; one for each run.

    Args:
        fetch: None to go by what is known already.
        where: names the service in findings and in the cache.
        waiting: addresses that were not looked up since the run's requests were used up.
        failure: why the service is not asked any more; empty while it answers.
        odd: answers so far that nobody understands.
    """

    cache: PlaceCache
    now: datetime
    fetch: Fetch | None = None
    where: str = ""
    user_agent: str = "crmbridge"
    postcodes: Mapping[tuple[str, str], Point] = field(default_factory=dict)
    most_requests: int = 300
    keep_days: int = 180
    requests: int = 0
    waiting: int = 0
    failure: str = ""
    odd: int = 0

    def find(self, address: Address) -> Place | None:
        """Where an address is, as exactly as can be found; None if nobody knows."""
        if not address.is_enough:
            return None
        waiting = self.waiting
        for wanted in dict.fromkeys((address, address.without_street())):
            found = self._looked_up(wanted)
            self.waiting = min(self.waiting, waiting + 1)
            if found is not None:
                return found
        point = self.postcodes.get(postcode_key(address.country, address.postcode))
        point = point or self.postcodes.get(postcode_key("", address.postcode))
        return None if point is None else Place(point=point, quality=Quality.CITY)

    def _looked_up(self, address: Address) -> Place | None:
        if not self.where:
            return None
        name = "\n".join((self.where, *(f"{k}={v}" for k, v in sorted(address.query().items()))))
        known = self.cache.place(name, self.now, self.keep_days)
        if known is None:
            known = self._asked(address)
            if known is None:
                return None
            self.cache.keep_place(name, known, self.now)
        if not known.quality:
            return None
        point = locate(known.latitude, known.longitude)
        if not isinstance(point, Point):
            return None
        return Place(point=point, quality=Quality(known.quality))

    def _asked(self, address: Address) -> KnownPlace | None:
        """What the service says; None if it could not be asked."""
        if self.fetch is None or self.failure or self.requests >= self.most_requests:
            self.waiting += 1
            return None
        self.requests += 1
        try:
            return _known(_nominatim(self.fetch, self.user_agent).geocode(address.query()))
        except CrmbridgeError as error:
            self.failure = error.line()
        except Exception as error:  # geopy has errors of its own, and trusts what it reads
            self.odd += 1
            if self.odd >= MOST_ODD:
                self.failure = f"{self.where}: {type(error).__name__} in reading its answers"
        self.waiting += 1
        return None


def _nominatim(fetch: Fetch, user_agent: str) -> Any:
    """geopy's client, its requests carried by `fetch`."""
    try:
        from geopy.adapters import BaseSyncAdapter
        from geopy.geocoders import Nominatim
    except ImportError as cause:
        raise ConfigError(
            "planning.geocoding",
            "the extra crmbridge[places]",
            "no geopy",
            "pip install 'crmbridge[places]'",
        ) from cause

    class Carried(BaseSyncAdapter):  # type: ignore[misc]
        def get_json(self, url: str, *, timeout: Any, headers: Mapping[str, str]) -> Any:
            del timeout
            return fetch("search?" + url.partition("?")[2], None, headers)

        def get_text(self, url: str, *, timeout: Any, headers: Mapping[str, str]) -> str:
            return json.dumps(self.get_json(url, timeout=timeout, headers=headers))

    return Nominatim(user_agent=user_agent, domain="localhost", adapter_factory=Carried)


def _known(found: Any) -> KnownPlace:
    if found is None:
        return KnownPlace()
    point = locate(float(found.raw["lat"]), float(found.raw["lon"]))
    if not isinstance(point, Point):
        return KnownPlace()
    quality = _quality(found.raw)
    return KnownPlace(latitude=point.latitude, longitude=point.longitude, quality=quality.value)


def _quality(raw: Mapping[str, Any]) -> Quality:
    rank = raw.get("place_rank")
    if isinstance(rank, int):
        if rank >= HOUSE_RANK:
            return Quality.EXACT
        return Quality.STREET if rank >= STREET_RANK else Quality.CITY
    kind = raw.get("addresstype") or raw.get("type")
    return {"house": Quality.EXACT, "building": Quality.EXACT, "road": Quality.STREET}.get(
        str(kind), Quality.CITY
    )


def read_postcodes(path: Path) -> dict[tuple[str, str], Point]:
    """(country, postcode) -> its middle, from a CSV file; country may be left empty.

    Raises:
        StorageError: the file cannot be read.
        ConfigError: a column is missing, or a row holds no place.
    """
    table: dict[tuple[str, str], Point] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                table[_postcode(row, f"{path.name}:{number}")] = _point(
                    row, f"{path.name}:{number}"
                )
    except (OSError, UnicodeDecodeError) as cause:
        raise StorageError(str(path), "a table of postcodes", type(cause).__name__) from cause
    return table


def postcode_key(country: str, postcode: str) -> tuple[str, str]:
    """How a postcode is looked up: without spaces and case."""
    return country.strip().casefold(), "".join(postcode.split()).casefold()


def _postcode(row: Mapping[str, str | None], where: str) -> tuple[str, str]:
    code = row.get("postcode")
    if not code:
        raise ConfigError(where, "a postcode in the column postcode", "none")
    return postcode_key(row.get("country") or "", code)


def _point(row: Mapping[str, str | None], where: str) -> Point:
    try:
        point = locate(float(row.get("latitude") or ""), float(row.get("longitude") or ""))
    except ValueError:
        raise ConfigError(where, _DEGREES, "others") from None
    if not isinstance(point, Point):
        raise ConfigError(where, _DEGREES, "others")
    return point
