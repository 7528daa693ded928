"""What goes wrong with the next requests, on command."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Mood(Enum):
    """How one request is misanswered."""

    BUSY = "busy"
    "503 with SERVER_UNAVAILABLE; nothing was done."
    TOO_MANY = "too_many"
    "429 with Retry-After; nothing was done."
    TOO_MANY_UNTIL = "too_many_until"
    "429 whose Retry-After is a date; nothing was done."
    TOO_MANY_BARE = "too_many_bare"
    "429 as a web page that does not say how long; nothing was done."
    GATEWAY = "gateway"
    "502 with a web page; nothing was done."
    CONCURRENT = "concurrent"
    "403 REQUEST_LIMIT_EXCEEDED for requests that run at once; nothing was done."
    LIMIT = "limit"
    "403 REQUEST_LIMIT_EXCEEDED for the day; nothing was done."
    EXPIRED = "expired"
    "401 INVALID_SESSION_ID: the session is over, and a new one must be had."
    HTML = "html"
    "200 with a web page; nothing was done."
    EDGE = "edge"
    "420 with an empty body; nothing was done."
    ERROR = "error"
    "500 UNKNOWN_EXCEPTION; nothing was done."
    TRUNCATED = "truncated"
    "Carried out, and the answer's body breaks off."
    LOST = "lost"
    "Carried out, and the connection is reset instead of an answer."
    HALF = "half"
    "Every second row of a collection is refused, the others land."
    LOCKED = "locked"
    "Every row of a collection is refused with UNABLE_TO_LOCK_ROW."


@dataclass(slots=True)
class _Planned:
    mood: Mood
    path: str
    method: str
    after: int
    times: int


@dataclass(slots=True)
class Moods:
    """Which requests are misanswered, and what happens in the organisation just before one."""

    _planned: list[_Planned] = field(default_factory=list)
    _before: list[tuple[str, Callable[[], object]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(
        self, mood: Mood, *, path: str = "/services/data", method: str = "", after: int = 0,
        times: int = 1,
    ) -> None:  # fmt: skip
        """Misanswer `times` requests whose path holds `path`, once `after` more went well."""
        with self._lock:
            self._planned.append(_Planned(mood, path, method, after, times))

    def before(self, path: str, action: Callable[[], object]) -> None:
        """Run an action before the next request whose path holds `path`, once."""
        with self._lock:
            self._before.append((path, action))

    def heal(self) -> None:
        """Forget all that was planned."""
        with self._lock:
            self._planned.clear()
            self._before.clear()

    def due(self, method: str, path: str) -> Mood | None:
        """The mood for this request."""
        with self._lock:
            action = next((one for one in self._before if one[0] in path), None)
            if action is not None:
                self._before.remove(action)
            found = next((one for one in self._planned if self._fits(one, method, path)), None)
            if found is not None and found.after > 0:
                found.after -= 1
                found = None
            elif found is not None:
                found.times -= 1
        if action is not None:
            action[1]()
        return found.mood if found else None

    @staticmethod
    def _fits(one: _Planned, method: str, path: str) -> bool:
        return one.times > 0 and one.path in path and one.method in {"", method}
