"""A plan depends on its input alone: not on the order of rows, the locale, the zone of the machine
or the seed of Python's hashes."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import random, sys
from crmbridge.planning import Budget, digest, dumps, plan_visits
from crmbridge.testing.planning import a_customer, a_problem, a_rep, hours, travel

names = [f"{rep}-{n}-{word}" for rep in ("ann", "bob") for n, word in enumerate(
    ("Ångström", "İstanbul", "zebra", "Äpfel", "ape", "Zürich", "ölen", "ILGAZ", "straße", "eau"))]
customers = [
    a_customer(name, 10.0 + n % 7, owner=name[:3], opening=hours(8, 12 + n % 5), every_days=3)
    for n, name in enumerate(names)
]
reps = [a_rep("ann"), a_rep("bob")]
random.seed(int(sys.argv[1]))
random.shuffle(customers), random.shuffle(reps)
travels = [
    travel({"home": (0, 0), **{name: (n % 4, n // 4) for n, name in enumerate(names)
                               if name.startswith(rep)}}, 9, rep)
    for rep in ("ann", "bob")
]
random.shuffle(travels)
problem = a_problem(customers, reps=tuple(reps), travels=tuple(travels))
plan = plan_visits(problem, Budget(iterations=300, seconds=0))
sys.stdout.buffer.write(f"{len(plan.visits)} {dumps(plan)}".encode())
"""


def plan_in(environment: dict[str, str], seed: int) -> bytes:
    """The plan that a process with such an environment makes."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-", str(seed)],
        input=PROGRAM.encode(),
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.fixture(scope="module")
def plain() -> bytes:
    found = plan_in({"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}, seed=1)
    assert int(found.split(b" ")[0]) > 10
    return found


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        {"PYTHONHASHSEED": "77", "LC_ALL": "POSIX", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "random", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns"},
    ],
    ids=["hash seed", "locale and zone", "all of them"],
)
def test_another_order_locale_zone_and_hash_seed_give_the_same_bytes(
    plain: bytes, environment: dict[str, str]
) -> None:
    assert plan_in(environment, seed=2) == plain
