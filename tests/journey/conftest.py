"""Commands as a person runs them: a configuration file, a command, an exit code and its lines."""

import csv
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from crmbridge.adapters import Adapter
from crmbridge.cli.app import app
from crmbridge.cli.main import main
from crmbridge.extensions import Extensions, Offer, Origin
from crmbridge.settings import load
from crmbridge.store import open_store
from crmbridge.testing.demo_data import DEMO_TOML, DemoData, Table, generate, write_csv

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull told, and the store that it left.

    Args:
        counts: stream -> what was read, new, changed and so on, of the only connection.
        stops: one line for each thing that stopped a part.
        findings: code -> its example.
    """

    exit_code: int
    counts: Mapping[str, Mapping[str, int]]
    stops: list[str]
    findings: Mapping[str, tuple[int, str]]
    url: str

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        store = open_store(self.url)
        try:
            with store.read() as tx:
                return [tuple(row) for row in tx.execute(text(query))]
        finally:
            store.close()


def pull(config: Path, *options: str) -> Pulled:
    """``crmbridge --config FILE pull --json`` with more options."""
    command = ["--config", str(config), "pull", "--json", *options]
    result = CliRunner().invoke(app, command)
    if isinstance(result.exception, Exception):
        raise result.exception
    document = json.loads(result.stdout)
    (counts,) = document["connections"].values() or ({},)
    return Pulled(
        exit_code=result.exit_code,
        counts=counts,
        stops=document["stops"],
        findings={one["code"]: (one["count"], one["example"]) for one in document["findings"]},
        url=load(config, {}).store_url().get_secret_value(),
    )


@pytest.fixture(name="pull", scope="session")
def give_pull() -> Callable[..., Pulled]:
    """`pull`."""
    return pull


@pytest.fixture(scope="session")
def shared_config(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A configuration of ours that reads data beside the project, with its results apart."""

    def copy(name: str) -> Path:
        if not SHARED.is_dir() and not os.environ.get("CI"):
            pytest.skip(f"the shared data are not at {SHARED}")
        content = (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8")
        target = tmp_path_factory.mktemp(name) / f"{name}.toml"
        target.write_text(content.replace("../../shared/data", str(SHARED)), encoding="utf-8")
        return target

    return copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


def run_cli(*arguments: str, folder: Path) -> Answer:
    """``crmbridge ARGUMENTS`` in a folder, in this process; a traceback is never an answer."""
    out, err, before = StringIO(), StringIO(), Path.cwd()
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    os.chdir(folder)
    try:
        with (
            patch.object(sys, "argv", ["crmbridge", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    finally:
        os.chdir(before)
        for number, handler in signals.items():
            signal.signal(number, handler)
    assert "Traceback" not in out.getvalue() + err.getvalue()
    code = end.value.code
    return Answer(code=code if isinstance(code, int) else 0, out=out.getvalue(), err=err.getvalue())


NOW = "2026-11-02T06:00:00Z"
"""A Monday, seven o'clock in Berlin: the day on which the made-up company's history ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A folder with a configuration and data, and the commands given in it."""

    folder: Path

    def __call__(self, *arguments: str, now: str = "") -> Answer:
        """Give a command."""
        return run_cli(*arguments, *(("--now", now) if now else ()), folder=self.folder)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "crmbridge.toml"

    def configure(self, old: str, new: str) -> None:
        """Replace a piece of the configuration."""
        content = self.config.read_text(encoding="utf-8")
        assert old in content
        self.config.write_text(content.replace(old, new), encoding="utf-8")

    def rows(self, name: str) -> list[dict[str, str]]:
        """A CSV file's rows."""
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def write_rows(self, name: str, rows: list[dict[str, str]]) -> None:
        """Replace a CSV file's rows."""
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


REPS = ("ann@example.com", "ben@example.com")


def small_company() -> DemoData:
    """The demo's company, cut down to fifteen customers of each of its first two reps."""
    data = generate()
    reps = data.tables["reps"]
    kept = replace(reps, rows=reps.rows[:2])
    owners = set(kept.column("id"))
    customers = data.tables["customers"]
    place, owned = customers.header.index("owner_id"), dict.fromkeys(owners, 0)
    rows = []
    for row in customers.rows:
        if row[place] in owned and owned[row[place]] < 15 and str(row[0]) < "C8":
            owned[row[place]] += 1
            rows.append(row)
    ids = {row[0] for row in rows}
    tables = {
        name: _of_customers(table, ids) for name, table in data.tables.items() if name != "reps"
    }
    tables["customers"] = replace(customers, rows=rows)
    contacts = set(tables["contacts"].column("id"))
    consents = [r for r in data.tables["consents"].rows if r[1] in ids or r[2] in contacts]
    tables["consents"] = replace(data.tables["consents"], rows=consents)
    return replace(data, tables={"reps": kept, **tables})


def _of_customers(table: Table, ids: set[Any]) -> Table:
    if "customer_id" not in table.header:
        return table
    place = table.header.index("customer_id")
    bad = {"O900001", "O900002", "E9001", "L900001", "A900001"}
    rows = [row for row in table.rows if row[place] in ids and row[0] not in bad]
    return replace(table, rows=rows)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small company, never worked on itself."""
    folder = tmp_path_factory.mktemp("company")
    write_csv(small_company(), folder / "data")
    toml = DEMO_TOML.replace("iterations_per_rep = 5000", "iterations_per_rep = 50")
    toml = toml.replace("first_fill", "limits = { share = 0.5 }\nfirst_fill")
    (folder / "crmbridge.toml").write_text(toml, encoding="utf-8")
    return folder


@pytest.fixture
def desk(company: Path, tmp_path: Path) -> Desk:
    """The small company before anything was done with it."""
    shutil.copytree(company, tmp_path / "desk")
    return Desk(folder=tmp_path / "desk")


@pytest.fixture(scope="session")
def ran_company(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company after its first run, whose changeset waits."""
    folder = tmp_path_factory.mktemp("ran") / "desk"
    shutil.copytree(company, folder)
    answer = Desk(folder=folder)("run", now=NOW)
    assert answer.code == 4, answer.err
    return folder


@pytest.fixture(scope="session")
def pushed_company(ran_company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company after its first run and push."""
    folder = tmp_path_factory.mktemp("pushed") / "desk"
    shutil.copytree(ran_company, folder)
    pushed = Desk(folder=folder)("push", now=NOW)
    assert pushed.code == 0, pushed.err
    (folder / "pushed.txt").write_text(pushed.out, encoding="utf-8")
    return folder


@pytest.fixture
def ran(ran_company: Path, tmp_path: Path) -> Desk:
    """The small company after its first run, whose changeset waits."""
    shutil.copytree(ran_company, tmp_path / "desk")
    return Desk(folder=tmp_path / "desk")


@pytest.fixture
def pushed(pushed_company: Path, tmp_path: Path) -> Desk:
    """The small company after its first run and push."""
    shutil.copytree(pushed_company, tmp_path / "desk")
    return Desk(folder=tmp_path / "desk")


@pytest.fixture
def bare_desk(tmp_path: Path) -> Desk:
    """An empty folder."""
    return Desk(folder=tmp_path)


@pytest.fixture(scope="session")
def open_desk() -> Callable[[Path], Desk]:
    """A desk in a folder of one's own."""
    return lambda folder: Desk(folder=folder)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[[Adapter], None]:
    """Let commands of this test know an adapter that no plugin brings, and no other."""

    def known(adapter: Adapter) -> None:
        origin = Origin(plugin="test", distribution="crmbridge-test", version="1")
        offer = Offer(item=adapter, name=adapter.name, origin=origin)
        found = Extensions(adapters={adapter.name: offer}, scorers={})
        monkeypatch.setattr("crmbridge.cli.session.load_plugins", lambda settings: found)

    return known
