"""Misbehaviour on command: what goes wrong with the next requests."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from crmbridge_hubspot.sandbox.answers import Reply, html, refusal, too_many
from crmbridge_hubspot.sandbox.request import Asked
from crmbridge_hubspot.sandbox.truth import Action


class Mood(Enum):
    """What goes wrong with one request."""

    BUSY = "busy"
    "429, the limit of ten seconds."
    ASKED = "asked"
    "429 with the seconds to wait in Retry-After."
    BUSY_PAGE = "busy_page"
    "429 with a page for people, of the network before HubSpot."
    SECONDLY = "secondly"
    "429, the limit of a second, as searches have it."
    DAILY = "daily"
    "429, the limit of the day."
    LOCKED = "locked"
    "423: somebody else writes to the same record."
    MIGRATING = "migrating"
    "477: the account moves to another data centre."
    HTML = "html"
    "502 with a page for people."
    HTML_200 = "html_200"
    "200 with a page for people, as a login page of the network would."
    BROKEN = "broken"
    "A body that ends in its middle."
    RESET = "reset"
    "The connection is reset instead of an answer; nothing was done."
    LOST = "lost"
    "A write is carried out, and the connection is reset instead of an answer."
    EXPIRED = "expired"
    "All OAuth tokens end."
    SCOPES = "scopes"
    "403 for want of a scope."
    FORBIDDEN = "forbidden"
    "403 of an account whose subscription lacks it."
    HALF = "half"
    "Every second input of a batch is refused."


@dataclass(slots=True)
class _Planned:
    mood: Mood
    pattern: str
    after: int
    times: int


@dataclass(slots=True)
class Moods:
    """What is planned, in order; used by several threads."""

    _planned: list[_Planned] = field(default_factory=list)
    _before: list[tuple[str, Action]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(
        self, mood: Mood | str, pattern: str = "crm/|marketing/", *, after: int = 0, times: int = 1
    ) -> None:
        """Let the next requests whose path matches go wrong, once `after` more went well."""
        with self._lock:
            self._planned.append(_Planned(Mood(mood), pattern, after, times))

    def before(self, pattern: str, action: Action) -> None:
        """Do something just before the next request whose path matches: a user edits."""
        with self._lock:
            self._before.append((pattern, action))

    def heal(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._planned.clear()
            self._before.clear()

    def due(self, asked: Asked) -> Mood | None:
        """What is to go wrong with a request."""
        with self._lock:
            now = [one for one in self._before if re.search(one[0], asked.path)][:1]
            for one in now:
                self._before.remove(one)
            found = self._take(asked)
        for _, action in now:
            action()
        return found

    def _take(self, asked: Asked) -> Mood | None:
        for one in self._planned:
            if not re.search(one.pattern, asked.path):
                continue
            if one.mood in (Mood.LOST, Mood.HALF) and not asked.is_write:
                continue
            if one.after:
                one.after -= 1
                continue
            one.times -= 1
            if not one.times:
                self._planned.remove(one)
            return one.mood
        return None


def _no_scope() -> Reply:
    message = "One or more of the following scopes are required."
    context = {"requiredGranularScopes": ["crm.objects.contacts.read"]}
    return refusal(403, "MISSING_SCOPES", message, context=context).reply


INSTEAD: dict[Mood, Callable[[], Reply]] = {
    Mood.BUSY: lambda: too_many("TEN_SECONDLY_ROLLING"),
    Mood.ASKED: lambda: replace(too_many("SECONDLY"), headers={"Retry-After": "3"}),
    Mood.BUSY_PAGE: lambda: html(429),
    Mood.SECONDLY: lambda: too_many("SECONDLY"),
    Mood.DAILY: lambda: too_many("DAILY"),
    Mood.LOCKED: lambda: refusal(423, "LOCKED", "The record is locked for 2 s.").reply,
    Mood.MIGRATING: lambda: Reply(477, {"status": "error"}, {"Retry-After": "86400"}),
    Mood.HTML: lambda: html(502),
    Mood.HTML_200: lambda: html(200),
    Mood.SCOPES: _no_scope,
    Mood.FORBIDDEN: lambda: (
        refusal(403, "FORBIDDEN", "This account does not have access to it.").reply
    ),
}
"""Moods that are an answer."""
