"""How plans are made: the few numbers that hold for every rep."""

from dataclasses import dataclass

from crmbridge.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How plans are made, the same for all reps.

    Args:
        grid_minutes: visits start on multiples of it; 1 to 30.
        unknown_travel_minutes: allowed between two places whose travel is not known.
        early_share: how early a visit may be, as a share of the customer's interval; 0 to 1.
        keep_bonus: share of value that a visit gains on the day it was planned for before; >= 0.
        churn_budget: share of a rep's earlier visits that may leave their day; 0 to 1. Those whose
            customer can no longer be visited on that day do not count; those that an appointment
            displaces do, but nothing is forced to stay that does not fit.
        max_contacts: most contacts with a customer in `contact_days`; 0 for no limit.
        contact_days: 1 to 3660.
        freeze_days: visits planned before on the first so many days stay as they are.
    """

    grid_minutes: int = 5
    unknown_travel_minutes: int = 30
    early_share: float = 0.25
    keep_bonus: float = 0.15
    churn_budget: float = 1.0
    freeze_days: int = 0
    max_contacts: int = 0
    contact_days: int = 30

    def __post_init__(self) -> None:
        """Refuse what no plan can be made by."""
        need_between("planning: grid_minutes", self.grid_minutes, 1, 30)
        need_between("planning: unknown_travel_minutes", self.unknown_travel_minutes, 0, 720)
        need_between("planning: contact_days", self.contact_days, 1, 3660)
        need_between("planning: max_contacts", self.max_contacts, 0, 1_000_000)
        if not (0 <= self.early_share <= 1 and 0 <= self.keep_bonus <= 100):
            raise UsageError(
                "planning: early_share and keep_bonus",
                "0 to 1 and 0 to 100",
                f"{self.early_share} and {self.keep_bonus}",
            )


def need_between(where: str, value: int | None, least: int, most: int) -> None:
    """Refuse a number outside its range; None is in any.

    Raises:
        UsageError: it is outside.
    """
    if value is not None and not least <= value <= most:
        raise UsageError(where, f"{least} to {most}", str(value))
