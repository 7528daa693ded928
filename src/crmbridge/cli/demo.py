"""The demo: the whole way on made-up data, told as it goes."""

import os
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

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
from crmbridge.jobs.writing.pushing import apply_changeset, newest_changeset
from crmbridge.settings import load
from crmbridge.store import open_store
from crmbridge.testing.demo_data import DEFAULT_END, DEMO_TOML, generate, write_csv


def run_demo(folder: Path, now: datetime | None, *, is_quiet: bool) -> dict[str, Any]:
    """Make up a company in a folder and go the whole way over it, twice.

    Args:
        now: the day the demo plays on; by default the one its data end on, so that it prints the
            same on any day.

    Returns:
        The reports of the three runs.

    Raises:
        UsageError: the folder holds a demo already.
    """
    say = _nothing if is_quiet else show
    config = prepare(folder)
    say(f"Made up 600 customers of 12 reps in {folder / 'data'}\nwith settings in {config}")
    settings = load(config, os.environ)
    store = open_store(settings.store_url().get_secret_value())
    try:
        space = Workspace(
            settings=settings,
            store=store,
            extensions=load_extensions(settings.plugins.allow),
            clock=clock_at(now or datetime.combine(DEFAULT_END, time(6), UTC)),
        )
        return _go(space, say)
    finally:
        store.close()


def prepare(folder: Path) -> Path:
    """Write the demo's data and configuration into a new folder; returns the configuration."""
    config = folder / "crmbridge.toml"
    if config.exists():
        raise UsageError(
            str(folder), "a new folder", "one with a demo", "Remove it, or name another --folder"
        )
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


def _nothing(text: str) -> None:
    del text
