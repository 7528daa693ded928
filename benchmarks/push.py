"""How much faster many changes are pushed by eight threads than by one, at 100 ms an answer.

    python benchmarks/push.py [--changes N] [--threads N] [--latency SECONDS] [--json]

A server on this machine, in a process of its own, speaks HubSpot's batch paths and answers each
request after the latency. The real adapter pushes the same changeset of scores twice into two such
servers, with one batch in flight and with several, limits off; journal, audit and all that a push
keeps go into a SQLite store as always.

On a busy machine the store's and the server's own work weigh more than the waits.

Goal: eight threads are at least seven times as fast as one.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Lock
from typing import Any

from crmbridge.adapters import Context, Operation
from crmbridge.adapters.http import Limits, Traffic, open_http
from crmbridge.clock import SystemClock
from crmbridge.pull.garbage import rarely_collecting
from crmbridge.push.apply import Orders, apply
from crmbridge.push.changeset import Change, Changeset, Item, item_name, named
from crmbridge.push.ledger import save_changeset
from crmbridge.push.settle import Target
from crmbridge.store import Store, open_store
from crmbridge.testing.context import RecordingLog
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer
from crmbridge_hubspot.adapter import ADAPTER

OBJECT, FIELD = "companies", "visit_score"
BEFORE, AFTER = "50", "70"


class BatchServer:
    """Companies that all hold one value, and how many requests were under way at once."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._lock = Lock()
        self._under_way = self.most = self.requests = 0

    def reply(self, received: Received) -> Reply:
        """A reply that takes its time; the time is spent outside the server's own lock."""
        document = self._document(received)
        plain = answer(document=document)

        def late(handler: Any) -> None:
            with self._lock:
                self.requests += 1
                self._under_way += 1
                self.most = max(self.most, self._under_way)
            time.sleep(self._latency)
            with self._lock:
                self._under_way -= 1
            plain(handler)

        return late

    def _document(self, received: Received) -> dict[str, Any]:
        if not received.path.startswith(f"/crm/v3/objects/{OBJECT}/batch/"):
            return {"portalId": 1, "results": []}
        value = AFTER if received.path.endswith("/update") else BEFORE
        inputs = received.json()["inputs"]
        results = [{"id": one["id"], "properties": {FIELD: value}} for one in inputs]
        return {"status": "COMPLETE", "results": results}


def serve(pipe: Pipe, latency: float) -> None:
    """Serve until told to stop, then say what was seen."""
    seen = BatchServer(latency)
    with LoopbackServer(seen.reply) as server:
        pipe.send(server.url)
        pipe.recv()
    pipe.send({"requests": seen.requests, "most_at_once": seen.most})


@contextmanager
def served(latency: float, told: dict[str, Any]) -> Iterator[str]:
    """A server in a process of its own; at the end `told` holds what it saw."""
    processes = get_context("spawn")
    ours, theirs = processes.Pipe()
    process = processes.Process(target=serve, args=(theirs, latency), daemon=True)
    process.start()
    try:
        yield ours.recv()
        ours.send("stop")
        told.update(ours.recv())
    finally:
        process.join(10)


def kept(store: Store, changes: int) -> str:
    """A changeset of so many scores, kept for applying."""
    change = Change(field=FIELD, before=BEFORE, after=AFTER)
    items = tuple(
        Item(
            item=item_name(Operation.UPDATE, "sales", OBJECT, str(number)),
            connection="sales",
            object=OBJECT,
            id=str(number),
            operation=Operation.UPDATE,
            changes=(change,),
            parent=str(number),
        )
        for number in range(changes)
    )
    changeset = named(
        Changeset(
            id="",
            created_at=datetime.now(UTC),
            epoch=store.epoch,
            organisations={"sales": "1"},
            items=items,
        )
    )
    save_changeset(store, changeset, run_id=1)
    return changeset.id


def push(changes: int, threads: int, latency: float) -> dict[str, Any]:
    """Push so many changes by so many threads."""
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, served(latency, told) as url:
        folder = Path(name)
        clock, log = SystemClock(), RecordingLog()
        limits = Limits(concurrent=threads)
        http = open_http(url, Traffic(connection="sales", clock=clock, log=log, limits=limits))
        context = Context(
            connection="sales",
            base=folder,
            folder=folder,
            clock=clock,
            log=log,
            url=url,
            auth={"method": "private_app", "access_token": "benchmark"},
            http=http,
        )
        with closing(open_store(f"sqlite:///{folder}/store.db")) as store:
            id_ = kept(store, changes)
            connection = ADAPTER.open(ADAPTER.settings(), context)
            target = Target(name="sales", connection=connection, capabilities=ADAPTER.capabilities)
            start, cpu = time.perf_counter(), time.process_time()
            with rarely_collecting():
                report = apply(store, id_, {"sales": target}, Orders(clock=clock, threads=threads))
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        http.close()
    return {
        "threads": threads,
        "applied": report.outcomes["applied"],
        "seconds": round(seconds, 2),
        "cpu": round(cpu, 2),
        **told,
    }


def measure(changes: int, threads: int, latency: float) -> dict[str, Any]:
    """One thread, then several."""
    one, several = push(changes, 1, latency), push(changes, threads, latency)
    ratio = one["seconds"] / several["seconds"]
    goals = {
        "every change applied": one["applied"] == several["applied"] == changes,
        f"never more than {threads} requests at once": several["most_at_once"] <= threads,
        "7 times as fast": ratio >= 7,
    }
    return {
        "changes": changes,
        "latency": latency,
        "one": one,
        "several": several,
        "ratio": round(ratio, 2),
        "goals": goals,
    }


def show(result: Mapping[str, Any]) -> None:
    """The result for people."""
    print(f"{result['changes']:,} changes, {result['latency'] * 1000:g} ms an answer")
    for part in (result["one"], result["several"]):
        print(
            f"  {part['threads']:2} threads {part['seconds']:8.2f} s {part['cpu']:8.2f} s CPU"
            f"   {part['requests']} requests, {part['most_at_once']} at once"
        )
    print(f"  {result['ratio']} times as fast")
    for goal, is_met in result["goals"].items():
        print(f"  {'met' if is_met else 'MISSED':8}{goal}")


def main() -> None:
    """Parse, measure, show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.changes, options.threads, options.latency)
    print(json.dumps(result)) if options.json else show(result)


if __name__ == "__main__":
    main()
