"""A new adapter passes its first tests as written."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from crmbridge.errors import UsageError
from crmbridge.testing.scaffold import FILES, write_adapter


@pytest.mark.parametrize("name", ["acme", "my-crm2"])
def test_a_new_adapter_passes_its_tests(name: str, tmp_path: Path) -> None:
    write_adapter(name, tmp_path)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / f"crmbridge-{name}",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def test_a_new_adapter_is_found_by_its_entry_point(tmp_path: Path) -> None:
    files = write_adapter("my-crm", tmp_path)

    project = tomllib.loads(files[0].read_text())["project"]
    assert project["name"] == "crmbridge-my-crm"
    assert project["entry-points"] == {"crmbridge": {"my-crm": "crmbridge_my_crm"}}


def test_all_files_are_named(tmp_path: Path) -> None:
    files = write_adapter("acme", tmp_path)

    assert len(files) == len(FILES)
    assert sorted(files) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("checker", [["ruff", "check"], ["mypy", "--strict"]])
def test_a_new_adapter_is_clean(checker: list[str], tmp_path: Path) -> None:
    write_adapter("acme", tmp_path)

    ran = subprocess.run(
        [sys.executable, "-m", *checker, "src", "tests"],
        cwd=tmp_path / "crmbridge-acme",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", ["", "Acme", "a/b", "../x", "a b", "1a", "-a", "a--b", "a_b"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_adapter(name, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_adapter("acme", tmp_path)

    with pytest.raises(UsageError, match="exists"):
        write_adapter("acme", tmp_path)
