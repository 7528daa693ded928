"""The benchmark of pulls from CRMs takes in every row that its servers hold; never how fast."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "pull_crm.py"


@pytest.mark.parametrize(("kind", "rows"), [("hubspot", 250), ("salesforce", 50_500)])
def test_counts_are_the_servers(kind: str, rows: int) -> None:
    found = run("--only", kind, "--contacts", str(rows), "--rows", str(rows))

    first = found["parts"][0]
    assert (first["rows"], first["ours"]["rows"], first["other"]["rows"]) == (rows, rows, rows)
    assert found["goals"]["every row there"]


def run(*options: str) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), "--json", "--pairs", "1", "--without-dlt", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result
