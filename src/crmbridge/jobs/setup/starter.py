"""Writes the starter configuration, from what can be found out without asking."""

import os
from dataclasses import dataclass
from pathlib import Path

from crmbridge.errors import StorageError, UsageError
from crmbridge.records import STREAMS

_HEAD = """\
# crmbridge: which CRMs to read, what may be written back, and how visits are planned.
# Every key is described in docs/configuration.md; `crmbridge doctor` checks this file.

[store]
url = "sqlite:///crmbridge.db"        # or a postgresql+psycopg:// URL by {{ env = "NAME" }}

"""

_FILES = """\
[connections.files]
adapter = "csv"
path = "{path}"                       # {found}
out = "{path}/out"                    # results are written here, never over your files

[connections.files.write]             # what is not named here cannot be written
visits = true
segment = "segment"
score = "score"
reasons = "reasons"

"""

_SALESFORCE = """\
# [connections.sales]
# adapter = "salesforce"
# url = "https://login.salesforce.com"
# auth.method = "client_credentials"
# auth.client_id = "..."
# auth.client_secret = {{ env = "SF_SECRET" }}
#
# [connections.sales.write]
# visits = true
# segment = "Segment__c"
# score = "Visit_Score__c"
# reasons = "Visit_Reasons__c"

"""

_PLANNING = """\
[planning]
horizon_days = 14
seed = 1

[planning.rep_defaults]               # for reps that have no [reps."name@example.com"] of their own
zone = "{zone}"
days = ["mon", "tue", "wed", "thu", "fri"]
start = 08:00:00
end = 17:00:00

[planning.classes.A]
every_days = 14
minutes = 60

[planning.classes.B]
every_days = 28
minutes = 45

[planning.classes.C]
every_days = 56
minutes = 30

[jobs.nightly]
schedule = "0 2 * * mon-fri"
timezone = "{zone}"
connections = [{connections}]
steps = ["pull", "analyze", "plan", "push"]
push = "review"                       # "auto" applies what passes the guards
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the folder and the machine tell.

    Args:
        csv_folder: folder with files named like streams, relative; None if there is none.
        csv_files: their names.
        zone: the machine's IANA zone.
    """

    csv_folder: str | None
    csv_files: tuple[str, ...]
    zone: str


def look_around(folder: Path) -> Surroundings:
    """Find CSV files named like streams, here or in ``data``, and the machine's zone."""
    names = {f"{stream}{end}" for stream in STREAMS for end in (".csv", ".csv.gz")}
    for place in (folder, folder / "data"):
        found = tuple(sorted(path.name for path in place.glob("*") if path.name in names))
        if found:
            relative = "." if place == folder else place.name
            return Surroundings(csv_folder=relative, csv_files=found, zone=_zone())
    return Surroundings(csv_folder=None, csv_files=(), zone=_zone())


def starter_text(around: Surroundings) -> str:
    """The commented configuration for these surroundings."""
    if around.csv_folder is None:
        found, path = "no CSV files found yet: customers.csv, activities.csv, ...", "data"
    else:
        found, path = "found: " + ", ".join(around.csv_files), around.csv_folder
    files = _FILES.format(path=path, found=found)
    planning = _PLANNING.format(zone=around.zone, connections='"files"')
    return _HEAD.format() + files + _SALESFORCE.format() + planning


def write_starter(target: Path) -> Path:
    """Write the starter configuration, and never over a file that is there.

    Raises:
        UsageError: the file exists.
        StorageError: it cannot be written.
    """
    text = starter_text(look_around(target.parent))
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as cause:
        raise UsageError(
            str(target), "no file here yet", "one", "Move it away, or name another with --config"
        ) from cause
    except OSError as cause:
        raise StorageError(str(target), "a place to write to", cause.strerror or "") from cause
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return target


def _zone() -> str:
    try:
        target = str(Path("/etc/localtime").readlink())
    except OSError:
        return "UTC"
    _, found, name = target.partition("zoneinfo/")
    return name.removeprefix("Etc/") if found else "UTC"
