"""Estimates how long the ways between places take."""

from typing import TYPE_CHECKING, Any

from crmbridge.travel.points import Flaw, Point, locate, swapped_suspects

if TYPE_CHECKING:
    from crmbridge.travel.great_circle import TravelMatrix, great_circle_km, great_circle_matrix
    from crmbridge.travel.speed import SpeedProfile, steady_speed

_LATER = {
    "SpeedProfile": "speed",
    "TravelMatrix": "great_circle",
    "great_circle_km": "great_circle",
    "great_circle_matrix": "great_circle",
    "steady_speed": "speed",
}
"""Names whose modules need numpy: loaded when first asked for."""

__all__ = [
    "Flaw",
    "Point",
    "SpeedProfile",
    "TravelMatrix",
    "great_circle_km",
    "great_circle_matrix",
    "locate",
    "steady_speed",
    "swapped_suspects",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
