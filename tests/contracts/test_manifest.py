"""Each file that others recorded is replayed by a test, or its absence has a reason."""

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORDED = ROOT.parent / "shared" / "contracts"
MANIFEST = tomllib.loads((Path(__file__).parent / "manifest.toml").read_text("utf-8"))
LISTED = sorted(MANIFEST["files"])
REPLAYED = sorted(
    {
        what.removeprefix("replayed: ")
        for files in MANIFEST["files"].values()
        for what in files.values()
        if what.startswith("replayed: ")
    }
)


def recordings() -> Path:
    """The folder of recordings, which lies beside a checkout."""
    if not RECORDED.is_dir():
        assert not os.environ.get("CI"), f"expected the recordings at {RECORDED}"
        pytest.skip(reason="the recordings are not beside this checkout")
    return RECORDED


@pytest.mark.parametrize("folder", LISTED)
def test_every_recording_is_listed_and_no_other(folder: str) -> None:
    here = recordings() / folder
    held = {str(one.relative_to(here)) for one in here.rglob("*") if one.is_file()}

    assert set(MANIFEST["files"][folder]) == held - {"LICENSE"}


@pytest.mark.parametrize("folder", LISTED)
def test_each_line_says_where_it_is_replayed_or_why_not(folder: str) -> None:
    said = MANIFEST["files"][folder].values()

    assert [one for one in said if not one.startswith(("replayed: ", "unused: "))] == []
    assert [one for one in said if len(one) < len("unused: ") + 10] == []


@pytest.mark.parametrize("test", REPLAYED)
def test_the_tests_that_are_named_are_there(test: str) -> None:
    file, _, name = test.partition("::")

    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_what_nobody_outside_judged_is_named() -> None:
    assert all(len(reason) > 40 for reason in MANIFEST["unjudged"].values())


@pytest.mark.parametrize(
    ("crm", "file", "line"),
    [
        ("Salesforce", "crmbridge-salesforce/tests/test_judged.py", r'"((?:GET|POST) /\S+)": "\w'),
        ("HubSpot", "crmbridge-hubspot/tests/test_vendor_client.py", r'"((?:GET|POST) /\S+)": ""'),
    ],
)
def test_every_endpoint_that_nobody_else_used_is_among_them(crm: str, file: str, line: str) -> None:
    found = re.findall(line, (ROOT / "plugins" / file).read_text("utf-8"))

    assert found
    assert [one for one in found if f"{crm} {one}" not in MANIFEST["unjudged"]] == []
