"""What the configuration says of jobs, plugins, files and retention."""

from typing import Literal

from crmbridge.settings.secrets import Secret, Url
from crmbridge.settings.table import Count, Listed, Name, NonEmpty, Table, Zone

Step = Literal["pull", "analyze", "plan", "push"]
STEPS: tuple[Step, ...] = ("pull", "analyze", "plan", "push")


class StoreSettings(Table):
    """Where crmbridge keeps what it knows."""

    url: Url = "sqlite:///crmbridge.db"
    "A file, as sqlite:///path, or postgresql+psycopg://user@host/database."
    password: Secret | None = None
    "The database user's password."


class JobSettings(Table):
    """One run of several steps, by hand or on a schedule."""

    schedule: str = ""
    "When it is due, as five cron fields; by default only when asked for."
    timezone: Zone = "UTC"
    "Zone of the schedule."
    connections: Listed[Name] = ()
    "Connections it works on; by default all."
    steps: Listed[Step] = STEPS
    "What it does, in this order."
    push: Literal["review", "auto"] = "review"
    "Leaves a changeset for review, or applies what passes the guards."
    late: Literal["run_once", "skip"] = "run_once"
    "What to do about a time that was missed."


class PluginSettings(Table):
    """Which plugins are loaded beside our own."""

    allow: Listed[NonEmpty] = ()
    "Distributions whose plugins may run; they run with your privileges."


class OutSettings(Table):
    """Where files are written."""

    path: NonEmpty = "out"
    "Folder of calendars, tables and reports."


class RetentionSettings(Table):
    """How long things are kept, in days; 0 for ever."""

    quarantine_days: Count = 90
    "Quarantined records."
    runs_days: Count = 400
    "History of runs."
    changesets_days: Count = 0
    "Changesets that were applied."
