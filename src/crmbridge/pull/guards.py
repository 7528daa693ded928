"""Stops what must not happen by itself: endless reading, and records disappearing in crowds."""

import json
from dataclasses import dataclass, field

from crmbridge.adapters import Page
from crmbridge.errors import RefusedError, RetryLaterError
from crmbridge.pull.held import Place

SHRINK_SHARE = 0.05
SHRINK_LEAST = 20
"""More than this share, and at least so many, may not become missing or deleted unasked."""
COLLAPSE = 0.1
"""A snapshot that shrank to this share of what is held is not believed, however small it is."""
EMPTY_PAGES = 10


@dataclass(slots=True)
class LoopGuard:
    """Notices an adapter or a CRM that goes round in circles."""

    place: Place
    _met: set[int] = field(default_factory=set)
    _empty: int = 0

    def check(self, page: Page) -> None:
        """Look at the next page.

        Raises:
            RetryLaterError: a position came twice, or too many empty pages did.
        """
        is_empty = not (page.rows or page.deleted or page.merged or page.rejected)
        self._empty = self._empty + 1 if is_empty and not page.closed else 0
        if self._empty > EMPTY_PAGES:
            raise self._stop(f"{self._empty} pages with nothing in them")
        if not page.closed or page.complete:
            return
        mark = hash(json.dumps(page.position, sort_keys=True, default=str))
        if mark in self._met:
            raise self._stop("the same position twice")
        self._met.add(mark)

    def _stop(self, got: str) -> RetryLaterError:
        return RetryLaterError(
            str(self.place),
            "pages that lead on",
            got,
            "Reading goes on from there at the next pull",
        )


def is_suspicious(vanishing: int, held: int) -> bool:
    """Whether so many of the records held may not disappear unasked."""
    return vanishing >= SHRINK_LEAST and vanishing > held * SHRINK_SHARE


def is_collapse(read: int, held: int) -> bool:
    """Whether a complete snapshot of so many records is too small to be believed."""
    return held > 0 and (read == 0 or (held >= SHRINK_LEAST and read <= held * COLLAPSE))


def refusal(place: Place, vanishing: int, held: int) -> RefusedError:
    """The error that stops a pull whose records disappear in crowds."""
    allowed = max(SHRINK_LEAST - 1, int(held * SHRINK_SHARE))
    expected = f"at most {allowed} of {held} records to disappear"
    if vanishing <= allowed:
        expected = f"more to be left of {held} records than a tenth"
    return RefusedError(
        str(place),
        expected,
        f"{vanishing} gone",
        "None was marked missing or deleted. Look whether the user may still see all of them; if"
        f" they are really gone, pull with --accept-shrink {vanishing}",
    )
