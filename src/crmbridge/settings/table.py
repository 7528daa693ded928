"""The base of every table in the configuration file, with the small types its keys share."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from crmbridge.records import MOST_INTERVAL_DAYS, MOST_VISIT_MINUTES

T = TypeVar("T")


class Table(BaseModel):
    """One table: frozen, of exact types, without any key it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


def expected(
    what: str, next_step: str = "", *, got: str = "", at: Sequence[str | int] = ()
) -> PydanticCustomError:
    """The error a validator raises.

    Args:
        got: what stands there, if it is not the value of the key itself.
        at: the way from the key that is validated down to the one that is wrong.
    """
    facts = {"expected": what, "next": next_step, "got": got, "at": tuple(at)}
    return PydanticCustomError("crmbridge", "{expected}", facts)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise expected("an IANA time zone", "Write it like 'Europe/Berlin'") from None
    return name


def _scalar(value: Any) -> str | int | float | bool:
    if isinstance(value, str | int | float):
        return value
    raise expected("a text, a number, true or false")


def _place(value: tuple[float, float]) -> tuple[float, float]:
    latitude, longitude = value
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise expected("[latitude, longitude] in degrees, at most 90 and 180")
    if latitude == longitude == 0:
        raise expected("a place on land", "[0, 0] is what unknown places turn into; leave it out")
    return value


def _window(value: tuple[time, time]) -> tuple[time, time]:
    if value[0] >= value[1]:
        raise expected("a start before the end")
    return value


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _day_range(value: Any) -> tuple[date, date]:
    """A day or a pair of days, as a pair that includes both ends."""
    pair = [value, value] if _is_day(value) else value
    if isinstance(pair, Sequence) and len(pair) == 2 and all(map(_is_day, pair)):
        if pair[0] > pair[1]:
            raise expected("a first day that is not after the last")
        return (pair[0], pair[1])
    raise expected("a day like 2026-12-24, or [first, last]")


def _email(value: str) -> str:
    if value.count("@") != 1 or value.startswith("@") or value.endswith("@") or " " in value:
        raise expected("an e-mail address")
    return value.lower()


Listed = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array."""
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
VisitMinutes = Annotated[int, Field(ge=1, le=MOST_VISIT_MINUTES)]
IntervalDays = Annotated[int, Field(ge=1, le=MOST_INTERVAL_DAYS)]
GapDays = Annotated[int, Field(ge=0, le=MOST_INTERVAL_DAYS)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NonEmpty = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Email = Annotated[str, AfterValidator(_email)]
Zone = Annotated[str, AfterValidator(_zone)]
Scalar = Annotated[str | int | float | bool, PlainValidator(_scalar)]
Place = Annotated[tuple[float, float], Field(strict=False), AfterValidator(_place)]
Window = Annotated[tuple[time, time], Field(strict=False), AfterValidator(_window)]
DayRange = Annotated[tuple[date, date], PlainValidator(_day_range)]
