"""The same files in another order, under another locale, zone and hash seed, on more workers: the
same plan, byte for byte, through pull, analyze and plan as processes of their own."""

import csv
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

NOW = "2026-11-02T06:00:00Z"
LOCALE = "tr_TR.UTF-8"
"""Writes 0,5 and sorts, lowers and raises letters in its own way."""
SET_LOCALE = "import locale\n\nlocale.setlocale(locale.LC_ALL, '')\n"
PROBE = "import locale; print(locale.localeconv()['decimal_point'], locale.setlocale(0))"
MAIN = "from crmbridge.cli.main import main; main()"
KEPT = ("visit_plan.csv", "not_planned.csv")


@pytest.fixture(scope="module")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment in which every Python process takes on another locale at its start."""
    folder = tmp_path_factory.mktemp("locale")
    (folder / "sitecustomize.py").write_text(SET_LOCALE, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    environment = {"LC_ALL": LOCALE, "LANG": LOCALE, "PYTHONPATH": path}
    if _decimal_point(environment) == ",":
        return environment
    environment["LOCPATH"] = str(folder)
    maker = shutil.which("localedef")
    if maker is not None:  # most machines of servers have none but C
        command = [maker, "-i", "tr_TR", "-f", "UTF-8", str(folder / LOCALE)]
        subprocess.run(command, capture_output=True, check=False)
    if _decimal_point(environment) != ",":
        assert not os.environ.get("CI"), f"expected the locale {LOCALE}, or localedef to make it"
        pytest.skip(f"this machine has no locale {LOCALE}, nor the means to make it")
    return environment


def _decimal_point(environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout[:1] if done.returncode == 0 and not done.stderr else ""


def planned(folder: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    """What pull, analyze and plan leave, and what plan says as JSON."""
    said = b""
    for words in (("pull",), ("analyze",), ("plan", "--json")):
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words, "--now", NOW],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr.decode(errors="replace")
        said = done.stdout
    files = sorted((folder / "out" / "calendars").iterdir())
    files += [folder / "out" / name for name in KEPT]
    told = said.replace(str(folder).encode(), b"")
    return {**{file.name: file.read_bytes() for file in files}, "plan --json": told}


def a_copy(company: Path, folder: Path, workers: int) -> Path:
    """The small company, searched for longer than other tests need."""
    target = folder / "desk"
    shutil.copytree(company, target)
    config = target / "crmbridge.toml"
    text = config.read_text(encoding="utf-8")
    assert "iterations_per_rep = 50 " in text
    text = text.replace("iterations_per_rep = 50 ", "iterations_per_rep = 2000 ")
    config.write_text(f"{text}\n[engine]\nworkers = {workers}\n", encoding="utf-8")
    return target


def shuffled(folder: Path, seed: int) -> None:
    """Put the rows of every table into another order."""
    dice = random.Random(seed)
    for path in sorted((folder / "data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        dice.shuffle(rows)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])


@pytest.fixture(scope="module")
def plain(company: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The plan of the files as they are."""
    folder = a_copy(company, tmp_path_factory.mktemp("plain"), workers=1)
    environment = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    found = planned(folder, environment)
    assert found["visit_plan.csv"].count(b"\n") > 10
    return found


def test_order_locale_zone_hash_seed_and_workers_leave_the_plan_as_it_is(
    plain: dict[str, bytes], turkish: Mapping[str, str], company: Path, tmp_path: Path
) -> None:
    folder = a_copy(company, tmp_path, workers=2)
    shuffled(folder, seed=2)

    found = planned(folder, {**turkish, "PYTHONHASHSEED": "77", "TZ": "Pacific/Kiritimati"})

    same = {name: found.get(name) == content for name, content in plain.items()}
    assert same == dict.fromkeys(plain, True)
    assert set(found) == set(plain)
