"""Finds the known name that somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name nearest to one that is not known; "" if none is near."""
    by_lower = {item.lower(): item for item in sorted(known)}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question to ask, or the list of what is known if nothing is near."""
    names = sorted(known)
    found = nearest(name, names)
    if found:
        return f"Did you mean {found!r}?"
    return f"Known here: {', '.join(names)}" if names else ""
