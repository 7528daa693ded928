"""Pulls a made-up CRM once, in a process that a test may kill: FOLDER READING ROWS PAGE."""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from crmbridge.adapters import Deletes, Reading
from crmbridge.pull import Source, SourceObject, pull
from crmbridge.store import open_store
from crmbridge.testing.memory import (
    MemoryConnection,
    MemoryCrm,
    memory_capabilities,
    memory_mappings,
)

CAPABILITIES = {
    "window": memory_capabilities(),
    "token": memory_capabilities(reading=Reading.TOKEN),
    "snapshot": memory_capabilities(reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE),
    "sweep": memory_capabilities(deletes=Deletes.SWEEP),
}


class LoggedCrm(MemoryCrm):
    """A made-up CRM whose calls outlive the process."""

    log: Path

    def reach(self, call: str) -> Any:
        with self.log.open("a") as log:
            log.write(call + "\n")
        return super().reach(call)


def main(folder: Path, reading: str, rows: int, page: int) -> int:
    """The same CRM each time; ids named in the file ``delete`` are gone by now."""
    crm = LoggedCrm()
    crm.log = folder / "calls"
    for number in range(rows):
        crm.put("Account", {"name": f"Customer {number}"})
    gone = folder / "delete"
    if gone.exists():
        crm.delete("Account", gone.read_text())
    names = {id_: values["name"] for id_, values in crm.held("Account").items()}
    (folder / "truth.json").write_text(json.dumps(names))
    runs = folder / "runs"
    run_id = len(runs.read_text()) + 1 if runs.exists() else 1
    runs.write_text("x" * run_id)
    crm.clock.at += timedelta(days=2 * run_id)
    capabilities = CAPABILITIES[reading]
    store = open_store(f"sqlite:///{folder}/store.db")
    report = pull(
        store,
        Source(
            connection="crm",
            open=MemoryConnection(crm=crm, declared=capabilities, page_size=page),
            capabilities=capabilities,
            objects=(
                SourceObject(
                    stream="customers",
                    object="Account",
                    fields=memory_mappings()["customers"]["Account"],
                ),
            ),
            clock=crm.clock,
            run_id=run_id,
            zone="UTC",
        ),
    )
    store.close()
    return int(report.exit_code)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
