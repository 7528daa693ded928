"""Public holidays of a country or region as plain dates, for a rep's calendar."""

from datetime import date

from crmbridge.errors import ConfigError
from crmbridge.planning.problem import DateRange


def public_holidays(
    country: str, region: str | None, first: date, last: date
) -> tuple[DateRange, ...]:
    """The public holidays between two dates, both inclusive, by date.

    Args:
        country: ISO 3166-1 code, such as DE.
        region: its subdivision, such as BY; None for those of the whole country.

    Raises:
        ConfigError: there is no such country or region.
    """
    import holidays

    try:
        calendar = holidays.country_holidays(
            country, subdiv=region, years=range(first.year, last.year + 1)
        )
    except NotImplementedError as error:
        place = f"{country}-{region}" if region else country
        raise ConfigError(
            "holidays", "an ISO 3166 country and region", repr(place), "Correct country or region"
        ) from error
    return tuple(
        DateRange(first=day, last=day, label=name)
        for day, name in sorted(calendar.items())
        if first <= day <= last
    )
