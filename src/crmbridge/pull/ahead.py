"""Converts the next page while one is committed, if it is on this machine already.

A database lets go of the interpreter while it writes: on two cores a pull takes little longer than
the longer of both. A page that the CRM would have to be asked for is not asked for ahead: after a
crash it would be asked for twice.
"""

import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

SWITCH_SECONDS = 0.0005
"""How soon a thread that comes back from the database gets the interpreter: by Python's own 5 ms,
each statement would wait longer than it took."""
LEAVE_SECONDS = 1.0
"""How long one that is being ended waits for a request under way."""


class _EndError(Exception):
    """There are no more items."""


@dataclass(slots=True)
class _Fetched(Generic[T]):
    item: T | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Ahead(Generic[T]):
    """Hands items from the thread that makes them to the one that takes them."""

    items: Generator[T, None, None]
    is_next_at_hand: Callable[[T], bool]
    fetched: "SimpleQueue[_Fetched[T]]" = field(default_factory=SimpleQueue)
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1))
    is_left: bool = False

    def run(self) -> None:
        """Make one item whenever there is room for it, until the end, an error or the leaving."""
        error: BaseException = _EndError()
        try:
            while self._has_room():
                self.fetched.put(_Fetched(item=next(self.items)))
        except StopIteration:
            pass
        except BaseException as raised:  # raised again where the item is taken
            error = raised
        finally:
            self.items.close()
        self.fetched.put(_Fetched(error=error))

    def _has_room(self) -> bool:
        self.room.acquire()
        return not self.is_left

    def __iter__(self) -> Iterator[T]:
        while True:
            found = self.fetched.get()
            if isinstance(found.error, _EndError):
                return
            if found.error is not None:
                raise found.error
            item: T = found.item  # type: ignore[assignment]  # no error means an item
            ahead = self.is_next_at_hand(item)
            if ahead:
                self.room.release()
            yield item
            if not ahead:
                self.room.release()

    def leave(self) -> None:
        """Make no further item."""
        self.is_left = True
        self.room.release()


@contextmanager
def one_ahead(
    items: Generator[T, None, None], is_next_at_hand: Callable[[T], bool]
) -> Iterator[Iterator[T]]:
    """An iterator's items, made by another thread while the one before is worked on.

    An item whose next is not at hand is worked on to the end before the next is made. An error
    comes after all items that were made before it. On leaving, what is being made is waited for,
    unless the process is being ended.
    """
    ahead = _Ahead(items, is_next_at_hand)
    thread = threading.Thread(target=ahead.run, name="one ahead", daemon=True)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    thread.start()
    patience: float | None = LEAVE_SECONDS
    try:
        yield iter(ahead)
        patience = None
    except Exception:
        patience = None
        raise
    finally:
        ahead.leave()
        thread.join(patience)
        sys.setswitchinterval(before)
