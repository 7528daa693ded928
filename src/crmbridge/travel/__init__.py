"""Estimates how long the ways between places take, and finds places."""

from typing import TYPE_CHECKING, Any

from crmbridge.travel.points import Flaw, Point, far_away, locate, swapped_suspects

if TYPE_CHECKING:
    from crmbridge.travel.cache import PlaceCache
    from crmbridge.travel.geocoding import Address, Geocoder, Place, Quality, read_postcodes
    from crmbridge.travel.great_circle import TravelMatrix, great_circle_km, great_circle_matrix
    from crmbridge.travel.roads import RoadTables
    from crmbridge.travel.service import RoutingService
    from crmbridge.travel.speed import SpeedProfile, steady_speed

_LATER = {
    "Address": "geocoding",
    "Geocoder": "geocoding",
    "Place": "geocoding",
    "PlaceCache": "cache",
    "Quality": "geocoding",
    "RoadTables": "roads",
    "RoutingService": "service",
    "SpeedProfile": "speed",
    "TravelMatrix": "great_circle",
    "great_circle_km": "great_circle",
    "great_circle_matrix": "great_circle",
    "read_postcodes": "geocoding",
    "steady_speed": "speed",
}
"""Names whose modules need numpy: loaded when first asked for."""

__all__ = [
    "Address",
    "Flaw",
    "Geocoder",
    "Place",
    "PlaceCache",
    "Point",
    "Quality",
    "RoadTables",
    "RoutingService",
    "SpeedProfile",
    "TravelMatrix",
    "far_away",
    "great_circle_km",
    "great_circle_matrix",
    "locate",
    "read_postcodes",
    "steady_speed",
    "swapped_suspects",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
