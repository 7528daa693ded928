"""Opens the services of the settings that measure ways and find addresses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from crmbridge.adapters.answer import Effect, Request
from crmbridge.adapters.http import HttpClient
from crmbridge.adapters.limits import Limits
from crmbridge.adapters.origin import Origin, origin_of
from crmbridge.adapters.traffic import Traffic
from crmbridge.jobs.workspace import Workspace
from crmbridge.settings import GeocodingSettings, SecretRef, TravelSettings
from crmbridge.travel.cache import PlaceCache
from crmbridge.travel.geocoding import Geocoder, read_postcodes
from crmbridge.travel.roads import RoadTables
from crmbridge.travel.service import RoutingService
from crmbridge.travel.speed import steady_speed

TRIES = 2
"""Of one request: a service that is down must not hold up a plan."""
_LONGEST_WAIT = 5.0


@contextmanager
def road_tables(workspace: Workspace) -> Iterator[RoadTables | None]:
    """What measures ways by road; None where the straight line does.

    Raises:
        ConfigError: the URL is no address, or plain http to another machine.
    """
    own = workspace.settings.planning.travel
    if own.service == "great_circle":
        yield None
        return
    speed = workspace.settings.planning.speed
    with _client(workspace, own, "planning.travel", per_second=0) as client:
        service = RoutingService(
            name=own.service,
            where=_where(client.origin),
            fetch=_Sender(client),
            profile=own.profile,
            key=_secret(workspace, own.key, "planning.travel.key"),
            block=own.block,
        )
        yield RoadTables(
            service=service,
            cache=_cache(workspace),
            profile=steady_speed(speed.kmh, speed.detour_factor, speed.minutes_per_stop),
            now=workspace.clock.now(),
            most_requests=own.requests_per_run,
            keep_days=own.keep_days,
        )


@contextmanager
def geocoder(workspace: Workspace) -> Iterator[Geocoder | None]:
    """What finds addresses; None where the settings name nobody who could.

    Raises:
        ConfigError: the URL is no address, or plain http to another machine.
        StorageError: the table of postcodes cannot be read.
    """
    own = workspace.settings.planning.geocoding
    if not own.url:
        yield known_places(workspace)
        return
    with _client(workspace, own, "planning.geocoding", per_second=own.per_second) as client:
        found = known_places(workspace)
        if found is not None:
            found.fetch = _Sender(client)
        yield found


def known_places(workspace: Workspace) -> Geocoder | None:
    """Finds addresses by what was found before and by postcode, and asks nobody."""
    own = workspace.settings.planning.geocoding
    if not own.url and not own.postcodes:
        return None
    path = workspace.settings.path(own.postcodes)
    url = _text(workspace, own.url, "planning.geocoding.url")
    return Geocoder(
        cache=_cache(workspace),
        now=workspace.clock.now(),
        where=_where(origin_of("planning.geocoding.url", url)) if url else "",
        user_agent=own.user_agent,
        postcodes=read_postcodes(path) if own.postcodes else {},
        most_requests=own.requests_per_run,
        keep_days=own.keep_days,
    )


class _Sender:
    """Sends what the services' client libraries want sent, to the configured origin alone."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def __call__(self, path: str, document: Any, headers: Mapping[str, str]) -> Any:
        method = "GET" if document is None else "POST"
        request = Request(
            method=method, url=path, json=document, headers=headers, effect=Effect.READ
        )
        return self._client.send(request).data


@contextmanager
def _client(
    workspace: Workspace, own: TravelSettings | GeocodingSettings, where: str, per_second: float
) -> Iterator[HttpClient]:
    seconds = own.timeout_seconds
    limits = Limits(
        per_second=per_second,
        concurrent=1,
        tries=TRIES,
        wait_seconds=_LONGEST_WAIT,
        connect_seconds=min(seconds, 10),
        read_seconds=seconds,
        total_seconds=seconds,
        retries_per_run=5,
    )
    traffic = Traffic(
        connection=where,
        clock=workspace.clock,
        log=workspace.log.bind(connection=where),
        limits=limits,
        redactor=workspace.redactor,
    )
    url = _text(workspace, own.url, f"{where}.url")
    try:
        yield HttpClient(traffic=traffic, origin=origin_of(f"{where}.url", url))
    finally:
        traffic.close()


def _text(workspace: Workspace, value: str | SecretRef, where: str) -> str:
    return workspace.settings.secrets.text(value, where) if value else ""


def _secret(workspace: Workspace, key: SecretRef | None, where: str) -> str:
    if key is None:
        return ""
    found = workspace.settings.secrets.resolve(key, where).get_secret_value()
    workspace.redactor.add(found)
    return found


def _where(origin: Origin) -> str:
    return f"{origin.host}:{origin.port}" if origin.port not in (80, 443) else origin.host


def _cache(workspace: Workspace) -> PlaceCache:
    return PlaceCache(workspace.state_folder / "places.db")
