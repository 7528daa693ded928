"""How fast a million CSV rows get into the store, against reading them alone.

    python benchmarks/pull_csv.py [--rows N] [--seed N] [--json]

In one run: (a) csv.reader to tuples with the same conversions, nothing stored; (b) our whole pull
into SQLite; (c) the same pull again, nothing changed. Each in a process of its own, so that its
peak memory is its own.

On a busy machine only the CPU times and their ratio mean anything.

Goals: (b) at least 100,000 rows/s, at most 3.5 times (a), below 200 MB; (c) rewrites nothing and
takes no longer than (b).
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from crmbridge.clock import SystemClock
from crmbridge.pull import Source, SourceObject, pull
from crmbridge.store import open_store
from crmbridge.store.schema import RECORDS
from crmbridge.testing.context import make_context
from crmbridge_csv.adapter import ADAPTER

HEADER = (
    "id", "name", "number", "owner_id", "street", "city", "postcode", "latitude", "longitude",
    "revenue", "employees", "last_visit_at",
)  # fmt: skip
"""Twelve columns of customers: about 450 bytes a row; ids ascend, as exports' do."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def generate(path: Path, rows: int, seed: int) -> None:
    """Write the file, the same for the same seed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_rows(rows, random.Random(seed)))


def _rows(rows: int, rnd: random.Random) -> Iterator[tuple[str, ...]]:
    words = ["".join(rnd.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(4_000)]
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(rows):
        yield (
            f"{number * 7:018d}",
            f"{rnd.choice(words).title()} and Sons {number}",
            f"C-{number:09d}",
            f"rep{number % 500}@example.com",
            " ".join(rnd.choices(words, k=30)),
            rnd.choice(words).title(),
            f"{rnd.randrange(100_000):05d}",
            f"{rnd.uniform(47, 55):.6f}",
            f"{rnd.uniform(6, 15):.6f}",
            f"{rnd.uniform(1e4, 1e7):.2f}",
            str(rnd.randrange(1, 5_000)),
            (start + timedelta(seconds=rnd.randrange(31_000_000))).isoformat(),
        )


def drain(folder: Path) -> dict[str, Any]:
    """(a) The file to converted tuples, and no further."""
    read = 0
    parse, millisecond = datetime.fromisoformat, timedelta(milliseconds=1)
    with (folder / "data" / "customers.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            a, b, c, d, e, f, g, h, i, j, k, at = row
            converted = (
                a, b or None, c or None, d or None, e or None, f or None, g or None, float(h),
                float(i), float(j), int(k), (parse(at) - EPOCH) // millisecond,
            )  # fmt: skip
            read += len(converted) == len(HEADER)
    return {"read": read}


def pull_once(folder: Path, run_id: int) -> dict[str, Any]:
    """One pull of the folder's customers, as `crmbridge pull` does it."""
    with closing(open_store(store_url(folder))) as store:
        context = make_context(folder)
        connection = ADAPTER.open(ADAPTER.settings(path="data"), context)
        mapping = ADAPTER.mappings["customers"]["customers"]
        customers = SourceObject(
            stream="customers",
            object="customers",
            fields=mapping,
            optional=frozenset(mapping) - {"id"},
        )
        source = Source(
            connection="files",
            open=connection,
            capabilities=ADAPTER.capabilities,
            objects=(customers,),
            clock=SystemClock(),
            run_id=run_id,
        )
        report = pull(store, source)
        for problem in report.problems:
            raise problem.error
        return asdict(report.of("customers"))


def rewritten(folder: Path, run_id: int) -> int:
    """How many rows bear the mark of a run, as the store has it."""
    with closing(open_store(store_url(folder))) as store, store.read() as tx:
        query = select(func.count()).where(RECORDS["customers"].c.changed_run == run_id)
        return int(tx.execute(query).scalar_one())


def store_url(folder: Path) -> str:
    """Where the records go."""
    return f"sqlite:///{folder / 'bench.db'}"


WORK: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "drain": drain,
    "first": lambda folder: pull_once(folder, 1),
    "second": lambda folder: pull_once(folder, 2),
}


def work(name: str, folder: Path) -> dict[str, Any]:
    """Do one part in this process, and say how long it took and how much memory it had."""
    start, start_cpu = time.perf_counter(), time.process_time()
    done = WORK[name](folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**done, "seconds": round(seconds, 3), "cpu": round(cpu, 3), "peak_mb": round(peak, 1)}


def apart(name: str, folder: Path) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--work", name, "--folder", str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def measure(rows: int, seed: int) -> dict[str, Any]:
    """All three, one after the other, over the same file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        generate(folder / "data" / "customers.csv", rows, seed)
        size = (folder / "data" / "customers.csv").stat().st_size
        parts = {part: apart(part, folder) for part in WORK}
        marked = rewritten(folder, 2)
    first, second = parts["first"]["seconds"], parts["second"]["seconds"]
    times = first / parts["drain"]["seconds"]
    times_cpu = parts["first"]["cpu"] / parts["drain"]["cpu"]
    goals = {
        "100,000 rows/s or more": rows / first >= 100_000,
        "3.5 times the drain or less": times <= 3.5,
        "below 200 MB": parts["first"]["peak_mb"] < 200,
        "nothing rewritten": marked == 0,
        "the second pull no longer": second <= first,
    }
    return {
        "rows": rows,
        "bytes_per_row": round(size / rows),
        "parts": parts,
        "rewritten": marked,
        "rows_per_second": round(rows / first),
        "times_drain": round(times, 2),
        "times_drain_cpu": round(times_cpu, 2),
        "goals": goals,
    }


def show(result: Mapping[str, Any]) -> None:
    """The result for people."""
    print(f"{result['rows']:,} rows of {result['bytes_per_row']} bytes")
    for name, part in result["parts"].items():
        print(
            f"  {name:8}{part['seconds']:8.2f} s {part['cpu']:8.2f} s CPU {part['peak_mb']:8.1f} MB"
        )
    print(
        f"  {result['rows_per_second']:,} rows/s, {result['times_drain']} times the drain"
        f" by the clock, {result['times_drain_cpu']} by CPU"
    )
    for goal, is_met in result["goals"].items():
        print(f"  {'met' if is_met else 'MISSED':8}{goal}")


def main() -> None:
    """Parse, measure, show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", choices=[*WORK], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(options.work, options.folder)))
        return
    result = measure(options.rows, options.seed)
    if options.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
