"""Asks a routing service for tables of travel times: OSRM, Valhalla or openrouteservice.

The requests are made and their answers read by routingpy; they are carried by `Fetch`, which the
caller lends, so that they go to the configured host alone, with the limits that hold for every
other request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge.travel.points import Point

PROFILES = {"osrm": "driving", "valhalla": "auto", "openrouteservice": "driving-car"}
"""Services, each with its profile for cars."""
LONGEST_WAY = 7 * 86_400
"""Seconds; what claims to take longer is no answer."""

Floats = NDArray[np.float64]


class Fetch(Protocol):
    """Sends one request below the service's address.

    Raises:
        CrmbridgeError: there was no good answer.
    """

    def __call__(self, path: str, document: Any, headers: Mapping[str, str]) -> Any:
        """Send a POST of a document, or a GET without one; returns the JSON of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingService:
    """One service that measures ways.

    Args:
        name: osrm, valhalla or openrouteservice.
        where: names it in findings; its host, no secret.
        profile: empty for the service's own for cars.
        key: its API key; empty for none.
        block: most places on either side of one request.
    """

    name: str
    where: str
    fetch: Fetch
    profile: str = ""
    key: str = ""
    block: int = 50

    def seconds(self, sources: Sequence[Point], targets: Sequence[Point]) -> Floats:
        """(sources, targets) seconds on the road; NaN where the service knows no way.

        Raises:
            CrmbridgeError: there was no answer, or none that fits the question.
        """
        router = self._router()
        try:
            durations = self._durations(router, sources, targets)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as cause:
            # routingpy trusts what it reads.
            raise _odd(self.where, "a document of another shape") from cause
        return _table(durations, (len(sources), len(targets)), self.where)

    def _durations(self, router: Any, sources: Sequence[Point], targets: Sequence[Point]) -> Any:
        places = list(dict.fromkeys((*sources, *targets)))
        index = {place: number for number, place in enumerate(places)}
        answer = router.matrix(
            locations=[[place.longitude, place.latitude] for place in places],
            profile=self.profile or PROFILES[self.name],
            sources=[index[place] for place in sources],
            destinations=[index[place] for place in targets],
            **({"annotations": ["duration"]} if self.name == "osrm" else {}),
            **({"metrics": ["duration"]} if self.name == "openrouteservice" else {}),
        )
        return answer.durations

    def _router(self) -> Any:
        try:
            from routingpy import routers
        except ImportError as cause:
            raise ConfigError(
                "planning.travel",
                "the extra crmbridge[places]",
                "no routingpy",
                "pip install 'crmbridge[places]'",
            ) from cause
        more = {"base_url": "", "client": _client(self.fetch, self.where)}
        if self.name == "openrouteservice":
            return routers.ORS(api_key=self.key or None, **more)
        return {"osrm": routers.OSRM, "valhalla": routers.Valhalla}[self.name](**more)


def _client(fetch: Fetch, where: str) -> Callable[..., Any]:
    """The client class that routingpy sends by, which hands everything to `fetch`."""
    from routingpy.client_base import BaseClient

    class Client(BaseClient):  # type: ignore[misc]
        def _request(
            self, url: str, get_params: Any = None, post_params: Any = None, **_: Any
        ) -> Any:
            key = self.kwargs.get("headers", {}).get("Authorization")
            headers = {"Authorization": key} if key else {}
            path = self._generate_auth_url(url, get_params or {}).lstrip("/")
            document = fetch(path, post_params, headers)
            if not isinstance(document, Mapping):
                raise _odd(where, "a document of another kind")
            return _lenient(document)

    return Client


def _lenient(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Valhalla leaves out what it could not measure, or all but the times; routingpy wants more."""
    rows = document.get("sources_to_targets")
    if isinstance(rows, Mapping):
        filled = [[_timed(seconds) for seconds in row] for row in rows["durations"]]
    elif isinstance(rows, list):
        filled = [[_timed((cell or {}).get("time")) for cell in row] for row in rows]
    else:
        return document
    return {**document, "sources_to_targets": filled}


def _timed(seconds: Any) -> dict[str, Any]:
    return {"time": seconds, "distance": None}


def _table(durations: Any, shape: tuple[int, int], where: str) -> Floats:
    """The durations as an array; NaN for a way that the service does not know.

    Raises:
        RetryLaterError: it is not the table that was asked for.
    """
    if not isinstance(durations, list) or len(durations) != shape[0]:
        raise _odd(where, "a table of another size")
    table = np.full(shape, np.nan)
    for number, row in enumerate(durations):
        if not isinstance(row, list) or len(row) != shape[1]:
            raise _odd(where, "a table of another size")
        table[number] = [_seconds(value, where) for value in row]
    return table


def _seconds(value: Any, where: str) -> float:
    """Seconds; NaN for null and for numbers that services write for a way there is not."""
    if value is None:
        return float("nan")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _odd(where, "cells that are no numbers")
    return float(value) if 0 <= value <= LONGEST_WAY else float("nan")


def _odd(where: str, got: str) -> RetryLaterError:
    return RetryLaterError(where, "the table of travel times that was asked for", got)
