"""How fast the engine is, and how near to what was published, on data beside the checkout.

    python benchmarks/engine.py [--quick] [--json]

One line per figure: what was measured, its value, the goal, whether it is met. Times are of the
best of three runs on this machine. Data that are absent are said to be and skipped; without any
of them the cold import and the reduction of activities are measured.

Ten million activities of 500,000 customers are made in a temporary folder (4 GB), reduced to all
features out of the store, and by DuckDB alone out of its own file to those that activities make;
both must agree. Then one customer in a hundred gets a changed activity. Ratios are told of the
wall's time and of the processors'; where others use the machine, too, the latter is the one to
read, and the one judged. `--quick` makes a fiftieth of it, where starting a process weighs most.

Goals: features within 2.5 times of DuckDB alone; with 1 % touched a tenth of that; CDNOW fitted in
1 s with a log-likelihood of -9582.43; cold import of the engine in 6 s; Hillstrom's women ranked
with a Qini of .055. Other figures are tests in tests/unit/engine.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _features import NOW, Spent, duckdb_alone, filled_store, forget, ours, spent, touch

from crmbridge.engine.experiments import ExperimentParameters, evaluate_experiment
from crmbridge.engine.offers import OfferParameters, next_offers
from crmbridge.engine.parameters import SegmentParameters
from crmbridge.engine.repeat_buying import fit_repeat_buying
from crmbridge.engine.segments import fit_segments
from crmbridge.engine.spending import fit_spending
from crmbridge.engine.strategy import StrategyParameters, fit_strategy
from crmbridge.engine.units import ExperimentColumns
from crmbridge.engine.uplift import UpliftParameters, fit_uplift
from crmbridge.engine.value import ValueParameters, value_customers
from crmbridge.store import Store
from crmbridge.store.feature_sql import DAY
from crmbridge.store.features import COUNTS

SHARED = Path(__file__).parents[1] / "../shared/data"
WHOLESALE = ("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")
IMPORT = (
    "import crmbridge.engine.scores, crmbridge.engine.segments, crmbridge.engine.propensity, "
    "crmbridge.engine.value, crmbridge.engine.strategy, crmbridge.engine.experiments, "
    "crmbridge.engine.uplift, crmbridge.engine.offers, crmbridge.engine.preferences, "
    "crmbridge.engine.visit_effect"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure; `goal` is "" where none was set."""

    what: str
    value: float
    unit: str
    goal: str = ""
    met: bool = True


def seconds(work: Callable[[], object], runs: int = 3) -> float:
    """The least wall-clock time of several runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def cold_import() -> Iterator[Line]:
    """A new process that loads the engine."""
    command = [sys.executable, "-c", IMPORT]
    runs = [spent(lambda: subprocess.run(command, check=True)) for _ in range(3)]
    yield Line(
        what="cold import of the engine, wall", value=min(one.wall for one in runs), unit="s"
    )
    taken = min(one.cpu for one in runs)
    yield Line(what="cold import, processors", value=taken, unit="s", goal="6", met=taken < 6)


def reduction(activities: int, customers: int) -> Iterator[Line]:
    """Activities to features in full, and again with few customers touched."""
    with filled_store(activities, customers) as (store, own):
        alone = min((spent(lambda: duckdb_alone(own)) for _ in range(3)), key=lambda one: one.cpu)
        full = min((_full(store) for _ in range(2)), key=lambda one: one.cpu)
        _agree(alone.found, full.found)
        touched = []
        for _ in range(3):
            touch(store, customers // 100)
            touched.append(spent(lambda: ours(store)))
        again = min(touched, key=lambda one: one.cpu)
        pd.testing.assert_frame_equal(_full(store).found, touched[-1].found)
        later = spent(lambda: ours(store, NOW + DAY))
    parts = {
        "DuckDB, its own file": alone,
        "features, all": full,
        "features, 1 % touched": again,
        "features, a day later": later,
    }
    for what, one in parts.items():
        yield Line(what=f"{what}, wall", value=one.wall, unit="s")
        yield Line(what=f"{what}, processors", value=one.cpu, unit="s")
    yield Line(what="features, all, of DuckDB's, wall", value=full.wall / alone.wall, unit="x")
    ratio, share = full.cpu / alone.cpu, 100 * again.cpu / full.cpu
    yield Line(
        what="features, all, of DuckDB's", value=ratio, unit="x", goal="2.5", met=ratio <= 2.5
    )
    yield Line(what="1 % touched, of all, wall", value=100 * again.wall / full.wall, unit="%")
    yield Line(what="1 % touched, of all", value=share, unit="%", goal="10", met=share <= 10)


def _full(store: Store) -> Spent:
    forget(store)
    return spent(lambda: ours(store))


def _agree(alone: pd.DataFrame, full: pd.DataFrame) -> None:
    counts = [name for name in alone.columns if name in COUNTS]
    pd.testing.assert_frame_equal(
        alone[counts].astype(float).reindex(full.index).fillna(0.0), full[counts], check_names=False
    )
    last = ((NOW - alone["last_activity_at"]) / DAY).reindex(full.index).to_numpy()
    np.testing.assert_array_equal(last, full["last_activity_days"].to_numpy())


def cdnow() -> Iterator[Line]:
    """Repeat buying and spending of 2,357 customers."""
    frame = pd.read_csv(SHARED / "cdnow/cdnow_customers_summary_with_transactions.csv")
    names = {"x": "repeats", "t_x": "recency", "T": "age", "zbar": "amount_mean"}
    summary = frame.rename(columns=names)
    taken = seconds(lambda: fit_repeat_buying(summary))
    yield Line(what="CDNOW, BG/NBD", value=taken, unit="s", goal="1", met=taken < 1)
    model = fit_repeat_buying(summary)
    likelihood = model.log_likelihood if model else float("-inf")
    met = likelihood >= -9582.43
    yield Line(what="CDNOW, log-likelihood", value=likelihood, unit="", goal="-9582.43", met=met)
    yield Line(what="CDNOW, gamma-gamma", value=seconds(lambda: fit_spending(summary)), unit="s")
    valued = seconds(lambda: value_customers(summary, ValueParameters()), runs=1)
    yield Line(what="CDNOW, values, intervals", value=valued, unit="s")


def hillstrom() -> Iterator[Line]:
    """Three arms of 64,000 customers."""
    frame = pd.read_csv(SHARED / "hillstrom/hillstrom.csv.gz")
    columns = ExperimentColumns(arm="segment", outcome="spend")
    parameters = ExperimentParameters(columns=columns, control="No E-Mail")
    taken = seconds(lambda: evaluate_experiment(frame, parameters))
    yield Line(what="Hillstrom, one outcome", value=taken, unit="s")


def uplift() -> Iterator[Line]:
    """Whom the women's mail moved, of 42,693 customers."""
    frame = pd.read_csv(SHARED / "hillstrom/hillstrom.csv.gz")
    parameters = UpliftParameters(
        arm="segment", treated="Womens E-Mail", control="No E-Mail", outcome="visit"
    )
    start = time.perf_counter()
    found = fit_uplift(frame, parameters)
    yield Line(what="Hillstrom, uplift", value=time.perf_counter() - start, unit="s")
    best = max(found.qini.values())
    yield Line(what="Hillstrom, women, Qini", value=best, unit="", goal=".055", met=best >= 0.055)


def offers() -> Iterator[Line]:
    """Three offers for each of 4,372 customers."""
    file = SHARED / "online_retail/online_retail_uci_2010-12_2011-12.csv.gz"
    frame = pd.read_csv(file, dtype={"CustomerID": str, "StockCode": str})
    names = {"CustomerID": "customer_id", "StockCode": "product_id"}
    lines = frame[frame["CustomerID"].notna()].rename(columns=names)
    parameters = OfferParameters(product="product_id")
    taken = seconds(lambda: next_offers(lines, parameters), runs=1)
    yield Line(what="Online Retail, offers", value=taken, unit="s")


def wholesale() -> Iterator[Line]:
    """How many segments 440 customers admit, of 2 to 8."""
    frame = pd.read_csv(SHARED / "wholesale/wholesale_customers.csv")
    parameters = SegmentParameters(columns=WHOLESALE)
    taken = seconds(lambda: fit_segments(frame, parameters), runs=1)
    yield Line(what="Wholesale, segments", value=taken, unit="s")


def advertising() -> Iterator[Line]:
    """Sales on three media."""
    frame = pd.read_csv(SHARED / "advertising/Advertising.csv")
    parameters = StrategyParameters(sales="Sales", drivers=("TV", "Radio", "Newspaper"))
    taken = seconds(lambda: fit_strategy(frame, parameters))
    yield Line(what="Advertising, regression", value=taken, unit="s")


def main() -> None:
    """Measure everything that has its data."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the activities")
    asked = parser.parse_args()
    size = (200_000, 10_000) if asked.quick else (10_000_000, 500_000)

    def features() -> Iterator[Line]:
        return reduction(*size)

    lines: list[Line] = []
    for part in (cold_import, features, cdnow, hillstrom, uplift, offers, wholesale, advertising):
        try:
            lines += part()
        except FileNotFoundError as missing:
            print(f"{part.__name__}: skipped, no {missing.filename}", file=sys.stderr)
    if asked.as_json:
        print(json.dumps([asdict(line) for line in lines]))
        return
    for line in lines:
        goal = f"  goal {line.goal}: {'met' if line.met else 'MISSED'}" if line.goal else ""
        print(f"{line.what:32} {line.value:12.3f} {line.unit:2}{goal}")


if __name__ == "__main__":
    main()
