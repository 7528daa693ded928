"""However many threads push, the server sees no more at once than the settings allow."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from crmbridge.adapters import (
    Capabilities,
    Connection,
    ObjectCapability,
    Operation,
    Outcome,
    Page,
    ReadRequest,
    Status,
    WriteItem,
)
from crmbridge.adapters.http import Effect, HttpClient
from crmbridge.clock import SystemClock
from crmbridge.push.apply import Orders, apply
from crmbridge.push.changeset import Change, Changeset, Item, item_name, named
from crmbridge.push.ledger import save_changeset
from crmbridge.push.settle import Target
from crmbridge.store import Store
from crmbridge.testing.context import make_client
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge.testing.truth import START


class Posting(Connection):
    """Posts each batch in one request."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def check(self) -> Sequence[Any]:
        return ()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        raise NotImplementedError

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        ids = [item.id for item in items]
        self._http.post("/write", {"ids": ids}, effect=Effect.KEYED)
        return [Outcome(item=one.item, status=Status.APPLIED, id=one.id) for one in items]


class Counter:
    """How many requests are under way at once; each takes long enough to meet others."""

    def __init__(self) -> None:
        self.most = self.now = self.all = 0
        self._lock = threading.Lock()

    def reply(self, received: Received) -> Reply:
        def late(handler: Any) -> None:
            with self._lock:
                self.now, self.all = self.now + 1, self.all + 1
                self.most = max(self.most, self.now)
            threading.Event().wait(0.02)
            with self._lock:
                self.now -= 1
            answer(document={})(handler)

        return late


def kept(store: Store, count: int) -> str:
    items = tuple(
        Item(
            item=item_name(Operation.UPDATE, "sales", "Account", f"A{number}"),
            connection="sales",
            object="Account",
            id=f"A{number}",
            operation=Operation.UPDATE,
            changes=(Change(field="Score", before=1, after=2),),
        )
        for number in range(count)
    )
    changeset = named(
        Changeset(
            id="", created_at=START, epoch=store.epoch, organisations={"sales": ""}, items=items
        )
    )
    save_changeset(store, changeset, run_id=1)
    return changeset.id


@pytest.fixture
def pushed(store: Store) -> Callable[[int, int], Counter]:
    """Push sixty items, two a batch, by so many threads through a client with such a limit."""

    def push(threads: int, limit: int) -> Counter:
        counter = Counter()
        account = ObjectCapability(
            stream="customers", operations=frozenset({Operation.UPDATE}), batch=2
        )
        capabilities = Capabilities(objects={"Account": account}, workers=8)
        with LoopbackServer(counter.reply) as server:
            http = make_client(server.url, clock=SystemClock(), concurrent=limit)
            target = Target(name="sales", connection=Posting(http), capabilities=capabilities)
            orders = Orders(clock=SystemClock(), concurrent={"sales": threads})
            report = apply(store, kept(store, 60), {"sales": target}, orders)
            http.close()
        assert report.outcomes["applied"] == 60
        return counter

    return push


def test_a_limit_on_requests_at_once_holds_for_eight_threads(
    pushed: Callable[[int, int], Counter],
) -> None:
    seen = pushed(8, 3)

    assert (seen.most, seen.all) == (3, 30)


def test_eight_batches_are_in_flight_where_eight_are_allowed(
    pushed: Callable[[int, int], Counter],
) -> None:
    assert 5 <= pushed(8, 8).most <= 8  # usually eight; a busy machine may not start them in time


def test_one_thread_sends_one_batch_at_a_time(pushed: Callable[[int, int], Counter]) -> None:
    assert pushed(1, 8).most == 1
