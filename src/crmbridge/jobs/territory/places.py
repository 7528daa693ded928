"""Decides where each customer is and how well that is known, and lists what is wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmbridge.jobs.territory.known import key_of
from crmbridge.records import Finding
from crmbridge.store.territory import Record
from crmbridge.travel import Flaw, Point, far_away, locate, swapped_suspects
from crmbridge.travel.geocoding import Address, Geocoder, Quality

REMEDIES: Mapping[str, str] = {
    "no_address": "Enter an address or coordinates in the CRM",
    "not_found": "Correct the address, or enter coordinates in the CRM",
    "not_asked": "Set planning.geocoding.url or .postcodes, or enter coordinates in the CRM",
    "waiting": "Run again: the geocoder was not asked for it yet",
    Flaw.NOT_FINITE.value: "Correct the coordinates",
    Flaw.OUT_OF_RANGE.value: "Correct the coordinates: latitude up to 90, longitude up to 180",
    Flaw.SWAPPED.value: "Exchange latitude and longitude",
    Flaw.ZERO.value: "Correct the coordinates: (0, 0) lies in the sea",
    "unreadable": "Correct the coordinates: write numbers",
    "suspect_swapped": "Look whether latitude and longitude are exchanged",
    "far_from_territory": "Correct the place, or give the customer another owner",
}
"""What is wrong with a place, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFlaw:
    """One customer whose place is not known, or not to be trusted.

    Args:
        owner: id of the rep's record.
        is_kept_out: the record waits in quarantine, so that nobody visits the customer, or by what
            was known before.
    """

    customer: str
    name: str
    owner: str
    flaw: str
    geo_quality: str
    is_kept_out: bool = False

    @property
    def remedy(self) -> str:
        """What helps."""
        waits = "; until then the record waits in quarantine" if self.is_kept_out else ""
        return REMEDIES[self.flaw] + waits


def located(customers: Iterable[Record], geocoder: Geocoder | None) -> list[Record]:
    """The customers with the coordinates to plan by, and `geo_quality` on each of them.

    Coordinates of the CRM stand above found ones, unless they name no place.
    """
    return [_located(row, geocoder) for row in customers]


def quality_counts(customers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many places are known how well."""
    return dict(sorted(Counter(str(row["geo_quality"]) for row in customers).items()))


def geocoding_findings(geocoder: Geocoder | None) -> list[Finding]:
    """What a person should know of how the geocoder did."""
    if geocoder is None or not geocoder.waiting:
        return []
    return [
        Finding(
            code="places.waiting",
            count=geocoder.waiting,
            example=geocoder.failure or f"{geocoder.requests} requests were the run's share",
            remedy="Run again; until then these places count as unknown, or as their town",
        )
    ]


def place_flaws(customers: Sequence[Record]) -> list[PlaceFlaw]:
    """Every customer whose place is unknown or doubtful, by key; each with one flaw.

    Args:
        customers: as `located` gave them.
    """
    doubtful = _doubtful(customers)
    found = []
    for row in customers:
        flaw = row.get("geo_flaw") or doubtful.get(str(key_of(row)))
        if flaw:
            found.append(
                PlaceFlaw(
                    customer=str(key_of(row)),
                    name=row["name"] or row["id"],
                    owner=row["owner_id"] or "",
                    flaw=flaw,
                    geo_quality=row["geo_quality"],
                )
            )
    return sorted(found, key=lambda item: item.customer)


def _located(row: Record, geocoder: Geocoder | None) -> Record:
    own = locate(row["latitude"], row["longitude"])
    if isinstance(own, Point):
        told = row["geo_quality"] or ""
        quality = Quality.GIVEN.value if told in ("", Quality.NONE.value) else told
        return {**row, "geo_quality": quality, "geo_flaw": ""}
    address = address_of(row)
    waiting = geocoder.waiting if geocoder is not None else 0
    found = geocoder.find(address) if geocoder is not None else None
    if found is not None:
        place = {"latitude": found.point.latitude, "longitude": found.point.longitude}
        flaw = "" if own is Flaw.MISSING else own.value
        return {**row, **place, "geo_quality": found.quality.value, "geo_flaw": flaw}
    flaw = own.value if own is not Flaw.MISSING else _why_missing(address, geocoder, waiting)
    return {**row, "geo_quality": Quality.NONE.value, "geo_flaw": flaw}


def _why_missing(address: Address, geocoder: Geocoder | None, waiting: int) -> str:
    if not address.is_enough:
        return "no_address"
    if geocoder is None:
        return "not_asked"
    return "waiting" if geocoder.waiting > waiting else "not_found"


def address_of(row: Mapping[str, Any]) -> Address:
    """A customer's address."""
    return Address(
        street=row["street"] or "",
        postcode=row["postcode"] or "",
        city=row["city"] or "",
        country=row["country"] or "",
    )


def _doubtful(customers: Sequence[Record]) -> dict[str, str]:
    """Customers that lie where nobody else of their owner does."""
    found: dict[str, str] = {}
    groups: dict[tuple[str, str], dict[str, Point]] = {}
    for row in customers:
        point = locate(row["latitude"], row["longitude"])
        if isinstance(point, Point) and row["status"] != "closed":
            owner = (row["connection"], row["owner_id"] or "")
            groups.setdefault(owner, {})[str(key_of(row))] = point
    for points in groups.values():
        found.update(dict.fromkeys(far_away(points), "far_from_territory"))
        found.update(dict.fromkeys(swapped_suspects(points), "suspect_swapped"))
    return found
