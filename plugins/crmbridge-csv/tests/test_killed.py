"""A kill while a file of results is written leaves the old file or the new one, whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crmbridge_csv.out import OutFile

WRITE = """
import sys
from pathlib import Path
from crmbridge_csv.out import OutFile
OutFile(Path(sys.argv[1]), "visits.csv", ",").patch({"k2": {"subject": "new"}})
"""
OLD, NEW = "id,subject\nk1,old\n", "id,subject\nk1,old\nk2,new\n"


def killed_at(point: str, folder: Path) -> int:
    environ = {**os.environ, "CRMBRIDGE_FAILPOINT": f"{point}:1"}
    return subprocess.run(
        [sys.executable, "-c", WRITE, str(folder)], env=environ, check=False
    ).returncode


@pytest.mark.parametrize(("point", "left"), [("csv.out.written", OLD), ("csv.out.renamed", NEW)])
def test_a_kill_leaves_one_whole_file_and_the_next_write_goes_on(
    tmp_path: Path, point: str, left: str
) -> None:
    file = OutFile(tmp_path, "visits.csv", ",")
    file.patch({"k1": {"subject": "old"}})

    code = killed_at(point, tmp_path)
    found = (tmp_path / "visits.csv").read_text()
    file.patch({"k2": {"subject": "new"}})

    assert code == -signal.SIGKILL
    assert found == left
    assert (tmp_path / "visits.csv").read_text() == NEW
