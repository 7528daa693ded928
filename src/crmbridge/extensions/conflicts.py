"""Decides who gets a name that several plugins offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from crmbridge.extensions.plugins import Code, Origin, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Generic[T]):
    """Something a plugin offers under a name."""

    item: T
    name: str
    origin: Origin


def settle(
    offers: Sequence[Offer[T]], hook: str
) -> tuple[dict[str, Offer[T]], tuple[Problem, ...]]:
    """Give each name to the one that offers it.

    Ours keeps its name, so that nobody can take the place of an adapter that is trusted. Between
    others no order is right: a name that two of them offer is given to neither.
    """
    by_name: dict[str, list[Offer[T]]] = {}
    for offer in offers:
        by_name.setdefault(offer.name, []).append(offer)
    settled: dict[str, Offer[T]] = {}
    problems: list[Problem] = []
    for name, rivals in sorted(by_name.items()):
        winner = _winner(rivals)
        if winner is not None:
            settled[name] = winner
        problems += [_problem(offer, rivals, hook) for offer in rivals if offer is not winner]
    return settled, tuple(problems)


def _winner(rivals: Sequence[Offer[T]]) -> Offer[T] | None:
    own = [offer for offer in rivals if offer.origin.is_own]
    candidates = own or rivals
    return candidates[0] if len(candidates) == 1 else None


def _problem(offer: Offer[T], rivals: Sequence[Offer[T]], hook: str) -> Problem:
    others = ", ".join(str(rival.origin) for rival in rivals if rival is not offer)
    return Problem(
        origin=offer.origin,
        code=Code.CONFLICT,
        reason=f"{offer.name!r} is offered by {others}, too",
        hook=hook,
        remedy="Allow or install only one of them",
    )
