"""Who gets into a campaign, in which arm, and why everybody else does not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import pandas as pd

from crmbridge.engine.assignment import assign_arms
from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.parameters import within
from crmbridge.errors import ConfigError


class Excluded(Enum):
    """Why a person is not in a campaign; the first that holds is the one that is told."""

    OPTED_OUT = "Opted out of this channel"
    "By person or by address, in any system; unknown consent counts as the settings say."
    NO_ADDRESS = "No address for this channel"
    "There is nothing to reach the person by."
    DUPLICATE = "The same address is already taken by another person"
    "One address gets one message."
    OTHER_CONTACT = "Another contact of the same customer was chosen"
    "One person for each customer."
    MEMBER = "Is a member already"
    "A person's arm is never drawn twice."
    RECENT = "Was contacted too lately"
    "Days since the last visit, call or mail."
    PRESSURE = "Has enough contacts"
    "Visits, calls and mails count together, made and planned."
    LOW_SCORE = "Scores too low"
    "Below the least score asked for."
    HOLDOUT = "Held out"
    "Drawn to be left alone, to measure what the campaign does."
    FULL = "The campaign is full"
    "Those with higher scores were taken."


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignParameters:
    """Whom a campaign takes.

    Args:
        name: of the campaign; with it arms are drawn, another name draws anew.
        size: most members, >= 0; none for all.
        least_score: 0 to 1.
        quiet_days: days since the last contact, at least; >= 0.
        most_contacts: contacts from which on a person is left alone; >= 1.
        arms: share of members by arm, above 0; one arm alone is no experiment.
        held_out: the arm whose people are left out; "" for none.
    """

    name: str
    size: int | None = None
    least_score: float = 0.0
    quiet_days: float = 0.0
    most_contacts: int = 1000
    arms: Mapping[str, float] = field(default_factory=lambda: {"control": 0.5, "campaign": 0.5})
    held_out: str = ""

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("campaign.least_score", self.least_score, 0, 1)
        within("campaign.quiet_days", self.quiet_days, 0, 3650)
        within("campaign.most_contacts", self.most_contacts, 1, 1_000_000)
        if not self.arms or min(self.arms.values()) <= 0:
            raise ConfigError("campaign.arms", "a share above 0 for each arm", f"{self.arms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Who is in and who is not; together they are everybody.

    Args:
        chosen: by person: `customer_id`, `arm`, `score`; best first, ties by id.
        excluded: by person: `customer_id`, `reason` (a member of `Excluded`), in order of id.
    """

    chosen: pd.DataFrame
    excluded: pd.DataFrame

    def ledger(self) -> dict[Excluded, int]:
        """People left out by reason, in the order of the reasons; they sum to all excluded."""
        counts = Counter(self.excluded["reason"])
        return {reason: counts[reason] for reason in Excluded if counts[reason]}


def choose_members(
    people: pd.DataFrame, parameters: CampaignParameters, previous: Mapping[str, str] | None = None
) -> Members:
    """Choose a campaign's members and draw their arms, evenly among each rep's customers.

    Args:
        people: by contact id: `customer_id`, `address`, `allowed` (1 where consent lets them be
            reached), `score` (0 to 1; missing counts as 0), `last_contact_days`, `contacts_28`
            (those that a new one would stand among; see `pressure`), `is_member`, `rank` (which
            contact of a customer comes first, least first), `rep`. Columns other than
            `customer_id` and `allowed` may be absent. Order is irrelevant.
        previous: unit (the customer, or the person of none) -> arm drawn before; it stays.
    """
    ranked = _ranked(people)
    unfit = [_unfit(row, parameters) for row in ranked.itertuples(index=False)]
    drawn = _arms(
        ranked.take([at for at, reason in enumerate(unfit) if reason is None]),
        parameters,
        previous or {},
    )
    reasons = _reasons(ranked, parameters, unfit, drawn)
    chosen = ranked.take([at for at, reason in enumerate(reasons) if reason is None])
    out = [at for at, reason in enumerate(reasons) if reason is not None]
    excluded = ranked.take(out)[["customer_id"]].assign(
        reason=pd.Series([reasons[at] for at in out], index=ranked.index[out], dtype=object)
    )
    arms = [drawn[str(key)] for key in chosen["unit"]]
    members = chosen[["customer_id"]].assign(arm=arms, score=chosen["score"])
    return Members(chosen=members, excluded=excluded.sort_index())


def _arms(
    fit: pd.DataFrame, parameters: CampaignParameters, previous: Mapping[str, str]
) -> dict[str, str]:
    """The arms of those who could be reached; only who has none is drawn, so that more people
    move nobody. An arm that the campaign no longer has is drawn anew."""
    first = fit.drop_duplicates("unit")
    held = {unit: arm for unit, arm in previous.items() if arm in parameters.arms}
    units, reps = list(map(str, first["unit"])), list(map(str, first["rep"]))
    return assign_arms(units, reps, parameters.arms, parameters.name, held)


def _ranked(people: pd.DataFrame) -> pd.DataFrame:
    """The people with all columns, best first: by score, then by rank, then by id."""
    ids = [str(key) for key in people.index]
    customers = texts(people, "customer_id")
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series(customers, dtype=object),
            "unit": pd.Series([c or i for c, i in zip(customers, ids, strict=True)], dtype=object),
            "address": pd.Series([t.lower() for t in texts(people, "address")], dtype=object),
            "allowed": _filled(people, "allowed", 0.0),
            "score": np.clip(_filled(people, "score", 0.0), 0, 1),
            "rank": _filled(people, "rank", 0.0),
            "last": _filled(people, "last_contact_days", np.inf),
            "contacts": _filled(people, "contacts_28", 0.0),
            "member": _filled(people, "is_member", 0.0),
            "rep": pd.Series(texts(people, "rep"), dtype=object),
            "id": pd.Series(ids, dtype=object),
        }
    )
    order = frame.sort_values(["score", "rank", "id"], ascending=[False, True, True], kind="stable")
    return order.set_index("id").rename_axis(None)


def _filled(people: pd.DataFrame, column: str, default: float) -> Numbers:
    values = numbers(people, column)
    return np.where(np.isnan(values), default, values)


def _reasons(
    ranked: pd.DataFrame,
    parameters: CampaignParameters,
    unfit: list[Excluded | None],
    drawn: Mapping[str, str],
) -> list[Excluded | None]:
    """Each person's reason to be left out, None for those who are in, best first."""
    reasons: list[Excluded | None] = []
    seen = _Seen(set(), set(), 0)
    # Members of before come first: a customer with one gets no second.
    for row in ranked[ranked["member"] > 0].itertuples(index=False):
        seen.take(str(row.unit), str(row.address))
    for row, barred in zip(ranked.itertuples(index=False), unfit, strict=True):
        reason = barred or seen.clash(str(row.unit), str(row.address))
        if reason is None and parameters.size is not None and seen.taken >= parameters.size:
            reason = Excluded.FULL
        if reason is None:
            # A holdout takes its customer's place, so that no colleague is reached instead.
            seen.take(str(row.unit), str(row.address))
            is_held_out = drawn[str(row.unit)] == parameters.held_out
            reason = Excluded.HOLDOUT if is_held_out else None
            seen.taken += not is_held_out
        reasons.append(reason)
    return reasons


@dataclass(slots=True)
class _Seen:
    """Which customers and addresses are taken, and how many members were chosen."""

    units: set[str]
    addresses: set[str]
    taken: int

    def take(self, unit: str, address: str) -> None:
        self.units.add(unit)
        self.addresses.add(address)

    def clash(self, unit: str, address: str) -> Excluded | None:
        if unit in self.units:
            return Excluded.OTHER_CONTACT
        return Excluded.DUPLICATE if address in self.addresses else None


def _unfit(row: object, parameters: CampaignParameters) -> Excluded | None:
    """What bars this person whoever else is there, the gravest first."""

    def value(name: str) -> float:
        return float(getattr(row, name))

    rules = (
        (value("allowed") <= 0, Excluded.OPTED_OUT),
        (not getattr(row, "address", ""), Excluded.NO_ADDRESS),
        (value("member") > 0, Excluded.MEMBER),
        (value("last") < parameters.quiet_days, Excluded.RECENT),
        (value("contacts") >= parameters.most_contacts, Excluded.PRESSURE),
        (value("score") < parameters.least_score, Excluded.LOW_SCORE),
    )
    return next((reason for holds, reason in rules if holds), None)
