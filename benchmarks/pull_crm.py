"""How fast CRMs get into the store, against reading them alone and against dlt.

    python benchmarks/pull_crm.py [--contacts N] [--rows N] [--pairs N] [--quick] [--json]

In one run, against loopback servers that serve answers built before (`_crm_server.py`), limits off,
each part in a process of its own, the pairs one after the other:

- HubSpot-like contacts in pages of 100 with twenty properties: `crmbridge pull` into a new SQLite
  store; requests + orjson to tuples (default session, keep-alive, one thread, nothing stored); and
  once dlt's REST source into DuckDB (upsert, parquet), where dlt is installed.
- Salesforce contacts by Bulk API 2.0, 50,000 rows a part: `crmbridge pull`; and the same bytes by
  requests through csv.reader to tuples, nothing stored.

Times are of whole processes, start included; ratios are medians of the pairs. CPU is user and
system time of the process: on a busy machine it says more than the clock.

Goals: 1.6 times the first drain or less, 4 times as fast as dlt, 3.5 times the second drain or
less; below 200 MB; every row there.
"""

import argparse
import csv
import io
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

SERVER = Path(__file__).with_name("_crm_server.py")
RESULTS = "/services/data/v62.0/jobs/query/750A/results"
CONFIG = """
[store]
url = "sqlite:///bench.db"

[connections.crm]
adapter = "{kind}"
url = "{url}"
{own}

[connections.crm.auth]
access_token = {{ env = "BENCH_TOKEN" }}

[connections.crm.limits]
daily_share = 0
reserve_share = 0
"""
OWN = {"hubspot": "searches_per_second = 0", "salesforce": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one part took; peak memory in MB."""

    rows: int
    seconds: float
    cpu: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two parts over the same rows; `times` is ours over the other, by the clock and by CPU."""

    what: str
    rows: int
    ours: Taken
    other: Taken
    times: float
    times_cpu: float


@contextmanager
def serving(kind: str, rows: int) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, str(SERVER), "--kind", kind, "--rows", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = json.loads(server.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}"
        server.stdin.close()


def drain_hubspot(url: str, folder: Path) -> int:
    """requests + orjson: pages to tuples, and no further."""
    import orjson
    import requests

    session, params, rows, pick = requests.Session(), {"limit": "100"}, 0, None
    session.headers["Authorization"] = "Bearer token"
    while True:
        answer = session.get(f"{url}/crm/v3/objects/contacts", params=params)
        page = orjson.loads(answer.content)
        pick = pick or itemgetter(*page["results"][0]["properties"])
        rows += len([(one["id"], *pick(one["properties"])) for one in page["results"]])
        if "paging" not in page:
            return rows
        params["after"] = page["paging"]["next"]["after"]


def drain_salesforce(url: str, folder: Path) -> int:
    """A streamed csv.reader: parts to tuples, and no further."""
    import requests

    session, rows, params = requests.Session(), 0, {"maxRecords": "50000"}
    session.headers["Authorization"] = "Bearer token"
    while True:
        with session.get(url + RESULTS, params=params, stream=True) as answer:
            raw: Any = answer.raw
            raw.auto_close = False  # else it closes under the reader at its end
            text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            table = map(tuple, csv.reader(text))
            next(table)
            rows += sum(1 for _ in table)
            locator = answer.headers["Sforce-Locator"]
        if locator == "null":
            return rows
        params["locator"] = locator


def load_with_dlt(url: str, folder: Path) -> int:
    """dlt's REST source into DuckDB: parquet files, merged by upsert."""
    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR")
    import dlt  # type: ignore[import-not-found]
    from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]

    source = rest_api_source(
        {
            "client": {
                "base_url": f"{url}/crm/v3/",
                "headers": {"Authorization": "Bearer token"},
                "paginator": {
                    "type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after",
                },
            },
            "resources": [
                {
                    "name": "contacts",
                    "primary_key": "id",
                    "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                    "endpoint": {
                        "path": "objects/contacts", "params": {"limit": 100},
                        "data_selector": "results",
                    },
                }
            ],
        }
    )  # fmt: skip
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=str(folder),
        destination=dlt.destinations.duckdb(str(folder / "bench.duckdb")),
        dataset_name="crm",
    )
    pipeline.run(source, loader_file_format="parquet")
    with pipeline.sql_client() as client:
        found = client.execute_sql("SELECT count(*) FROM contacts")
    return int(found[0][0])


WORK: Mapping[str, Callable[[str, Path], int]] = {
    "drain-hubspot": drain_hubspot,
    "drain-salesforce": drain_salesforce,
    "dlt": load_with_dlt,
}


def apart(name: str, url: str) -> Taken:
    """A drain or dlt in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--work", name, "--url", url, "--folder", folder]
        taken, out = timed(command, Path(folder))
    return Taken(rows=int(out.split()[-1]), **taken)


def pulled(kind: str, url: str) -> Taken:
    """`crmbridge pull` into a new store, and how many records it holds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "crmbridge.toml").write_text(CONFIG.format(kind=kind, url=url, own=OWN[kind]))
        main = "from crmbridge.cli.main import main; main()"
        arguments = ["pull", "crm", "--stream", "contacts", "--json"]
        taken, _ = timed([sys.executable, "-c", main, *arguments], folder)
        with closing(sqlite3.connect(folder / "bench.db")) as store:
            rows = store.execute("SELECT count(*) FROM contacts").fetchone()[0]
    return Taken(rows=rows, **taken)


def timed(command: Sequence[str], folder: Path) -> tuple[dict[str, float], str]:
    """Run a command in a folder: what it took, and what it printed."""
    environment = {**os.environ, "BENCH_TOKEN": "token"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled modules
    start = time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, cwd=folder, env=environment
    ) as child:
        assert child.stdout is not None
        out = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command[:4])}: expected exit 0, got {child.returncode}\n{out}")
    return _usage(time.perf_counter() - start, usage), out


def _usage(seconds: float, usage: resource.struct_rusage) -> dict[str, float]:
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss / 1024
    return {"seconds": round(seconds, 3), "cpu": round(cpu, 3), "peak_mb": round(peak, 1)}


def compared(what: str, rows: int, ours: Sequence[Taken], other: Sequence[Taken]) -> Compared:
    """The medians of some pairs."""
    pairs = list(zip(ours, other, strict=False))
    return Compared(
        what=what,
        rows=rows,
        ours=_middle(ours),
        other=_middle(other),
        times=round(median(one.seconds / two.seconds for one, two in pairs), 2),
        times_cpu=round(median(one.cpu / two.cpu for one, two in pairs), 2),
    )


def _middle(parts: Sequence[Taken]) -> Taken:
    """Medians, but the highest peak and the fewest rows."""
    return Taken(
        rows=min(one.rows for one in parts),
        seconds=median(one.seconds for one in parts),
        cpu=median(one.cpu for one in parts),
        peak_mb=max(one.peak_mb for one in parts),
    )


def hubspot(rows: int, pairs: int, with_dlt: bool) -> Iterator[Compared]:
    """Contacts by list, against the drain and against dlt."""
    with serving("hubspot", rows) as url:
        found = [(pulled("hubspot", url), apart("drain-hubspot", url)) for _ in range(pairs)]
        ours, drains = [one for one, _ in found], [two for _, two in found]
        yield compared("HubSpot, requests + orjson", rows, ours, drains)
        if with_dlt and has_dlt():
            yield compared("HubSpot, dlt to DuckDB", rows, ours, [apart("dlt", url)])


def salesforce(rows: int, pairs: int) -> Iterator[Compared]:
    """Contacts by Bulk API 2.0, against the drain."""
    with serving("salesforce", rows) as url:
        found = [(pulled("salesforce", url), apart("drain-salesforce", url)) for _ in range(pairs)]
        ours, drains = [one for one, _ in found], [two for _, two in found]
        yield compared("Salesforce, csv.reader", rows, ours, drains)


def has_dlt() -> bool:
    """Whether the peer is installed; requirements/bench.txt has it."""
    try:
        import dlt  # noqa: F401
    except ImportError:
        print("dlt is not installed: install requirements/bench.txt", file=sys.stderr)
        return False
    return True


def goals(found: Sequence[Compared]) -> dict[str, bool]:
    """Which goals were met, by the clock."""
    by_what = {one.what: one for one in found}
    met = {}
    if one := by_what.get("HubSpot, requests + orjson"):
        met["HubSpot at most 1.6 times the drain"] = one.times <= 1.6
    if one := by_what.get("HubSpot, dlt to DuckDB"):
        met["HubSpot at least 4 times as fast as dlt"] = one.times <= 0.25
    if one := by_what.get("Salesforce, csv.reader"):
        met["Salesforce at most 3.5 times the drain"] = one.times <= 3.5
    met["below 200 MB"] = all(one.ours.peak_mb < 200 for one in found)
    met["every row there"] = all(one.ours.rows == one.other.rows == one.rows for one in found)
    return met


def show(found: Sequence[Compared], met: Mapping[str, bool]) -> None:
    """The result for people."""
    print(f"{'':28}{'rows':>10}{'ours s':>9}{'CPU':>8}{'peak MB':>9}{'other s':>9}{'CPU':>8}"
          f"{'times':>7}{'by CPU':>8}")  # fmt: skip
    for one in found:
        print(
            f"{one.what:28}{one.rows:>10,}{one.ours.seconds:>9.2f}{one.ours.cpu:>8.2f}"
            f"{one.ours.peak_mb:>9.1f}{one.other.seconds:>9.2f}{one.other.cpu:>8.2f}"
            f"{one.times:>7.2f}{one.times_cpu:>8.2f}"
        )
    for goal, is_met in met.items():
        print(f"  {'met' if is_met else 'MISSED':8}{goal}")


def main() -> None:
    """Parse, measure, show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--contacts", type=int, default=500_000, help="of the HubSpot-like account")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the Salesforce job")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a few rows, to see that it works")
    parser.add_argument("--only", choices=["hubspot", "salesforce"])
    parser.add_argument("--without-dlt", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", choices=[*WORK], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(WORK[options.work](options.url, options.folder))
        return
    contacts, rows, pairs = options.contacts, options.rows, options.pairs
    if options.quick:
        contacts, rows, pairs = 5_000, 60_000, 1
    found: list[Compared] = []
    if options.only != "salesforce":
        found += hubspot(contacts, pairs, not options.without_dlt)
    if options.only != "hubspot":
        found += salesforce(rows, pairs)
    met = goals(found)
    if options.json:
        print(json.dumps({"parts": [asdict(one) for one in found], "goals": met}))
    else:
        show(found, met)


if __name__ == "__main__":
    main()
