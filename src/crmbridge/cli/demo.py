"""The demo: the whole way on made-up data, told as it goes."""

import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from crmbridge.adapters import Sandbox
from crmbridge.cli.invocation import clock_at
from crmbridge.cli.output import show
from crmbridge.cli.plan_text import plan_text
from crmbridge.cli.run_text import run_text
from crmbridge.errors import UsageError
from crmbridge.extensions import load_extensions
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.run import Task, run_task
from crmbridge.jobs.runs import run_of
from crmbridge.jobs.showing.html import write_report
from crmbridge.jobs.territory.planning import plans_again
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.deciding import decide_undo, writable
from crmbridge.jobs.writing.pushing import apply_changeset, newest_changeset
from crmbridge.settings import Settings, load
from crmbridge.store import open_store
from crmbridge.testing.demo_data import DEFAULT_END, DEMO_TOML, generate, write_csv


def run_demo(
    folder: Path, now: datetime | None, *, is_quiet: bool, crm: str = ""
) -> dict[str, Any]:
    """Make up a company in a folder, or in a CRM's sandbox, and go the whole way over it, twice.

    Args:
        now: the day the demo plays on; by default the one its data end on, so that it prints the
            same on any day.
        crm: adapter whose sandbox holds the company; CSV files in the folder if empty.

    Returns:
        The reports of the runs.

    Raises:
        UsageError: the folder holds a demo already, or there is no such sandbox.
    """
    say = _nothing if is_quiet else show
    at = now or datetime.combine(DEFAULT_END, time(6), UTC)
    if not crm:
        config = prepare(folder)
        say(f"Made up 600 customers of 12 reps in {folder / 'data'}\nwith settings in {config}")
        return _run(load(config, os.environ), at, say)
    with start_sandbox(crm) as running:
        config = _config(folder)
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(running.settings, encoding="utf-8")
        say(
            f"Made up 600 customers of 12 reps in a {crm} sandbox at {running.url}\n"
            f"with settings in {config}"
        )
        return _run(load(config, {**os.environ, **running.secrets}), at, say, takes_back=True)


def start_sandbox(crm: str, port: int = 0) -> AbstractContextManager[Sandbox]:
    """The sandbox of an adapter, filled with the demo's company; entered, it listens.

    Raises:
        UsageError: no adapter of that name has one.
    """
    found = load_extensions().adapters
    with_one = sorted(name for name, offer in found.items() if offer.item.sandbox is not None)
    make = found[crm].item.sandbox if crm in found else None
    if make is None:
        raise UsageError("sandbox", f"one of {', '.join(with_one) or 'none'}", repr(crm))
    return make(port)


def _run(
    settings: Settings, now: datetime, say: Any, *, takes_back: bool = False
) -> dict[str, Any]:
    store = open_store(settings.store_url().get_secret_value())
    try:
        space = Workspace(
            settings=settings,
            store=store,
            extensions=load_extensions(settings.plugins.allow),
            clock=clock_at(now),
        )
        document = _go(space, say)
        if takes_back:
            document["undo"] = _take_back(space, document["first"]["changeset"]["id"], say)
        return document
    finally:
        store.close()


def _config(folder: Path) -> Path:
    """Where the demo's configuration will be.

    Raises:
        UsageError: there is one already.
    """
    config = folder / "crmbridge.toml"
    if config.exists():
        raise UsageError(
            str(folder), "a new folder", "one with a demo", "Remove it, or name another --folder"
        )
    return config


def prepare(folder: Path) -> Path:
    """Write the demo's data and configuration into a new folder; returns the configuration."""
    config = _config(folder)
    write_csv(generate(), folder / "data")
    config.write_text(DEMO_TOML, encoding="utf-8")
    return config


def _go(space: Workspace, say: Any) -> dict[str, Any]:
    with run_of(space, "demo") as first:
        run_task(space, Task(), first)
    say("\n1. Pull, analyze, plan, decide\n" + run_text(first))
    made = plans_again(space, RunReport(run=0, now=space.clock.now()))
    if made is not None:
        say("\n2. The plan of the first rep\n" + plan_text(made, reps=1, left_out=8))
    with run_of(space, "demo") as pushed:
        apply_changeset(space, newest_changeset(space), pushed, actor="demo")
    counts = ", ".join(f"{count} {name}" for name, count in pushed.outcomes.items())
    say(f"3. Push: {counts}.")
    with run_of(space, "demo") as again:
        run_task(space, Task(), again)
    items = sum(count for name, count in again.changeset.items() if name != "id")
    say(f"4. The same again: {items} changes left to make.")
    report = write_report(space, None)
    say(f"\nwrote {report}")
    for file in first.files[:4]:
        say(f"wrote {file}")
    return {
        "first": first.to_json(),
        "push": pushed.to_json(),
        "again": again.to_json(),
        "report": str(report),
    }


def _take_back(space: Workspace, changeset: str, say: Any) -> dict[str, Any]:
    with run_of(space, "undo") as report:
        with writable(space) as target:
            decision = decide_undo(space, changeset, target)
        apply_changeset(space, decision.changeset.id, report, actor="demo")
    counts = ", ".join(f"{count} {name}" for name, count in report.outcomes.items())
    say(f"5. Undo: {counts}.")
    return report.to_json()


def _nothing(text: str) -> None:
    del text
