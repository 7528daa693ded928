"""Sends batches by several threads, each only after the intent to send it was committed."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field

from crmbridge.adapters import Clock, Outcome, WriteItem
from crmbridge.errors import CrmbridgeError
from crmbridge.push.changeset import Item
from crmbridge.push.journal import Landed
from crmbridge.push.send import Sent, send
from crmbridge.push.settle import Target

AHEAD = 2
"""Batches with a committed intent per thread: one is sent, one waits, so that no thread waits for
the disk."""

LOOK_AGAIN_SECONDS = 1.0
"""An intent older than this is no proof that the lease is still ours: the process may have been
stopped in between. A younger one was committed under the lease just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a flight asks of whoever keeps the books.

    Args:
        between: called before each batch; raises to stop.
        check: raises unless the lease is still ours.
        writes: the writes of a batch.
        turn: commits what landed, and the intent to send what comes next, at once.
    """

    between: Callable[[], None]
    check: Callable[[], None]
    writes: Callable[[Sequence[Item]], Sequence[WriteItem]]
    turn: Callable[[Landed, Sequence[Item]], None]


def fly(
    target: Target, batches: Iterable[list[Item]], threads: int, clock: Clock, steps: Steps
) -> CrmbridgeError | None:
    """Send all batches, at most `threads` of them at once.

    Returns:
        why sending stopped before the last one; None if it did not.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="push") as pool:
        flight = _Flight(
            target=target, pool=pool, clock=clock, steps=steps, left=deque(batches), threads=threads
        )
        try:
            return flight.through()
        except BaseException:
            flight.give_up()
            raise


@dataclass(slots=True, kw_only=True)
class _Flight:
    """Batches on their way.

    Args:
        flying: those whose intent is committed; some of them still wait for a thread.
        landed: what is known and not committed yet.
    """

    target: Target
    pool: ThreadPoolExecutor
    clock: Clock
    steps: Steps
    left: deque[list[Item]]
    threads: int
    flying: dict[Future[Sent], list[Item]] = field(default_factory=dict)
    landed: Landed = field(default_factory=Landed)
    stop: CrmbridgeError | None = None

    def through(self) -> CrmbridgeError | None:
        """Send until nothing is left, or something says to stop."""
        while True:
            starting = self._starting()
            at = self.clock.monotonic()  # before the commit, which proves the lease
            self._turn([item for batch in starting for item in batch])
            for batch in starting:
                writes = self.steps.writes(batch)
                self.flying[self.pool.submit(self._send, writes, at)] = batch
            if not self.flying:
                return self.stop
            self._land()

    def give_up(self) -> None:
        """Keep what is answered; what cannot be kept is looked up next time."""
        self._add((), self._recall())
        with suppress(CrmbridgeError):
            self._turn(())
            while self.flying:
                self._land()
                self._turn(())

    def _turn(self, starting: Sequence[Item]) -> None:
        self.steps.turn(self.landed, starting)
        self.landed = Landed()

    def _starting(self) -> list[list[Item]]:
        room = 0 if self.stop is not None else AHEAD * self.threads - len(self.flying)
        starting = []
        for _ in range(min(room, len(self.left))):
            self.steps.between()
            starting.append(self.left.popleft())
        return starting

    def _send(self, writes: Sequence[WriteItem], intended_at: float) -> Sent:
        if self.clock.monotonic() - intended_at > LOOK_AGAIN_SECONDS:
            try:
                self.steps.check()
            except CrmbridgeError as lost:
                return Sent(unsent=list(writes), stop=lost)
        return send(self.target, writes, self.clock)

    def _land(self) -> None:
        """Wait for the next answers: all that are there, and what is called back for them."""
        for one in wait(self.flying, return_when=FIRST_COMPLETED).done:
            by_name = {item.item: item for item in self.flying.pop(one)}
            sent = one.result()
            self._add(
                [(by_name[name], outcome) for name, outcome in sent.outcomes.items()],
                [write.item for write in sent.unsent],
            )
            self.stop = self.stop or sent.stop
        if self.stop is not None:
            self._add((), self._recall())

    def _add(self, outcomes: Sequence[tuple[Item, Outcome]], unsent: Sequence[str]) -> None:
        self.landed = Landed(
            outcomes=[*self.landed.outcomes, *outcomes], unsent=[*self.landed.unsent, *unsent]
        )

    def _recall(self) -> list[str]:
        """Call back what no thread has taken yet; the names of its items."""
        idle = [one for one in self.flying if one.cancel()]
        return [item.item for one in idle for item in self.flying.pop(one)]
